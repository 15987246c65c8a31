// Where an event stands from left to right: by its number, by time, or by the bytes asked for.

const lastSeq = run.bins ? run.bins.total - 1 : N ? ev.seq[N - 1] : 0;
const firstSeq = run.bins ? 0 : N ? ev.seq[0] : 0;

const positions = { number: null, time: ev.t_ns, bytes: null };

function bytesAxis() {
  let sum = 0;
  return ev.seq.map((_, at) => {
    if (!isSyscall(at) && !isNested[at]) sum += Math.max(0, bytesOf(at));
    return sum;
  });
}

// Of a run whose events are not all here what is known of the axis: [seqs, values]. In between events
// are taken to be evenly spread.
const knotsOf = { time: null, bytes: null };

function knots() {
  if (!knotsOf[view.x]) knotsOf[view.x] = view.x === "time" ? knownTimes() : knownBytes();
  return knotsOf[view.x];
}

// When parts of the run begin.
function knownBytes() {
  const [seqs, sums] = [[0], [0]];
  const asked = bytesByPart()[0];
  for (let part = 0; part * partWidth() <= lastSeq; part++) {
    seqs.push(Math.min(lastSeq + 1, (part + 1) * partWidth()));
    sums.push(sums[part] + (asked.get(part) || 0));
  }
  return [seqs, sums];
}

// Of the events that are here, and of the samples of what was in use.
function knownTimes() {
  const { seq, t_ns: times } = summary.timeline;
  const all = [...ev.seq.map((one, at) => [one, ev.t_ns[at]]), ...seq.map((one, at) => [one, times[at]])].sort((a, b) => a[0] - b[0]);
  const [seqs, values] = [[], []];
  let latest = 0;
  for (const [one, time] of all) {
    if (seqs.length && one === seqs[seqs.length - 1]) continue;
    latest = Math.max(latest, time);
    seqs.push(one);
    values.push(latest);
  }
  return [seqs, values];
}

// What stands in `to` where `value` stands in `from`: two lists that grow alike.
function between(value, from, to) {
  const at = d3.bisector((one) => one).right(from, value);
  if (at === 0) return to.length ? to[0] : 0;
  if (at === from.length) return to[at - 1];
  return to[at - 1] + ((to[at] - to[at - 1]) * (value - from[at - 1])) / (from[at] - from[at - 1]);
}

// The value of an event on the axis. By number, a page of all events has them side by side.
function position(at) {
  if (view.x === "number") return run.whole ? at : ev.seq[at];
  if (!run.whole && view.x === "bytes") return valueOf(ev.seq[at]);
  if (!positions.bytes) positions.bytes = bytesAxis();
  return positions[view.x][at];
}

// The first event that is not before a value of the axis.
function eventAt(value) {
  return d3.bisector(position).left(eventNumbers, value);
}

const eventNumbers = ev.seq.map((_, at) => at);

function firstFrom(seq) {
  return d3.bisector((one) => one).left(ev.seq, seq);
}

// [left, right] of what is seen, as values of the axis.
function span() {
  if (!run.whole) {
    const ends = view.zoom ? [view.zoom[0], view.zoom[1] + 1] : [0, lastSeq + 1];
    const [left, right] = ends.map(valueOf);
    return [left, right > left ? right : left + 1];
  }
  if (!N) return [0, 1];
  const first = view.zoom ? Math.min(N - 1, firstFrom(view.zoom[0])) : 0;
  const last = view.zoom ? Math.max(first, firstFrom(view.zoom[1] + 1) - 1) : N - 1;
  if (view.x === "number") return [first, last + 1];
  const [left, right] = [position(first), position(last)];
  return [left, right > left ? right + (right - left) / 200 : left + 1];
}

// The seq that stands at a value of the axis.
function seqAt(value) {
  if (!run.whole && view.x !== "number") value = between(value, ...[...knots()].reverse());
  if (!run.whole) return Math.max(0, Math.min(lastSeq, Math.floor(value)));
  if (view.x === "number") return ev.seq[Math.max(0, Math.min(N - 1, Math.floor(value)))];
  return ev.seq[Math.max(0, Math.min(N - 1, eventAt(value)))];
}

// The value of the axis at which a seq stands.
function valueOf(seq) {
  if (!run.whole) return view.x === "number" ? seq : between(seq, ...knots());
  const at = firstFrom(seq);
  if (at >= N) return span()[1];
  return position(at);
}

// [value, its name]: round values of the axis.
function marksOf(axis) {
  const names = { number: (at) => grouped(run.whole ? ev.seq[at] : at), time: duration, bytes: size };
  const unit = view.x === "bytes" ? 1024 ** Math.floor(Math.log2(Math.max(1, axis.right)) / 10) : 1;
  return d3.ticks(axis.left / unit, axis.right / unit, axis.width / 130).map((value) => value * unit)
    .filter((value) => view.x !== "number" || (Number.isInteger(value) && (!run.whole || value < N)))
    .map((value) => [value, names[view.x](value)]);
}
