// The blocks that are live after the step, by address: a number stays a block's own when realloc
// moves it. Of a run whose events are not all here, only in the windows at whose begin it is known
// what was live. An address is below 2^53, for what a program may have ends at 2^47.

const BLOCKS = 400; // shown at once
let isToScale = false;

function setUpBlocks() {
  if (!N) return;
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

// {blocks: "pid block" -> {pid, block, address, bytes, kind, made}} after the event, or {why: not}.
function blocksAfter(last) {
  const start = run.whole ? { at: 0, blocks: new Map(), images: new Map() } : blocksBefore(last);
  if (start.why) return start;
  const found = start.blocks;
  const images = start.images;
  for (let at = start.at; at <= last; at++) {
    const kind = kindOf(at);
    if (images.has(kind.pid) && images.get(kind.pid) !== kind.image) {
      for (const [key, block] of found) if (block.pid === kind.pid) found.delete(key);
    }
    images.set(kind.pid, kind.image);
    if (isSyscall(at) || ev.block[at] === null) continue;
    const key = `${kind.pid} ${ev.block[at]}`;
    if (handsOut(at)) {
      found.set(key, { pid: kind.pid, block: ev.block[at], address: ev.result[at] === null ? null : Number(ev.result[at]), bytes: bytesOf(at), kind, made: ev.seq[at] });
    } else if (frees(at) && ev.errno[at] === null && !isForOuter(at)) {
      found.delete(key);
    }
  }
  if (!run.whole) return start;
  let sum = 0;
  for (const block of found.values()) sum += block.bytes;
  const told = Object.values(run.memory.live).reduce((all, values) => all + values[last], 0);
  return sum === told ? start : { why: "Calls of several threads overlap here, so it is not known which blocks were live after each event." };
}

// What was live where the window of an event begins: {at, blocks}, or {why: it is not in this page}.
function blocksBefore(last) {
  const [first] = windowOf(last);
  const place = run.held.at.findIndex(([seq]) => seq === first);
  const told = place < 0 ? null : run.held.at[place][1];
  if (told === null) return { why: "This page does not say which blocks were live here." };
  if (told !== true) return { why: `${grouped(told)} blocks were live here, more than this page holds.` };
  const [of, blocks] = [run.held.blocks, new Map()];
  const programs = of.programs.map((key) => key.split(".").map(Number));
  const images = new Map();
  for (let i = 0; i < of.number.length; i++) {
    if (of.since[i] > place || of.until[i] < place) continue;
    const [pid, image] = programs[of.program ? of.program[i] : 0];
    images.set(pid, image);
    blocks.set(`${pid} ${of.number[i]}`, { pid, block: of.number[i], address: Number(of.address[i]), bytes: of.bytes[i],
      kind: of.kind[i] === null ? null : kinds[of.kind[i]], made: of.made[i] });
  }
  return { at: firstFrom(first), blocks, images };
}

function drawBlocks() {
  for (const made of document.querySelectorAll("[data-scale]")) {
    made.setAttribute("aria-pressed", (made.dataset.scale === "true") === isToScale);
  }
  const at = view.step;
  const isOutside = at === null && view.outside !== null;
  if (at === null || asking !== null) {
    const said = isOutside ? `Event ${grouped(view.outside)} is not in this page, nor is the memory of that moment.`
      : at === null ? "Choose an event to see what was live right after it." : "Hidden while you predict.";
    fill(byId("bars"));
    fill(byId("space"));
    return fill(byId("blocks"), el("p", { class: "quiet" }, said), isOutside ? stepCommand(view.outside, "b") : null);
  }
  const all = blocksAfter(at);
  const mine = all.blocks ? [...all.blocks.values()].filter((block) => block.pid === kindOf(at).pid && block.address !== null) : null;
  if (mine) mine.sort((a, b) => a.address - b.address);
  drawSpace(at, mine, all.why);
  drawRows(at, mine, all.why);
}

function drawRows(at, mine, why) {
  const home = byId("blocks");
  if (!mine) return fill(home, el("p", { class: "quiet" }, why), run.whole ? null : stepCommand(ev.seq[at], "b"));
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
  let next = 0; // both are sorted by address
  for (const block of blocks) {
    while (next < parts.length && parts[next].end <= block.address) next++;
    const mapping = next < parts.length && isIn(block, parts[next]) ? parts[next] : null;
    const last = rows[rows.length - 1];
    if (last && last.mapping === mapping) last.blocks.push(block);
    else rows.push({ mapping, blocks: [block] });
  }
  return rows;
}

function ofAll(row, all) {
  const number = numberIn(all, row.mapping);
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
    if (end !== null) found.push(gapBox(block.address - end, end === (mapping && mapping.start) ? "before the first block" : "between"));
    found.push(blockBox(block, at));
    end = block.address + block.bytes;
  }
  if (mapping && end <= mapping.end && isLastOf(blocks[blocks.length - 1], mapping, all)) {
    found.push(topBox(mapping.end - end, mapping.kind === "heap"));
  }
  return found;
}

function isFirstOf(block, mapping, all) {
  return all[fromAddress(all, mapping.start)] === block;
}

function isLastOf(block, mapping, all) {
  return all[fromAddress(all, mapping.end) - 1] === block;
}

function blockBox(block, at) {
  const kind = block.kind;
  const who = kind ? `, ${whoOf(kind)}, ${kind.purpose || "for: unknown"}` : `, of event ${grouped(block.made)}`;
  const made = button("", () => stepToSeq(block.made), {
    class: `block ${kind ? kind.origin : ""}${block.block === ev.block[at] && !isSyscall(at) ? " now" : ""}`, "data-block": block.block,
    title: `block #${block.block} at 0x${block.address.toString(16)}: ${exactSize(block.bytes)}${who}` });
  made.append(el("b", {}, `#${block.block}`), el("span", {}, size(block.bytes)));
  const box = el("li", {}, made);
  if (isToScale) box.style.flexGrow = String(Math.max(1, block.bytes));
  return box;
}

function gapBox(bytes, where) {
  const isNear = bytes >= 0 && bytes < 1048576;
  return el("li", { class: "gap", title: isNear ? `${grouped(bytes)} bytes ${where}: headers, padding, or free` : "far apart" },
    isNear ? (bytes < 4096 ? String(bytes) : size(bytes)) : "…");
}

function topBox(bytes, isHeap) {
  const text = isHeap ? `${size(bytes)} to the top` : size(bytes);
  const box = el("li", { class: "gap top", title: `${grouped(bytes)} bytes up to ${isHeap ? "the break, the end of the heap" : "the mapping's end"}: free, or freed before` }, text);
  if (isToScale) box.style.flexGrow = String(Math.max(1, bytes));
  return box;
}
