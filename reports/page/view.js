// What is looked at: filters, range, step. All of it stands in the address's hash, so that Back
// works and a view can be handed on. Whoever draws it registers with `onView` (due.js).

const FRESH = { range: null, zoom: null, step: null, outside: null, origin: null, phase: null, only: null, site: null, x: "number", sort: null, q: null, fn: null, program: null, tid: null };
const X_AXES = ["number", "time", "bytes"];
const ONLY = {
  calls: "calls, no syscalls",
  reached: "calls that reached the kernel",
  peak: "blocks live at the peak",
  left: "blocks left at the end",
};

let view = { ...FRESH };

function pairOf(text) {
  const found = /^(\d+)-(\d+)$/.exec(text || "");
  return found && Number(found[1]) <= Number(found[2]) ? [Number(found[1]), Number(found[2])] : null;
}

const tellsThreads = run.whole || Boolean(run.bins && run.bins.tids.length > 1);

// Whether the page knows of each event whether it is one.
function canFilter(only) {
  return ["calls", "reached"].includes(only) || Boolean(run.memory && run.memory[only]);
}

// Of a long run bytes are known part by part, where none of its calls are left out there.
function canShow(axis) {
  if (run.whole || axis === "number") return true;
  return axis === "time" ? summary.timeline.seq.length > 1 : tellsBytes && run.bins.cells.left_out[0] === 0;
}

function oneOf(value, allowed) {
  return allowed.includes(value) ? value : null;
}

// The hash may come from anybody: what it cannot say is ignored.
function viewOf(hash) {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const wanted = Number(said.get("step") || NaN);
  const step = indexOf.get(wanted);
  const site = Number(said.get("site") || NaN);
  return {
    range: pairOf(said.get("range")),
    zoom: pairOf(said.get("zoom")),
    step: step === undefined ? null : step,
    outside: step === undefined && !run.whole && Number.isInteger(wanted) && wanted >= 0 && wanted <= lastSeq ? wanted : null,
    origin: oneOf(said.get("origin"), origins),
    phase: oneOf(said.get("phase"), phases),
    only: oneOf(said.get("only"), Object.keys(ONLY).filter(canFilter)),
    site: Number.isInteger(site) && site >= 0 && site < sites.length ? site : null,
    program: /^\d+\.\d+$/.test(said.get("program") || "") ? said.get("program") : null,
    tid: tellsThreads && /^\d+$/.test(said.get("tid") || "") ? said.get("tid") : null,
    sort: said.get("sort"),
    q: said.get("q"),
    fn: functionNames.has(said.get("fn")) ? said.get("fn") : null,
    x: oneOf(said.get("x"), X_AXES.filter(canShow)) || "number",
  };
}

function hashOf(seen) {
  const said = new URLSearchParams();
  for (const name of ["range", "zoom"]) if (seen[name]) said.set(name, seen[name].join("-"));
  if (seen.step !== null) said.set("step", ev.seq[seen.step]);
  else if (seen.outside !== null) said.set("step", seen.outside);
  for (const name of ["origin", "phase", "only", "site", "sort", "q", "fn", "program", "tid"]) if (seen[name] !== null) said.set(name, seen[name]);
  if (seen.x !== "number") said.set("x", seen.x);
  return said.toString();
}

// A change of the view; a step and a letter typed replace what was before, all else Back can undo.
function look(changes) {
  const next = { ...view, ...changes };
  const hash = hashOf(next);
  if (hash === hashOf(view)) return;
  const isSmall = Object.keys(changes).every((name) => view[name] !== null && (name === "step" || name === "q"));
  if (isSmall) location.replace(`#${hash}`);
  else location.hash = hash;
  show(next); // the event comes later, and finds nothing new
}

function show(next) {
  view = next;
  shownEvents = null;
  redraw();
}

function follow() {
  if (location.hash.replace(/^#/, "") !== hashOf(view)) show(viewOf(location.hash));
}

function isFiltered() {
  return Boolean(view.range || view.origin || view.phase || view.only || view.site !== null || view.fn !== null || view.program || view.tid);
}

const functionNames = new Set(frames.map(nameOf));
const held = { fn: null, nodes: new Map() }; // by node, whether the stack from there on holds `fn`

function holds(node, fn) {
  if (held.fn !== fn) [held.fn, held.nodes] = [fn, new Map([[-1, false], [-2, true]])];
  const path = []; // not by recursion: stacks are deep
  let at = node;
  while (!held.nodes.has(at)) {
    path.push(at);
    at = nameOf(frames[run.nodes.frame[at]]) === fn ? -2 : run.nodes.above[at];
  }
  for (const one of path) held.nodes.set(one, held.nodes.get(at));
  return held.nodes.get(node);
}

function isOnly(at) {
  if (view.only === "calls") return !isSyscall(at) && !isNested[at];
  if (view.only === "reached") return reaches(outermost[at]);
  return remembered(view.only, at) > 0;
}

function isShown(at) {
  const kind = kindOf(at);
  const seq = ev.seq[at];
  if (view.range && (seq < view.range[0] || seq > view.range[1])) return false;
  if (view.origin && kind.origin !== view.origin) return false;
  if (view.phase && kind.phase !== view.phase) return false;
  if (view.site !== null && kindOf(outermost[at]).site !== view.site) return false;
  if (view.fn !== null && !holds(kindOf(outermost[at]).stack, view.fn)) return false;
  if (view.program && programOf(at) !== view.program) return false;
  if (view.tid && String(ev.tid[at]) !== view.tid) return false;
  return !view.only || isOnly(at);
}

let shownEvents = null;

// The events that every filter lets through, as numbers of this page.
function shown() {
  if (!shownEvents) {
    shownEvents = [];
    for (let at = 0; at < N; at++) if (isShown(at)) shownEvents.push(at);
  }
  return shownEvents;
}

// In predict mode nothing behind the question is told anywhere.
let asking = null;

function ask(at) {
  asking = at;
  redraw();
}

function isSecret(at) {
  return asking !== null && at >= asking && (at > asking || isSyscall(at));
}
