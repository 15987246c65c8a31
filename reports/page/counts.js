// How many calls and memory syscalls the filters let through, where not all events are here: by
// series of bins, and of a place or a function by the sums of its stacks. null: it is not known.

function plus(a, b) {
  return a === null || b === null ? null : a + b;
}

function orUnknown(number) {
  return number === null ? "?" : grouped(number);
}

// Whether a filter asks for what bins do not tell apart. Then calls that handed out memory are
// counted, and the syscalls that they made.
function isOfPlace() {
  return view.site !== null || view.fn !== null;
}

// "origin phase kind" -> events
function binCells() {
  const found = new Map();
  const put = (origin, phase, kind, number) => {
    const key = [origin, phase, kind].join(" ");
    found.set(key, plus(found.has(key) ? found.get(key) : 0, number));
  };
  if (isOfPlace()) {
    for (const [leaf, [calls, syscalls]] of placeCounts(false)) {
      put(leaf[2], leaf[3], "call", calls);
      put(leaf[2], leaf[3], "syscall", syscalls);
    }
    return found;
  }
  for (const row of run.bins ? run.bins.series : []) put(row.origin, row.phase, row.kind, shownOf(row));
  return found;
}

// [leaf, [calls, syscalls]] of what is shown; with its thread as leaf[5] where they are wanted.
function* placeCounts(areThreadsWanted) {
  const cells = run.bins && run.bins.cells;
  if (!cells && areThreadsWanted) return;
  const isUnknown = !cells && (view.range || view.tid);
  for (const [leaf, value] of areThreadsWanted ? cutLeaves() : toldLeaves()) {
    const calls = value(view.only === "reached" ? "calls_reaching_kernel" : "count");
    const syscalls = view.only === "calls" ? 0 : value("syscalls");
    yield [leaf, isUnknown ? [null, null] : [calls, syscalls]];
  }
}

// How many events of one series of bins the filters let through.
function shownOf(row) {
  const seen = seenIn(row);
  if (!seen) return seen;
  const wide = run.bins.width;
  return seen.at.reduce((sum, bin, i) => {
    const isIn = !view.range || (bin * wide >= view.range[0] && bin * wide <= view.range[1]);
    return sum + (isIn ? seen.n[i] : 0);
  }, 0);
}

// {at, n}: those of a series that are shown, by bin, whatever the range; 0: none.
function seenIn(row) {
  if (!isSeriesShown(row) || (view.only === "calls" && row.kind !== "call")) return 0;
  return view.only === "reached" ? row.reached : row;
}

function isSeriesShown(row) {
  return !(view.origin && row.origin !== view.origin) && !(view.phase && row.phase !== view.phase) &&
    !(view.program && row.program && row.program !== view.program) && !(view.tid && row.tid !== view.tid);
}

// [event, origin, syscalls]: where in the run memory syscalls that are shown were made.
function* syscallsSeen() {
  if (!isOfPlace()) {
    for (const row of run.bins.series) {
      const seen = row.kind === "syscall" && seenIn(row);
      if (seen) for (let i = 0; i < seen.at.length; i++) yield [seen.at[i] * run.bins.width, row.origin, seen.n[i]];
    }
    return;
  }
  if (view.only === "calls" || !run.bins.cells) return;
  for (const row of run.bins.cells.rows) {
    const told = row[CELLS.syscalls];
    if (!told || !isLeafShown(row) || (view.tid && row[5] !== view.tid)) continue;
    for (let i = 0; i < told.length; i++) if (told[i]) yield [row[6][i] * partWidth(), row[2], told[i]];
  }
}
