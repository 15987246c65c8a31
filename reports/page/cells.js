// Sums of the stacks of a run whose events are not all here: of all of it, or what each asked for in
// a range or on a thread. A range is as exact as the parts that the sums are kept in.

const CELLS = { bytes: 7, count: 8 }; // columns of a row of cells, behind its parts

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
const partBytes = { view: null, sums: null };

// [{part: bytes}] of all that was asked for, and of what the filters let through.
function bytesByPart() {
  if (partBytes.view === view) return partBytes.sums;
  const sums = [new Map(), new Map()];
  for (const row of run.bins.cells.rows) {
    const isSeen = isLeafShown(row) && (!view.tid || row[5] === view.tid);
    row[6].forEach((part, i) => {
      addTo(sums[0], part, row[CELLS.bytes][i]);
      if (isSeen) addTo(sums[1], part, row[CELLS.bytes][i]);
    });
  }
  [partBytes.view, partBytes.sums] = [view, sums];
  return sums;
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
    const sums = { bytes: 0, count: 0 };
    row[6].forEach((part, i) => {
      if (part < first || part > last) return;
      for (const name in sums) sums[name] += row[CELLS[name]][i];
    });
    if (sums.count) yield [row, (name) => sums[name] || 0];
  }
}

// What the sums are of, in words.
function cutSaid() {
  if (!run.bins) return "the whole run";
  if (!run.bins.cells) return "the whole run, whatever the range";
  if (!isCut()) return "the whole run";
  const said = [];
  if (view.range) {
    const [from, to] = partsSeen();
    const ends = [from * partWidth(), Math.min(lastSeq, (to + 1) * partWidth() - 1)];
    const isWider = ends[0] < view.range[0] || ends[1] > Math.min(lastSeq, view.range[1]);
    said.push(`events ${ends.map(grouped).join(" to ")}${isWider ? `, because places are counted in steps of ${grouped(partWidth())} events` : ""}`);
  }
  if (view.tid) said.push(`thread ${view.tid}`);
  const out = run.bins.cells.left_out[1];
  return said.join(", ") + (out ? `; ${count(out, "allocation")} of calls that sometimes hand out nothing are left out` : "");
}
