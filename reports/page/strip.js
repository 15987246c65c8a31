// The strip: the whole run from left to right. Calls stand above a line, memory syscalls hang
// below another; between them a line from each call to the syscalls it made. Live bytes beneath.

const LANES = { phases: 20, calls: 118, syscalls: 172, deep: 54, live: 330, liveHigh: 84, height: 354 };
let strip = null;
let hovered = null; // an event under the pointer
let dragging = null; // [x where it began, x now]

function scale(width) {
  const [left, right] = span();
  const of = (value) => ((value - left) / (right - left)) * width;
  const back = (x) => left + (Math.max(0, Math.min(width, x)) / width) * (right - left);
  return { left, right, width, of, back };
}

function drawStrip() {
  if (!strip) return;
  const [context, width] = canvasOf(strip, LANES.height);
  const axis = scale(width);
  drawPhases(context, axis);
  drawBaselines(context, width);
  drawMarks(context, axis);
  drawLive(context, axis);
  if (run.bins) drawBins(context, axis);
  if (drawsEvents(axis)) drawEvents(context, axis);
  drawRange(context, axis);
  drawStep(context, axis);
}

const PER_PIXEL = 4; // single events beside sums of many: where they are more, they would look like more

function drawsEvents(axis) {
  return run.whole || seqAt(axis.right) - seqAt(axis.left) < PER_PIXEL * axis.width;
}

const SEGMENTS = 24; // more of them, of programs side by side, are no bands any more

// [phase, first seq, last seq], from left to right. Several programs are in several phases at once:
// there a phase is as long as events of it follow one another, or is not told.
function phaseRanges() {
  const starts = [];
  if (run.bins && summary.sums_over.programs === 1) {
    for (const phase of phases) if (phase in run.bins.starts) starts.push([phase, run.bins.starts[phase]]);
  }
  for (let at = 0; run.whole && at < N; at++) {
    if (at === 0 || kindOf(at).phase !== kindOf(at - 1).phase) starts.push([kindOf(at).phase, ev.seq[at]]);
  }
  if (starts.length > SEGMENTS) return [];
  const last = endOfProgram();
  return starts.map(([phase, first], at) => [phase, first, at + 1 < starts.length ? starts[at + 1][1] - 1 : last]);
}

// Other processes of the run may go on behind the program that the page is about.
function endOfProgram() {
  if (!run.bins) return lastSeq;
  const bins = run.bins.series.map((row) => row.at[row.at.length - 1] ?? 0);
  return Math.min(lastSeq, (Math.max(0, ...bins) + 1) * run.bins.width - 1);
}

function drawPhases(context, axis) {
  const paint = paints();
  phaseRanges().forEach(([phase, first, last], at) => {
    const from = Math.max(0, axis.of(valueOf(first)));
    const to = Math.min(axis.width, last >= lastSeq ? axis.width : axis.of(valueOf(last + 1)));
    if (to <= 0 || from >= axis.width) return;
    if (at % 2 === 0) {
      context.fillStyle = paint.band;
      context.fillRect(from, 0, to - from, LANES.height);
    }
    context.fillStyle = paint.quiet;
    if (to - from > context.measureText(phase).width + 10) context.fillText(phase, from + 5, 15);
  });
}

function drawBaselines(context, width) {
  context.fillStyle = paints().line;
  for (const y of [LANES.calls, LANES.syscalls, LANES.live]) context.fillRect(0, y, width, 1);
}

// What stands where from left to right.
function drawMarks(context, axis) {
  context.fillStyle = paints().quiet;
  const half = view.x === "number" ? (axis.of(axis.left + 1) - 1) / 2 : 0; // bars stand in the middle
  for (const [value, name] of marksOf(axis)) {
    const x = axis.of(value) + half;
    const left = Math.max(0, Math.min(axis.width - context.measureText(name).width, x - context.measureText(name).width / 2));
    context.fillRect(Math.min(axis.width - 1, x), LANES.live, 1, 5);
    context.fillText(name, left, LANES.height - 5);
  }
}

const largest = { call: 1, syscall: 1 };
for (let at = 0; at < N; at++) {
  largest[kindOf(at).kind] = Math.max(largest[kindOf(at).kind], Math.abs(bytesOf(at)));
}

// Where many events fall on one pixel, the highest bar of each colour is all that can be seen.
class Bars {
  constructor(context, isDense) {
    this.context = context;
    this.kept = isDense ? new Map() : null;
  }

