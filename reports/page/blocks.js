// The blocks that are live after the step, by address: a number stays a block's own when realloc
// moves it. Only where all events are in the page, and where the sum is that of the replay.

const BLOCKS = 400; // shown at once
let isToScale = false;

function setUpBlocks() {
  if (!run.whole || !N) return;
  const home = place("memory");
  home.append(
    el("dl", { id: "bars", class: "bars" }),
    el("div", { class: "buttons", role: "group", "aria-label": "width of the blocks" },
      button("equally wide", () => { isToScale = false; drawBlocks(); }, { "data-scale": "equal" }),
      button("true to scale", () => { isToScale = true; drawBlocks(); }, { "data-scale": "true" })),
    el("div", { id: "blocks" }),
    el("div", { id: "space" }));
  onView("memory", drawBlocks);
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
  const at = view.step;
  if (at === null || asking !== null) {
    const said = at === null ? "Choose an event to see what was live right after it." : "Hidden while you predict.";
    fill(byId("bars"));
    fill(byId("space"));
    return fill(byId("blocks"), el("p", { class: "quiet" }, said));
  }
  const all = blocksAfter(at);
  const mine = all && [...all.values()].filter((block) => block.pid === kindOf(at).pid && block.address !== null);
  if (mine) mine.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  drawSpace(at, mine);
  drawRows(at, mine);
}

function drawRows(at, mine) {
  const home = byId("blocks");
  if (!mine) return fill(home, el("p", { class: "quiet" }, "Calls of several threads overlap here, so it is not known which blocks were live after each event."));
  const now = mine.findIndex((block) => block.block === ev.block[at]);
  const first = Math.max(0, Math.min(now - BLOCKS / 2, mine.length - BLOCKS));
  const seen = mine.slice(first, first + BLOCKS);
  const sum = mine.reduce((all_, block) => all_ + block.bytes, 0);
  const gone = now < 0 && ev.block[at] !== null && !isSyscall(at) ? ` Block #${ev.block[at]} is gone now.` : "";
  fill(home,
    el("p", {}, `${count(mine.length, "block")} of ${exactSize(sum)} ${mine.length === 1 ? "is" : "are"} live after event ${grouped(ev.seq[at])}.${gone}`),
    ...rowsOf(seen, mappingsAt(at)).flatMap((row) => [
      row.mapping ? el("p", { class: "mapping" }, bdi(row.mapping.name), el("span", { class: "quiet" }, `, ${ofAll(row, mine)}`)) : null,
      el("ol", { class: isToScale ? "blocks scaled" : "blocks", tabindex: "0", "aria-label": row.mapping ? `blocks of ${row.mapping.name}` : "blocks" }, ...boxesOf(row, at, mine))]),
    mine.length > seen.length ? el("p", { class: "quiet" }, `${count(mine.length - seen.length, "more block")} at lower or higher addresses.`) : null);
}

// Blocks beside each other in one mapping are a row; where no mapping is known all are one.
function rowsOf(blocks, mappings) {
  const parts = mappings.flatMap((one) => usableParts(one));
  const rows = [];
  for (const block of blocks) {
    const mapping = parts.find((one) => isIn(block, one)) || null;
    const last = rows[rows.length - 1];
    if (last && last.mapping === mapping) last.blocks.push(block);
    else rows.push({ mapping, blocks: [block] });
  }
  return rows;
}

function ofAll(row, all) {
  const number = all.filter((block) => isIn(block, row.mapping)).length;
  return number === row.blocks.length ? count(number, "live block") : `${grouped(row.blocks.length)} of ${count(number, "live block")}`;
}

// Of a mapping the stretches that may be used: an arena is reserved before it is opened.
function usableParts(mapping) {
  const found = [];
  for (const part of mapping.parts) {
    const last = found[found.length - 1];
    if (part.access === "") continue;
    if (last && last.end === part.start) last.end = part.end;
    else found.push({ ...part });
  }
  return found;
}

// The boxes of a row: before each block the bytes between it and the one before, and at the end
// what is left up to the mapping's own.
function boxesOf({ mapping, blocks }, at, all) {
  const found = [];
  let end = mapping && isFirstOf(blocks[0], mapping, all) ? mapping.start : null;
  for (const block of blocks) {
    if (end !== null) found.push(gapBox(BigInt(block.address) - end, end === (mapping && mapping.start) ? "before the first block" : "between"));
    found.push(blockBox(block, at));
    end = BigInt(block.address) + BigInt(block.bytes);
  }
  if (mapping && end <= mapping.end && isLastOf(blocks[blocks.length - 1], mapping, all)) {
    found.push(topBox(mapping.end - end, mapping.kind === "heap"));
  }
  return found;
}

function isFirstOf(block, mapping, all) {
  return all.find((one) => isIn(one, mapping)) === block;
}

function isLastOf(block, mapping, all) {
  return all.filter((one) => isIn(one, mapping)).pop() === block;
}

function blockBox(block, at) {
  const kind = kindOf(block.at);
  const made = button("", () => stepTo(block.at), {
    class: `block ${kind.origin}${block.block === ev.block[at] && !isSyscall(at) ? " now" : ""}`, "data-block": block.block,
    title: `block #${block.block} at ${block.address}: ${exactSize(block.bytes)}, ${whoOf(kind)}, ${kind.purpose || "for: unknown"}` });
  made.append(el("b", {}, `#${block.block}`), el("span", {}, size(block.bytes)));
  const box = el("li", {}, made);
  if (isToScale) box.style.flexGrow = String(Math.max(1, block.bytes));
  return box;
}

function gapBox(bytes, where) {
  const isNear = bytes >= 0n && bytes < 1048576n;
  return el("li", { class: "gap", title: isNear ? `${grouped(bytes)} bytes ${where}: headers, padding, or free` : "far apart" },
    isNear ? (bytes < 4096n ? String(bytes) : size(Number(bytes))) : "…");
}

function topBox(bytes, isHeap) {
  const text = isHeap ? `${size(Number(bytes))} to the top` : size(Number(bytes));
  const box = el("li", { class: "gap top", title: `${grouped(bytes)} bytes up to ${isHeap ? "the break, the end of the heap" : "the mapping's end"}: free, or freed before` }, text);
  if (isToScale) box.style.flexGrow = String(Math.max(1, Number(bytes)));
  return box;
}
