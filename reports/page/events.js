// Every event, one a line; only the lines in sight are elements.

const ROW = 26;
const TALLEST = 8000000; // pixels that every browser can scroll
let lines = [];
let [listTop, listHigh] = [0, 442]; // as last told: to ask for them would lay out the page

function setUpEvents() {
  if (!N) return;
  place("events").append(
    el("p", { class: "quiet", id: "events-said", role: "status" }),
    el("div", { class: "list", id: "events-list", tabindex: "0", role: "listbox", "aria-label": "events", keydown: listKey, scroll: scrolled },
      el("div", { class: "all" })),
    el("p", { class: "quiet" }, "In a terminal: ", el("code", { id: "events-command" })));
  new ResizeObserver(([seen]) => {
    if (seen.contentRect.height) listHigh = seen.contentRect.height;
    scrolled();
  }).observe(byId("events-list"));
  onView("events", drawList);
  addEventListener("beforeprint", () => forPaper(true));
  addEventListener("afterprint", () => forPaper(false));
}

const ON_PAPER = 500; // lines

// Paper does not scroll: as many lines as a few sheets hold are all drawn.
function forPaper(isPaper) {
  if (isPaper) drawList();
  const list = byId("events-list");
  list.style.height = isPaper && lines.length <= ON_PAPER ? `${lines.length * ROW + 2}px` : "";
  listHigh = list.clientHeight;
  drawInSight();
}

function scrolled() {
  listTop = byId("events-list").scrollTop;
  drawInSight();
}

// Lines of the list: numbers of events, or [first, last] of those that are not in this page.
function linesOf() {
  const events = shown().filter((at) => !isSecret(at) || at === asking);
  if (run.whole || !run.ranges) return events;
  const found = [];
  let window = 0;
  for (const at of events) {
    const before = window;
    while (ev.seq[at] > run.ranges[window][1]) window++;
    if (window !== before) found.push([run.ranges[before][1] + 1, run.ranges[window][0] - 1]);
    found.push(at);
  }
  return found;
}

function drawList() {
  lines = linesOf();
  const all = byId("events-list").firstChild;
  all.style.height = `${Math.min(TALLEST, lines.length * ROW)}px`;
  const known = run.whole ? N : summary.events;
  byId("events-said").textContent = `${count(shown().length, "event")} of ${grouped(known)}${run.whole ? "" : ", of the windows in this page"}`;
  byId("events-command").textContent = eventsCommand();
  keepInSight();
  drawInSight();
}

function eventsCommand() {
  const parts = ["brkpoint events", run.trace];
  if (view.range) parts.push(`--seq ${view.range.join("-")}`);
  if (view.origin) parts.push(`--origin ${view.origin}`);
  if (view.phase) parts.push(`--phase ${view.phase}`);
  return parts.join(" ");
}

// Where the step has moved out of sight, the list follows.
let lastStep = null;

function keepInSight() {
  if (view.step === lastStep) return;
  lastStep = view.step;
  const at = lines.indexOf(view.step);
  const list = byId("events-list");
  if (at < 0) return;
  const top = at * ROW;
  if (top < listTop || top > listTop + listHigh - 2 * ROW) {
    listTop = Math.max(0, Math.min(top - listHigh / 2, lines.length * ROW - listHigh));
    list.scrollTop = listTop;
  }
}

function drawInSight() {
  const list = byId("events-list");
  listTop = Math.max(0, Math.min(listTop, lines.length * ROW - listHigh)); // as the browser does
  const first = Math.max(0, Math.floor(listTop / ROW) - 6);
  const last = Math.min(lines.length, Math.ceil((listTop + listHigh) / ROW) + 6);
  const rows = [];
  for (let i = first; i < last; i++) rows.push(lineOf(lines[i], i));
  list.firstChild.replaceChildren(...rows);
  const at = lines.indexOf(view.step);
  if (at >= first && at < last) list.setAttribute("aria-activedescendant", `line-${at}`);
  else list.removeAttribute("aria-activedescendant");
}

function lineOf(line, i) {
  const made = typeof line === "number" ? eventLine(line, i) : gapLine(line, i);
  made.style.top = `${i * ROW}px`;
  return made;
}

function gapLine([first, last], i) {
  return el("div", { class: "line gap", role: "option", id: `line-${i}`, "aria-disabled": "true" },
    `${count(last - first + 1, "event")} not in this page: brkpoint events ${run.trace} --seq ${first}-${last}`);
}

function eventLine(at, i) {
  const kind = kindOf(at);
  const isInside = around(at) >= 0 || isNested[at] || (isSyscall(at) && ev.cause[at] !== null);
  const isOpen = asking !== at;
  const names = ["line", isInside ? "inside" : "", isSyscall(at) || (isOpen && reaches(at)) ? "" : "grey", at === view.step ? "on" : ""];
  const answer = isOpen ? answered(at) : "";
  return el("div", { class: names.join(" "), role: "option", id: `line-${i}`, "aria-selected": at === view.step, "data-seq": ev.seq[at],
    click: () => stepTo(at) },
    el("span", { class: "seq" }, String(ev.seq[at])),
    el("span", { class: "phase" }, kind.phase),
    el("span", { class: "what" }, el("span", { class: `mark ${kind.origin}` }), bdi(asked(at)), answer ? el("span", { class: "quiet" }, " = ", bdi(answer)) : null),
    el("span", { class: "who" }, bdi(whoOf(kind))),
    el("span", { class: "for" }, bdi(kind.purpose || "")));
}

function listKey(event) {
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 14, PageUp: -14 }[event.key];
  const ends = { Home: 0, End: lines.length - 1 };
  if (!by && !(event.key in ends)) return;
  const from = lines.indexOf(view.step);
  let to = by ? (from < 0 ? 0 : from + by) : ends[event.key];
  to = Math.max(0, Math.min(lines.length - 1, to));
  if (typeof lines[to] !== "number") to += by < 0 ? -1 : 1;
  if (typeof lines[to] === "number") stepTo(lines[to]);
  event.preventDefault();
}