  add(x, wide, high, isAbove, paint, isFaint) {
    if (!this.kept) return this.draw(x, wide, high, isAbove, paint, isFaint);
    const left = Math.floor(x);
    const key = `${left} ${isAbove} ${paint} ${isFaint}`;
    const bar = this.kept.get(key);
    if (!bar) this.kept.set(key, [left, Math.max(1, wide), high, isAbove, paint, isFaint]);
    else bar[2] = Math.max(bar[2], high);
  }

  draw(x, wide, high, isAbove, paint, isFaint) {
    this.context.globalAlpha = isFaint ? 0.14 : 1;
    this.context.fillStyle = paint;
    this.context.fillRect(x, isAbove ? LANES.calls - high : LANES.syscalls + 1, wide, high);
  }

  flush() {
    if (!this.kept) return;
    for (const bar of [...this.kept.values()].sort((a, b) => b[5] - a[5])) this.draw(...bar);
    this.kept.clear();
  }
}

function drawEvents(context, axis) {
  const first = Math.max(0, eventAt(axis.left) - 1);
  const last = Math.min(N, eventAt(axis.right) + 1);
  const one = view.x === "number" ? axis.of(axis.left + 1) : 2;
  const wide = Math.max(1, Math.min(14, one * 0.7));
  const shift = view.x === "number" ? (one - wide) / 2 : 0;
  const bars = new Bars(context, last - first > 2 * axis.width);
  const coloured = [];
  const above = LANES.calls - LANES.phases - 10;
  const add = (at, isAbove, paint) => {
    const high = isAbove ? logHeight(bytesOf(at), largest.call) * above
      : logHeight(Math.abs(bytesOf(at)), largest.syscall) * LANES.deep;
    bars.add(axis.of(position(at)) + shift, wide, high, isAbove, paint, !isShown(at));
  };
  for (let at = first; at < last; at++) {
    if (isNested[at] || (isSecret(at) && at !== asking)) continue;
    if (isSyscall(at) || (reaches(at) && at !== asking)) coloured.push(at);
    else add(at, true, paints().grey);
  }
  bars.flush();
  const drawn = new Set();
  for (const at of coloured) if (!isSyscall(at)) drawLines(context, axis, at, wide, shift, drawn);
  for (const at of coloured) add(at, !isSyscall(at), paints()[kindOf(at).origin]);
  bars.flush();
  context.globalAlpha = 1;
}

function drawLines(context, axis, at, wide, shift, drawn) {
  const isLit = hovered !== null && outermost[hovered] === at;
  context.strokeStyle = paints()[kindOf(at).origin];
  context.lineWidth = isLit ? 2.5 : 1;
  context.globalAlpha = isShown(at) ? 0.9 : 0.14;
  const from = axis.of(position(at)) + shift + wide / 2;
  for (const syscall of made[at]) {
    if (isSecret(syscall)) continue;
    const to = axis.of(position(syscall)) + shift + wide / 2;
    const path = `${Math.round(from)} ${Math.round(to)} ${isShown(at)}`;
    if (drawn.has(path) && !isLit) continue;
    drawn.add(path);
    const middle = (LANES.calls + LANES.syscalls) / 2;
    context.beginPath();
    context.moveTo(from, LANES.calls + 1);
    context.bezierCurveTo(from, middle, to, middle, to, LANES.syscalls);
    context.stroke();
  }
}

// Of a run whose events are not all here: some moments, each before its event, and the peak, behind its.
function toldMoments() {
  const [told, peak] = [summary.timeline, summary.peak];
  const moments = told.seq.map((seq, i) => [seq, (origin) => (told.live_bytes[origin] || [])[i] || 0]);
  if (peak.seq === null) return moments;
  const later = moments.findIndex(([seq]) => seq > peak.seq);
  moments.splice(later < 0 ? moments.length : later, 0, [peak.seq + 1, (origin) => peak.by_origin[origin] || 0]);
  return moments;
}

// [value on the axis, {origin: live bytes}] through the run: after each event, or at some moments.
function liveMoments(axis) {
  if (!run.whole) return toldMoments().map(([seq, of]) => [valueOf(seq), of]);
  const first = Math.max(0, eventAt(axis.left) - 1);
  const last = Math.min(N, eventAt(axis.right) + 1);
  const found = [];
  for (let at = first; at < last; at++) {
    if (isSecret(at)) break;
    found.push([position(at), (origin) => (run.memory.live[origin] || [])[at] || 0]);
  }
  return thinned(found, axis);
}

