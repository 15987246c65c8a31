// Sums of the stacks of a run whose events are not all here: of all of it, or what each asked for in
// a range or on a thread. A range is as exact as the parts that the sums are kept in.

// Columns of a row of cells, behind its parts; what became of it: 0 none of it, 1 all, null: unknown.
const CELLS = { bytes: 7, count: 8, peak_bytes: 9, live_bytes: 10, temporary_bytes: 11, calls_reaching_kernel: 12, syscalls: 13 };

function isCut() {
  return !run.whole && Boolean(run.bins && run.bins.cells && (view.range || view.tid));
}

// How many events a part has.
function partWidth() {
  return run.bins.width * run.bins.cells.per;
}

// The numbers of the parts that a range touches, from first to last.
function partsSeen() {
  return view.range ? view.range.map((seq) => Math.floor(seq / partWidth())) : [0, Infinity];
}

// Whether it is known what each part of the run asked for.
const tellsBytes = Boolean(run.bins && run.bins.cells);
const partBytes = { all: null, view: null, seen: null };

// [{part: bytes}] of all that was asked for, and of what the filters let through.
function bytesByPart() {
  if (!partBytes.all) partBytes.all = sumsByPart(() => true);
  if (partBytes.view !== view) {
    // What those asked for that reached the kernel is not known.
    const isSeen = (row) => view.only !== "reached" && isLeafShown(row) && (!view.tid || row[5] === view.tid);
    const all = run.bins.cells.rows.every(isSeen);
    [partBytes.view, partBytes.seen] = [view, all ? partBytes.all : sumsByPart(isSeen)];
  }
  return [partBytes.all, partBytes.seen];
}

function sumsByPart(isWanted) {
  const sums = new Float64Array(Math.floor(lastSeq / partWidth()) + 1);
  for (const row of run.bins.cells.rows) {
    if (!isWanted(row)) continue;
    const [parts, bytes] = [row[6], row[CELLS.bytes]];
    for (let i = 0; i < parts.length; i++) sums[parts[i]] += bytes[i];
  }
  const found = new Map();
  sums.forEach((sum, part) => { if (sum) found.set(part, sum); });
  return found;
}

// [leaf, a function: its value of a measure] of those that the filters let through. A leaf begins
// with site, node, origin, phase, program.
function* toldLeaves() {
  if (isCut()) return yield* cutLeaves();
  const column = Object.fromEntries(run.leaves.names.map((name, at) => [name, at]));
  for (const leaf of run.leaves.rows) if (isLeafShown(leaf)) yield [leaf, (name) => leaf[column[name]]];
}

function* cutLeaves() {
  const [first, last] = partsSeen();
  for (const row of run.bins.cells.rows) {
    if (!isLeafShown(row) || (view.tid && row[5] !== view.tid)) continue;
    const seen = [];
    row[6].forEach((part, i) => { if (part >= first && part <= last) seen.push(i); });
    if (seen.length) yield [row, (name) => sumOfCell(row, name, seen)];
  }
}

// null: it is not known what became of it.
function sumOfCell(row, name, seen) {
  const all = row[name === "calls_reaching_kernel" ? CELLS.count : CELLS.bytes];
  const told = row[CELLS[name]];
  if (told === 0 || (told === null && name === "peak_bytes" && isBehindPeak(row[6][seen[0]]))) return 0;
  const values = told === 1 ? all : told;
  return values && seen.reduce((sum, i) => sum + values[i], 0);
}

// What is asked for behind the peak is not live then.
function isBehindPeak(part) {
  return summary.peak.seq !== null && part * partWidth() > summary.peak.seq;
}

// The events that the sums are of.
function cutRange() {
  const [from, to] = partsSeen();
  return [from * partWidth(), Math.min(lastSeq, (to + 1) * partWidth() - 1)];
}

// What the sums are of, in words.
function cutSaid() {
  if (!run.bins) return "the whole run";
  if (!run.bins.cells) return `the whole run, whatever the range${view.range || view.tid ? `: for a range, run ${cutCommand()}` : ""}`;
  if (!isCut()) return "the whole run";
  const said = [];
  if (view.range) {
    const ends = cutRange();
    const isWider = ends[0] < view.range[0] || ends[1] > Math.min(lastSeq, view.range[1]);
    said.push(`events ${ends.map(grouped).join(" to ")}${isWider ? `, because places are counted in steps of ${grouped(partWidth())} events` : ""}`);
  }
  if (view.tid) said.push(threadName(view.tid));
  const out = run.bins.cells.left_out[1];
  return said.join(", ") + (out ? `; ${count(out, "allocation")} by calls that sometimes hand out nothing are left out` : "");
}

// How a terminal shows what this page does not have.
function cutCommand(measure) {
  const by = { count: "calls", live_bytes: "live", peak_bytes: "peak", temporary_bytes: "temporary", calls_reaching_kernel: "kernel" };
  const ends = run.bins.cells && view.range ? cutRange() : view.range || [firstSeq, lastSeq];
  const process = processWords().map((word) => ` --process ${word}`).join("");
  return `brkpoint report ${run.trace} --by ${by[measure] || "bytes"} --seq ${ends.join("-")}${view.tid ? ` --tid ${view.tid}` : ""}${process}`;
}

// What `brkpoint report --process` takes for what this page is about: nothing for the program that was asked for.
function processWords() {
  const over = summary.sums_over;
  if (over.what === "all") return ["all"];
  if (over.what === "several") return [programNamed(over.members[0].pid, over.members[0].image)?.name || "all"];
  const asked = summary.asked_for;
  return !over.others || (asked && asked.pid === over.pid && asked.image === over.image) ? [] : [over.pid];
}
