// The strip of a run whose events are not all here: sums of all of them.

// Else a bar stands where its events begin: were it as wide as they last, a pause would look like many
// of them.
function widest() {
  return view.x === "number" ? Infinity : 3;
}

// Whether single events stand in place of these sums: in the middle they are in the page.
function areSingle(axis, first, last) {
  if (!drawsEvents(axis)) return false;
  const middle = (first + Math.min(last, lastSeq)) / 2;
  return run.ranges.some(([from, to]) => from <= middle && middle <= to);
}

// Sums of all events, where single ones are too many: a bar is as high as its number of events; what
// the filters hide is faint.
function drawBins(context, axis) {
  const bars = new Map(); // x -> sums of one pixel
  const at = (bin) => Math.floor(axis.of(valueOf(bin * run.bins.width)));
  const isSums = (bin, x) => x >= -50 && x <= axis.width && !areSingle(axis, bin * run.bins.width, (bin + 1) * run.bins.width - 1);
  const barAt = (bin) => {
    const x = at(bin);
    if (!isSums(bin, x)) return null;
    if (!bars.has(x)) bars.set(x, { call: 0, syscall: 0, calls: 0, all: {}, seen: {}, wide: 1 });
    const bar = bars.get(x);
    bar.wide = Math.max(bar.wide, at(bin + 1) - x);
    return bar;
  };
  for (const row of run.bins.series) {
    row.at.forEach((bin, i) => {
      const bar = barAt(bin);
      if (!bar) return;
      bar[row.kind] += row.n[i];
      if (row.kind === "syscall") bar.all[row.origin] = (bar.all[row.origin] || 0) + row.n[i];
    });
    const seen = row.kind === "call" && !isOfPlace() && seenIn(row);
    if (seen) seen.at.forEach((bin, i) => { const bar = barAt(bin); if (bar) bar.calls += seen.n[i]; });
  }
  for (const [seq, origin, number] of syscallsSeen()) {
    const bar = barAt(Math.floor(seq / run.bins.width));
    if (bar) bar.seen[origin] = (bar.seen[origin] || 0) + number;
  }
  if (tellsBytes) drawBytes(context, axis);
  const highest = Math.max(1, ...[...bars.values()].map((bar) => Math.max(bar.call, bar.syscall)));
  const above = LANES.calls - LANES.phases - 10;
  for (const [x, bar] of bars) {
    const wide = Math.min(bar.wide, widest());
    context.fillStyle = paints().grey;
    const rise = (number, alpha) => {
      context.globalAlpha = alpha;
      const high = number && logHeight(number, highest) * above;
      context.fillRect(x, LANES.calls - high, wide, high);
    };
    if (!tellsBytes) [[bar.call, 0.2], [bar.calls, 1]].forEach((one) => rise(...one));
    else if (view.only === "reached" && bar.calls) {
      context.globalAlpha = 1;
      context.fillRect(x, LANES.calls - 4, wide, 4); // how much they asked for is not known
    }
    for (const [by, alpha] of [[bar.all, 0.2], [bar.seen, 1]]) sink(context, x, wide, by, highest, alpha);
  }
  context.globalAlpha = 1;
}

// {origin: memory syscalls} as a bar that hangs down.
function sink(context, x, wide, by, highest, alpha) {
  const all = Object.values(by).reduce((sum, one) => sum + one, 0);
  const deep = all && logHeight(all, highest) * LANES.deep;
  let y = LANES.syscalls + 1;
  context.globalAlpha = alpha;
  for (const [origin, number] of Object.entries(by)) {
    context.fillStyle = paints()[origin];
    context.fillRect(x, y, wide, (deep * number) / all);
    y += (deep * number) / all;
  }
}

// What was asked for in each part of the run, true to scale; what the filters hide is faint.
function drawBytes(context, axis) {
  const [all, seen] = bytesByPart();
  const above = LANES.calls - LANES.phases - 10;
  const of = (part) => Math.floor(axis.of(valueOf(part * partWidth())));
  const inSpan = [...all.keys()].filter((part) => of(part + 1) >= 0 && of(part) <= axis.width &&
    !areSingle(axis, part * partWidth(), (part + 1) * partWidth() - 1));
  if (!inSpan.length) return;
  const highest = inSpan.reduce((most, part) => Math.max(most, all.get(part)), 1);
  context.fillStyle = paints().grey;
  for (const part of inSpan) {
    const [x, wide] = [of(part), Math.min(widest(), Math.max(1, of(part + 1) - of(part)))];
    for (const [sums, alpha] of [[all, 0.25], [seen, 1]]) {
      if (!sums.get(part)) continue;
      const high = Math.max(1, (sums.get(part) / highest) * above);
      context.globalAlpha = alpha;
      context.fillRect(x, LANES.calls - high, wide, high);
    }
  }
  context.globalAlpha = 1;
  context.fillStyle = paints().quiet;
  context.textAlign = "right";
  const most = `at most ${size(highest)} asked for in ${grouped(partWidth())} events`;
  const more = drawsEvents(axis) ? "; for single events, each doubling adds the same height" : "";
  context.fillText(context.measureText(most + more).width < axis.width - 10 ? most + more : most, axis.width - 5, LANES.calls + 14);
  context.textAlign = "left";
}