// Of several moments on one pixel the one with the most that was live, and the last.
function thinned(moments, axis) {
  if (moments.length <= axis.width) return moments;
  const sum = ([, of]) => origins.reduce((all, origin) => all + of(origin), 0);
  const kept = [];
  let [pixel, best, most, last] = [null, null, -1, null];
  const take = () => {
    if (best) kept.push(best);
    if (last && last !== best) kept.push(last);
  };
  for (const moment of moments) {
    const x = Math.floor(axis.of(moment[0]));
    if (x !== pixel) {
      take();
      [pixel, best, most, last] = [x, null, -1, null];
    }
    const now = sum(moment);
    if (now > most) [best, most] = [moment, now];
    last = moment;
  }
  take();
  return kept;
}

function drawLive(context, axis) {
  const moments = liveMoments(axis);
  if (!moments.length) return;
  let highest = 1;
  for (const [, of] of moments) {
    highest = Math.max(highest, origins.reduce((sum, origin) => sum + Math.max(0, of(origin)), 0));
  }
  const floor = moments.map(() => 0);
  const y = (bytes) => LANES.live - (bytes / highest) * LANES.liveHigh;
  for (const origin of origins) {
    const tops = moments.map(([, of], i) => floor[i] + Math.max(0, of(origin)));
    if (!tops.some((top, i) => top > floor[i])) continue;
    context.fillStyle = paints()[origin];
    context.globalAlpha = view.origin && view.origin !== origin ? 0.15 : 0.55;
    context.beginPath();
    const xs = moments.map(([at]) => axis.of(at)).concat(axis.width);
    outline(context, xs, tops.map(y), false);
    outline(context, xs, floor.map(y), true);
    context.closePath();
    context.fill();
    tops.forEach((top, i) => (floor[i] = top));
  }
  context.globalAlpha = 1;
  context.fillStyle = paints().quiet;
  const when = run.whole ? "in use" : `in use, ${moments.length} samples`;
  context.fillText(`${when}: at most ${size(highest)}`, 5, LANES.live - LANES.liveHigh - 4);
}

// One side of an area, forth or back; of events in steps, of which those between two alike are left out.
function outline(context, xs, ys, isBack) {
  const last = ys.length - 1;
  for (let k = 0; k <= last; k++) {
    const i = isBack ? last - k : k;
    if (k > 0 && k < last && ys[i] === ys[i - 1] && ys[i] === ys[i + 1]) continue;
    if (isBack && run.whole) context.lineTo(xs[i + 1], ys[i]);
    context.lineTo(xs[i], ys[i]);
    if (!isBack && run.whole) context.lineTo(xs[i + 1], ys[i]);
  }
}

function drawRange(context, axis) {
  const seen = dragging ? dragging.map((x) => axis.back(x)).sort((a, b) => a - b) : null;
  if (!seen && !view.range) return;
  const from = axis.of(seen ? seen[0] : valueOf(view.range[0]));
  const to = axis.of(seen ? seen[1] : view.range[1] >= lastSeq ? axis.right : valueOf(view.range[1] + 1));
  context.fillStyle = paints().page;
  context.globalAlpha = 0.55;
  context.fillRect(0, 0, Math.max(0, from), LANES.height);
  context.fillRect(to, 0, Math.max(0, axis.width - to), LANES.height);
  context.globalAlpha = 1;
  context.fillStyle = paints().select;
  context.fillRect(from - 1, 0, 2, LANES.height);
  context.fillRect(to - 1, 0, 2, LANES.height);
}

function drawStep(context, axis) {
  if (view.step === null) return;
  const one = view.x === "number" ? axis.of(axis.left + 1) : 0;
  const x = axis.of(position(view.step)) + one / 2;
  if (x < 0 || x > axis.width) return;
  context.fillStyle = paints().ink;
  context.fillRect(x - 0.75, LANES.phases, 1.5, LANES.height);
  context.beginPath();
  context.moveTo(x - 5, LANES.phases - 1);
  context.lineTo(x + 5, LANES.phases - 1);
  context.lineTo(x, LANES.phases + 7);
  context.fill();
}
