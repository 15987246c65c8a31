// The blocks that are live after the step, by address: a number stays a block's own when realloc
// moves it. Only where all events are in the page, and where the sum is that of the replay.

const BLOCKS = 400; // shown at once
let isToScale = false;

function setUpBlocks() {
  const home = place("memory");
  if (!run.whole || !N) {
    home.append(el("p", { class: "quiet" }, "Blocks are followed only where all events are in the page."));
    return;
  }
  home.append(
    el("div", { class: "buttons", role: "group", "aria-label": "width of the blocks" },
      button("equally wide", () => { isToScale = false; drawBlocks(); }, { "data-scale": "equal" }),
      button("true to scale", () => { isToScale = true; drawBlocks(); }, { "data-scale": "true" })),
    el("div", { id: "blocks" }));
  onView(drawBlocks);
}

// "pid block" -> {block, address, bytes, at}, after the event; null where it cannot be told.
function blocksAfter(last) {
  const found = new Map();
  const images = new Map();
  for (let at = 0; at <= last; at++) {
    const kind = kindOf(at);
    if (images.has(kind.pid) && images.get(kind.pid) !== kind.image) {
      for (const [key, block] of found) if (block.pid === kind.pid) found.delete(key);
    }
    images.set(kind.pid, kind.image);
    if (isSyscall(at) || ev.block[at] === null) continue;
    const key = `${kind.pid} ${ev.block[at]}`;
    if (handsOut(at)) {
      found.set(key, { pid: kind.pid, block: ev.block[at], address: ev.result[at], bytes: bytesOf(at), at });
    } else if (kind.name === "free" && ev.errno[at] === null) {
      found.delete(key);
    }
  }
  let sum = 0;
  for (const block of found.values()) sum += block.bytes;
  const told = Object.values(run.memory.live).reduce((all, values) => all + values[last], 0);
  return sum === told ? found : null;
}

function drawBlocks() {
  for (const made of document.querySelectorAll("[data-scale]")) {
    made.setAttribute("aria-pressed", (made.dataset.scale === "true") === isToScale);
  }
  const home = byId("blocks");
  const at = view.step;
  if (at === null) return fill(home, el("p", { class: "quiet" }, "Choose an event: what is live after it stands here."));
  if (asking !== null) return fill(home, el("p", { class: "quiet" }, "Hidden while you predict."));
  const all = blocksAfter(at);
  if (!all) return fill(home, el("p", { class: "quiet" }, "Calls overlap here: which blocks are live cannot be told event by event."));
  const mine = [...all.values()].filter((block) => block.pid === kindOf(at).pid && block.address !== null);
  mine.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const now = mine.findIndex((block) => block.block === ev.block[at]);
  const first = Math.max(0, Math.min(now - BLOCKS / 2, mine.length - BLOCKS));
  const seen = mine.slice(first, first + BLOCKS);
  const sum = mine.reduce((all_, block) => all_ + block.bytes, 0);
  const gone = now < 0 && ev.block[at] !== null && !isSyscall(at) ? ` Block #${ev.block[at]} has just gone.` : "";
  fill(home,
    el("p", {}, `${count(mine.length, "block")} of ${exactSize(sum)} ${mine.length === 1 ? "is" : "are"} live after event ${grouped(ev.seq[at])}.${gone}`),
    el("ol", { class: isToScale ? "blocks scaled" : "blocks" }, ...seen.flatMap((block, i) => blockBox(block, seen[i - 1], at, sum))),
    mine.length > seen.length ? el("p", { class: "quiet" }, `${count(mine.length - seen.length, "more block")} at lower or higher addresses.`) : null);
}

// A block, and before it the bytes between it and the one before, where they are near.
function blockBox(block, before, at, sum) {
  const kind = kindOf(block.at);
  const gap = before ? BigInt(block.address) - BigInt(before.address) - BigInt(before.bytes) : null;
  const isNear = gap !== null && gap >= 0n && gap < 4096n;
  const made = button("", () => stepTo(block.at), {
    class: `block ${kind.origin}${block.block === ev.block[at] && !isSyscall(at) ? " now" : ""}`, "data-block": block.block,
    title: `block #${block.block} at ${block.address}: ${exactSize(block.bytes)}, ${whoOf(kind)}, ${kind.purpose || "for: unknown"}` });
  made.append(el("b", {}, `#${block.block}`), el("span", {}, size(block.bytes)));
  const box = el("li", {}, made);
  if (isToScale) box.style.flexGrow = String(Math.max(1, block.bytes));
  const between = before ? el("li", { class: isNear ? "gap" : "gap far", title: isNear ? `${gap} bytes between: header, padding, or free` : "far apart" }, isNear ? `${gap}` : "…") : null;
  return between ? [between, box] : [box];
}
