// Where in the code: places that allocate, sorted by any measure, found by any name.

const MEASURES = run.measures; // field, label, what it means
const UNKNOWN = "not in this page";
const AT_ONCE = 50;
let more = AT_ONCE;

// Those that are known; what reached the kernel is told of single events alone.
function measures() {
  if (!run.whole) return MEASURES.filter(([name]) => summary.sites.every((row) => typeof row[name] === "number"));
  const lists = { peak_bytes: "peak", live_bytes: "left", temporary_bytes: "temporary" };
  return MEASURES.filter(([name]) => !(name in lists) || run.memory[lists[name]]);
}

function setUpSites() {
  const home = place("sites");
  home.replaceChildren(
    el("p", { class: "buttons" },
      el("label", {}, "search ", el("input", { type: "search", id: "sites-search", size: "24", placeholder: "function, file, purpose",
        input: (event) => { more = AT_ONCE; look({ q: event.target.value.slice(0, 200) || null }); } })),
      el("span", { id: "sites-said", class: "quiet", role: "status" })),
    el("p", { class: "quiet", id: "sites-unknown", hidden: true }, `?: ${UNKNOWN}. In a terminal: `, el("code", { id: "sites-command" })),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "sites" },
      el("table", { id: "sites-table" }, el("thead", {}), el("tbody", {}))),
    button("show more", () => { more += 200; drawSites(); }, { id: "sites-more" }));
  onView("sites", drawSites);
}

function handsOut(at) {
  if (isSyscall(at) || isNested[at] || ev.errno[at] !== null || ev.block[at] === null) return false;
  return !frees(at);
}

// Sums by site of the events that a filter lets through.
function siteRows(events) {
  const rows = new Map();
  for (const at of events) {
    if (!handsOut(at)) continue;
    const kind = kindOf(at);
    let row = rows.get(kind.site);
    if (!row) {
      row = { ...sites[kind.site], site: kind.site, purposes: new Map() };
      for (const [name] of MEASURES) row[name] = 0;
      rows.set(kind.site, row);
    }
    row.bytes += bytesOf(at);
    row.peak_bytes += remembered("peak", at);
    row.live_bytes += remembered("left", at);
    row.temporary_bytes += remembered("temporary", at);
    row.count++;
    if (reaches(at)) row.calls_reaching_kernel++;
    const purpose = kind.purpose || "unknown";
    row.purposes.set(purpose, (row.purposes.get(purpose) || 0) + bytesOf(at));
  }
  return [...rows.values()].map((row) => ({ ...row, text: purposeOf([...row.purposes]) }));
}

function purposeOf(purposes) {
  purposes.sort((a, b) => b[1] - a[1]);
  const first = purposes[0][0];
  return purposes.length === 1 ? first : `${first} (and ${count(purposes.length - 1, "other purpose")})`;
}

// Of a run whose events are not all here: sums of its stacks.
function toldRows() {
  const rows = new Map();
  const told = measures();
  for (const [leaf, value] of toldLeaves()) {
    const key = leaf[0] < 0 ? `others ${leaf[2]}` : leaf[0];
    if (!rows.has(key)) rows.set(key, newRow(leaf));
    for (const [name] of told) addKnown(rows.get(key), name, value(name));
  }
  return [...rows.values()];
}

// What is not known of a part is not known of all.
function addKnown(row, name, value) {
  row[name] = row[name] === null || value === null ? null : row[name] + value;
}

function newRow([site, , origin]) {
  const row = site < 0 ? { function: "all other places", origin, site: null, text: "" }
    : { ...sites[site], site, text: toldPurpose(sites[site]) };
  for (const [name] of MEASURES) row[name] = 0;
  return row;
}

let purposes = null; // by place, what the summary says it is for

function toldPurpose(site) {
  if (!purposes) {
    purposes = new Map(summary.sites.map((row) => [siteKey(row),
      row.purposes > 1 ? `several: ${row.by_purpose[0].purpose || "unknown"} …` : row.purpose || "unknown"]));
  }
  return purposes.get(siteKey(site)) || "unknown";
}

function siteKey(site) {
  return JSON.stringify([site.function, site.module, site.file, site.line, site.offset, site.origin]);
}

function drawSites() {
  const told = measures();
  const sort = told.some(([name]) => name === view.sort) ? view.sort : "bytes";
  const search = (view.q || "").toLowerCase();
  if (byId("sites-search").value !== (view.q || "")) byId("sites-search").value = view.q || "";
  const all = run.whole ? siteRows(shown()) : toldRows();
  const rows = all.filter((row) => !search || [placeOf(row), row.function, row.module, row.file, row.text, row.origin].some((text) => (text || "").toLowerCase().includes(search)));
  const isRest = (row) => (run.whole || row.site !== null ? 0 : 1); // places that are not told apart
  rows.sort((a, b) => isRest(a) - isRest(b) || (b[sort] ?? Infinity) - (a[sort] ?? Infinity) || b.bytes - a.bytes || b.count - a.count);
  const table = byId("sites-table");
  table.querySelector("thead").replaceChildren(el("tr", {},
    el("th", { scope: "col" }, "place"), el("th", { scope: "col" }, "who asked, what for"),
    ...told.map(([name, label, means]) => el("th", { scope: "col", class: "n", "aria-sort": name === sort ? "descending" : null },
      button(label, () => look({ sort: name === "bytes" ? null : name }), { class: "sort", title: means, "data-sort": name })))));
  const highest = Math.max(1, ...rows.map((row) => row[sort] || 0));
  table.querySelector("tbody").replaceChildren(...rows.slice(0, more).map((row) => siteRow(row, told, sort, highest)));
  byId("sites-more").hidden = rows.length <= more;
  const hidden = all.length - rows.length;
  const unknown = told.map(([name]) => name).filter((name) => rows.some((row) => row[name] === null));
  byId("sites-unknown").hidden = !unknown.length;
  if (unknown.length) byId("sites-command").textContent = cutCommand(unknown.includes(sort) ? sort : unknown[0]);
  byId("sites-said").textContent = `${count(rows.filter((row) => !isRest(row)).length, "site")}${isCut() ? " told apart" : ""}${hidden ? `, ${grouped(hidden)} hidden by the search` : ""}` +
    (run.whole ? "" : `, ${cutSaid()}${summary.site_count > summary.sites.length ? `; ${grouped(summary.site_count - summary.sites.length)} more are summed up as “all other places”: brkpoint report ${run.trace} --by bytes --top N lists them` : ""}`);
}

function siteRow(row, told, sort, highest) {
  const isOn = row.site !== null && view.site === row.site;
  const name = row.site === null ? bdi(placeOf(row))
    : button("", () => look({ site: isOn ? null : row.site }), { class: "cell", "aria-pressed": isOn, "data-site": row.site });
  if (row.site !== null) name.append(bdi(placeOf(row)));
  if (row.short) name.title = row.function;
  const share = el("span", { class: "bar" });
  share.style.width = `${(100 * (row[sort] || 0)) / highest}%`;
  return el("tr", {},
    el("th", { scope: "row" }, name, el("span", { class: "quiet module" }, bdi(row.module || "")), share),
    el("td", {}, el("span", { class: `mark ${row.origin}` }), row.origin, el("br"), el("span", { class: "quiet" }, bdi(row.text))),
    ...told.map(([key, label]) => el("td", { class: key === sort ? "n by" : "n", "data-label": label, title: row[key] === null ? UNKNOWN : null }, row[key] === null ? "?" : grouped(row[key]))));
}
