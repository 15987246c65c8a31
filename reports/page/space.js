// The address space after the step, every mapping by its name; and asked, mapped and resident side
// by side. Mappings are replayed from the syscalls by Python; here they are only chosen.

const pieces = run.space ? named(run.space.pieces).map((row) => {
  const [kind, name] = run.space.labels[row.label];
  return { ...row, start: Number(row.start), end: Number(row.end), kind, name };
}) : [];

// The last event whose doing the step shows, as its seq: of a call its last syscall.
function horizon(at) {
  return ev.seq[reaches(at) && !isNested[at] ? made[at][made[at].length - 1] : at];
}

// Why the mappings of a process cannot be told at an event; null: they can.
function whyNoSpace(at) {
  const pid = kindOf(at).pid;
  if (!run.space.pids.includes(pid)) return "This process began as a copy of another one (fork), so its mappings are not known.";
  const stop = run.space.stops[pid];
  if (stop && stop[0] <= horizon(at)) return `From event ${grouped(stop[0])} on, the mappings are not known: ${stop[1]}.`;
  return null;
}

// The mappings after the step, by address; pieces of one name beside each other are one.
function mappingsAt(at) {
  if (whyNoSpace(at)) return [];
  const [pid, last, found] = [kindOf(at).pid, horizon(at), []];
  for (const piece of pieces) {
    if (piece.pid !== pid || piece.since > last || (piece.until !== null && piece.until <= last)) continue;
    const before = found[found.length - 1];
    const bytes = piece.end - piece.start;
    const usable = piece.access === "" ? 0 : bytes;
    if (before && before.end === piece.start && isOneWith(before, piece)) {
      before.end = piece.end;
      before.bytes += bytes;
      before.usable += usable;
      before.parts.push(piece);
    } else {
      found.push({ ...piece, bytes, usable, parts: [piece] });
    }
  }
  return found;
}

// Two stacks side by side are two; the segments of a file are one.
function isOneWith(one, other) {
  return one.label === other.label && (one.made === other.made || ["program", "library", "loader", "file"].includes(one.kind));
}

// The seq of the event behind what the step shows; the next one known may be far away.
function nextAfter(at) {
  const next = indexOf.get(horizon(at)) + 1;
  return run.whole ? (next < N ? ev.seq[next] : Infinity) : horizon(at) + 1;
}

// What the kernel said last, at the begin of a phase or at the end: a check stands before its event.
function checkAt(at) {
  const pid = kindOf(at).pid;
  return run.space.checks.filter((check) => check.pid === pid && check.at <= nextAfter(at)).pop() || null;
}

function whenOf(check) {
  if (check.phase === "end") return "at the end";
  const isFirst = run.space.checks.find((one) => one.pid === check.pid) === check;
  return run.space.partial && isFirst ? "when brkpoint attached" : `when ${check.phase} began`;
}

function drawSpace(at, blocks, whyNoBlocks) {
  const why = whyNoSpace(at);
  const found = mappingsAt(at);
  drawBars(at, blocks, why, found, whyNoBlocks);
  fill(byId("space"), el("h3", {}, "The address space"),
    why ? el("p", { class: "quiet" }, why) : el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "mappings" }, mapTable(found, blocks)),
    why ? null : el("p", { class: "quiet" }, beyondSentence(at)));
}

function mapTable(found, blocks) {
  const heads = [["what", ""], ["bytes", "n"], ["usable", "n"], ["live blocks", "n"], ["address", "n"], ["since", "n"]];
  return el("table", { id: "space-table" }, el("caption", {}, "mappings by address"),
    el("thead", {}, el("tr", {}, ...heads.map(([text, side]) => el("th", { scope: "col", class: side || null }, text)))),
    el("tbody", {}, ...found.map((one) => {
      const inside = blocks ? numberIn(blocks, one) : null;
      return el("tr", { "data-kind": one.kind },
        el("th", { scope: "row" }, el("span", { class: `kind of-${one.kind.replace(" ", "-")}` }), bdi(one.name),
          one.name === one.kind ? null : el("span", { class: "quiet module", title: run.space.kinds[one.kind] }, one.kind)),
        el("td", { class: "n" }, grouped(one.bytes)),
        el("td", { class: "n" }, one.usable === one.bytes ? "all" : grouped(one.usable)),
        el("td", { class: "n" }, inside === null ? "?" : inside ? grouped(inside) : "·"),
        el("td", { class: "n" }, el("code", {}, `0x${one.start.toString(16)}`)),
        el("td", { class: "n" }, one.made !== null ? button(`event ${grouped(one.made)}`, () => stepToSeq(one.made), { class: "link" }) : "the start"));
    })));
}

function isIn(block, mapping) {
  return block.address >= mapping.start && block.address < mapping.end;
}

// Of blocks by address the first that is not below it.
function fromAddress(blocks, address) {
  return d3.bisector((block) => block.address).left(blocks, address);
}

function numberIn(blocks, mapping) {
  return fromAddress(blocks, mapping.end) - fromAddress(blocks, mapping.start);
}

function beyondSentence(at) {
  const check = checkAt(at);
  if (!check) return "Whatever else was mapped, such as the main thread's stack, is not known.";
  const more = check.mapped - check.found;
  if (!more) return `The kernel counted the same ${whenOf(check)}: nothing else was mapped.`;
  if (more < 0) return `The kernel counted ${exactSize(-more)} less ${whenOf(check)}; the reason for the difference was not seen.`;
  return `The kernel counted ${exactSize(more)} more ${whenOf(check)}: ${run.space.partial ? "what was there before brkpoint attached" : "the main thread's stack"}, and whatever was mapped without a recorded syscall. Its addresses are not recorded.`;
}

// Three bars on one scale. Each says when it is known.
function drawBars(at, blocks, why, found, whyNoBlocks) {
  const check = checkAt(at);
  const asked = blocks ? blocks.reduce((sum, block) => sum + block.bytes, 0) : null;
  const beyond = check ? check.mapped - check.found : 0;
  const mapped = why ? null : found.reduce((sum, one) => sum + one.bytes, 0) + Math.max(0, beyond);
  const rows = [
    ["asked for", asked, asked === null ? whyNoBlocks : run.space.partial ? "in live blocks handed out since brkpoint attached" : "in live blocks after this event"],
    ["mapped", mapped, mapped === null ? "not known here" : "of address space after this event; much of it is never touched"],
    ["resident", check ? check.resident : null, check ? `in physical memory ${whenOf(check)}; measured only where phases change` : "measured only where phases change"],
  ];
  const most = Math.max(1, ...rows.map(([, bytes]) => bytes || 0));
  fill(byId("bars"), ...rows.flatMap(([label, bytes, note]) => {
    const bar = el("span", { class: "fill" });
    bar.style.width = `${(100 * (bytes || 0)) / most}%`;
    return [el("dt", {}, label), el("dd", {}, el("span", { class: "track", "aria-hidden": "true" }, bar),
      el("span", {}, bytes === null ? "?" : exactSize(bytes), el("span", { class: "quiet" }, `, ${note}`)))];
  }));
}
