// The run: what Python wrote, and what follows from it. Events are numbered 0 … N-1 here, in their
// order; `seq` is the number that a trace gives them.

const run = JSON.parse(byId("data").textContent);
const summary = run.summary;
const ev = run.events;
const N = ev.seq.length;

function named(table) {
  return table.rows.map((row) => {
    const made = {};
    for (let at = 0; at < row.length; at++) made[table.names[at]] = row[at];
    return made;
  });
}

const kinds = named(run.kinds);
const sites = named(run.sites);
const frames = named(run.frames);
const origins = run.origins;
const phases = run.phases;

const indexOf = new Map(ev.seq.map((seq, at) => [seq, at]));

function kindOf(at) {
  return kinds[ev.kind[at]];
}

function isSyscall(at) {
  return kindOf(at).kind === "syscall";
}

// The call that an event lies in, -1: none, or none that is in this page.
function around(at) {
  const seq = isSyscall(at) ? ev.cause[at] : ev.outer[at];
  return seq === null || !indexOf.has(seq) ? -1 : indexOf.get(seq);
}

const isNested = ev.seq.map((_, at) => !isSyscall(at) && ev.outer[at] !== null);

// By un-nested call: the memory syscalls made during it, those of the calls nested in it as well.
const made = ev.seq.map(() => null);
const outermost = new Int32Array(N).fill(-1);
for (let at = 0; at < N; at++) {
  const above = around(at);
  outermost[at] = above < 0 ? at : outermost[above];
  if (isSyscall(at) && above >= 0) {
    const call = outermost[at];
    (made[call] = made[call] || []).push(at);
  }
}

function reaches(at) {
  return made[at] !== null && !isSyscall(at);
}

// The window of the page that an event lies in.
function windowOf(at) {
  return run.ranges[d3.bisector(([, last]) => last).left(run.ranges, ev.seq[at])];
}

// Whether a call may have made more than is known: its window ends before it returned. Times say so,
// and where they were not taken the last event, which lies in the call or is it.
function isCutOff(at) {
  if (run.whole || isSyscall(at)) return false;
  const [, last] = windowOf(at);
  const end = d3.bisector((seq) => seq).right(ev.seq, last) - 1;
  if (last >= lastSeq) return false;
  for (let call = end; call >= 0; call = around(call)) if (call === at) return true;
  return ev.dur_ns[at] === null || ev.t_ns[at] + ev.dur_ns[at] > ev.t_ns[end];
}

function isCounted(at) {
  return isSyscall(at) || !isNested[at];
}

function bytesOf(at) {
  const one = ev.size[at];
  return one === null ? 0 : one * (ev.nmemb[at] === null ? 1 : ev.nmemb[at]);
}

// A call that only ends a block: free, or a realloc of one to no bytes that returned nothing.
function frees(at) {
  const name = kindOf(at).name;
  return name === "free" || (["realloc", "reallocarray"].includes(name) && ev.ptr[at] !== null && ev.ptr[at] !== "0x0" &&
    bytesOf(at) === 0 && (ev.result[at] === null || ev.result[at] === "0x0"));
}

// Whether a call around it works on the same block, and tells.
function isForOuter(at) {
  for (let call = around(at); call >= 0; call = around(call)) if (ev.block[call] === ev.block[at]) return true;
  return false;
}

// Bytes of the block that an event handed out: left, at the peak, temporary.
function remembered(what, at) {
  return run.memory && run.memory[what] ? run.memory[what][at] : 0;
}

function placeOf(site) {
  const inFile = `${site.module || "?"}+${site.offset || "?"}`;
  if (!site.function) return inFile;
  const file = (site.file || "").split("/").pop();
  const name = site.short || site.function;
  if (file && site.line) return `${name} ${file}:${site.line}`;
  if (!site.offset || site.distance === 0) return name;
  return site.distance === null ? `${name} ${inFile}` : `${name}+0x${site.distance.toString(16)}`;
}

function nameOf(frame) {
  return frame.function || frame.offset || "?";
}

function whoOf(kind) {
  return kind.owner ? `${kind.origin} (${kind.owner})` : kind.origin;
}

// The frames of an event, innermost first.
function stackOf(at) {
  const found = [];
  for (let node = kindOf(at).stack; node >= 0; node = run.nodes.above[node]) {
    found.push(frames[run.nodes.frame[node]]);
  }
  return found;
}

// How a person would write the call, and what came back.
function asked(at) {
  const kind = kindOf(at);
  if (kind.kind === "syscall") {
    const moved = ev.size[at];
    if (kind.name === "brk") {
      return `brk(${moved === null ? "?" : moved > 0 ? `+${moved}` : moved})`;
    }
    return `${kind.name}(${moved === null ? "?" : moved})`;
  }
  const parts = ev.ptr[at] === null ? [] : [ev.ptr[at]];
  for (const value of [ev.align[at], ev.nmemb[at], ev.size[at]]) {
    if (value !== null) parts.push(value);
  }
  return `${kind.name}(${parts.join(", ")})`;
}

function answered(at) {
  if (ev.dur_ns[at] === null) return "no return seen";
  if (ev.errno[at] !== null) return ev.errno[at];
  if (ev.result[at] === null) return "";
  return ev.result[at] === "0x0" ? "0" : ev.result[at];
}
