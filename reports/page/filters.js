// The five numbers as filters, and the bar that says which filters hold and what they hide.

function setUpFilters() {
  for (const made of document.querySelectorAll("[data-number]")) {
    made.addEventListener("click", () => look(changeOf(made.dataset.number)));
  }
  onView(null, drawFilters);
}

// What a number on top does. Without all events in the page, bytes cannot filter: they are sorted.
function changeOf(name) {
  if (name === "yours") return { origin: view.origin === "user" ? null : "user" };
  if (!canFilter(name) && name === "peak") return summary.peak.seq === null || !strip ? {} : aroundPeak();
  if (!canFilter(name) && name === "left") return { sort: "live_bytes" };
  return { only: view.only === name ? null : name };
}

function drawFilters() {
  for (const made of document.querySelectorAll("[data-number]")) {
    const name = made.dataset.number;
    made.setAttribute("aria-pressed", name === "yours" ? view.origin === "user" : view.only === name);
  }
  const chips = [];
  const chip = (text, change) => chips.push(
    button("", () => look(change), { class: "chip", "aria-label": `remove the filter ${text}` }));
  const say = (text, change) => { chip(text, change); chips[chips.length - 1].append(bdi(text), " ✕"); };
  if (view.range) say(`events ${grouped(view.range[0])} to ${grouped(view.range[1])}`, { range: null });
  if (view.origin) say(`asked for by ${view.origin}`, { origin: null });
  if (view.phase) say(`in ${view.phase}`, { phase: null });
  if (view.only) say(ONLY[view.only], { only: null });
  if (view.site !== null) say(`at ${placeOf(sites[view.site])}`, { site: null });
  if (view.fn !== null) say(`through ${view.fn}`, { fn: null });
  if (view.program) say(programName(view.program), { program: null });
  if (view.tid) say(threadName(view.tid), { tid: null });
  const bar = byId("filters");
  bar.hidden = !isFiltered();
  if (bar.hidden) return bar.replaceChildren();
  bar.replaceChildren(...chips,
    button("show everything", () => look({ range: null, origin: null, phase: null, only: null, site: null, fn: null, program: null, tid: null }), { class: "link" }),
    el("span", { class: "hides", id: "hides", role: "status" }, hides()));
}

// "hidden: 19 calls by the loader and 9 memory syscalls"
function hides() {
  const all = new Map();
  for (const row of summary.totals) add(all, row.origin, row.kind, row.count);
  if (run.whole) {
    for (const at of shown()) {
      if (isCounted(at)) add(all, kindOf(at).origin, kindOf(at).kind, -1);
    }
  } else {
    for (const [key, number] of binCells()) {
      const [origin, , kind] = key.split(" ");
      if (number === null) return "this page does not say how much is hidden";
      add(all, origin, kind, -number);
    }
  }
  const parts = [];
  const names = { loader: "by the loader", runtime: "by runtimes", user: "by your code", unknown: "of unknown origin" };
  let syscalls = 0;
  for (const [key, number] of all) {
    const [origin, kind] = key.split(" ");
    if (kind === "syscall") syscalls += number;
    else if (number) parts.push(`${count(number, "call")} ${names[origin]}`);
  }
  if (syscalls) parts.push(count(syscalls, "memory syscall"));
  const rest = run.whole || !isOfPlace() ? "" : " (for a place or a function, only calls that handed out memory are counted, and the syscalls they made)";
  return (parts.length ? `hidden: ${listed(parts)}` : "nothing is hidden") + rest;
}

function add(sums, origin, kind, number) {
  const key = `${origin} ${kind}`;
  sums.set(key, (sums.get(key) || 0) + number);
}
