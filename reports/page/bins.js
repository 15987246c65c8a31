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

// Sums of all events, where single ones are too many: a bar is as high as its number of events.
function drawBins(context, axis) {
  const bars = new Map(); // x -> sums of one pixel
  const lefts = [];
  for (let bin = 0; bin * run.bins.width < lastSeq + 1 + run.bins.width; bin++) lefts.push(Math.floor(axis.of(valueOf(bin * run.bins.width))));
  for (const row of run.bins.series) {
    const faint = !isSeriesShown(row);
    row.at.forEach((bin, i) => {
      const x = lefts[bin];
      if (x < -50 || x > axis.width || areSingle(axis, bin * run.bins.width, (bin + 1) * run.bins.width - 1)) return;
      if (!bars.has(x)) bars.set(x, { call: 0, syscall: 0, by: {}, faint: true, wide: 1 });
      const bar = bars.get(x);
      bar.wide = Math.max(bar.wide, lefts[bin + 1] - x);
      bar[row.kind] += row.n[i];
      if (row.kind === "syscall") bar.by[row.origin] = (bar.by[row.origin] || 0) + row.n[i];
      bar.faint = bar.faint && faint;
    });
  }
  if (tellsBytes) drawBytes(context, axis);
  const highest = Math.max(1, ...[...bars.values()].map((bar) => Math.max(bar.call, bar.syscall)));
  for (const [x, bar] of bars) {
    const wide = Math.min(bar.wide, widest());
    context.globalAlpha = bar.faint ? 0.2 : 1;
    context.fillStyle = paints().grey;
    const high = bar.call && !tellsBytes ? logHeight(bar.call, highest) * (LANES.calls - LANES.phases - 10) : 0;
    context.fillRect(x, LANES.calls - high, wide, high);
    const deep = bar.syscall ? logHeight(bar.syscall, highest) * LANES.deep : 0;
    let y = LANES.syscalls + 1;
    for (const [origin, number] of Object.entries(bar.by)) {
      context.fillStyle = paints()[origin];
      context.fillRect(x, y, wide, (deep * number) / bar.syscall);
      y += (deep * number) / bar.syscall;
    }
  }
  context.globalAlpha = 1;
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
  const more = drawsEvents(axis) ? "; where events stand alone each doubling adds the same height" : "";
  context.fillText(context.measureText(most + more).width < axis.width - 10 ? most + more : most, axis.width - 5, 15);
  context.textAlign = "left";
}
