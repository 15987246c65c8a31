// The tree of calls as a drawing: a frame is as wide as its share, what it called stands beneath.

const FLAME = { row: 20, most: 60, narrowest: 0.8 };
let flame = null;
let isOutwards = false;
let rects = []; // [x, y, width, node] of what is drawn
let chosen = null; // index into rects

function setUpFlame() {
  const home = place("flame");
  if (!run.whole && !run.leaves) {
    home.append(el("p", { class: "quiet" }, "There are no stacks to show."));
    return;
  }
  flame = el("canvas", { class: "flame", tabindex: "0", role: "group", "aria-describedby": "flame-readout",
    "aria-label": "The tree of calls. Arrow keys go from frame to frame, Enter filters by one, Escape removes the filter.",
    pointermove: (event) => point(rectAt(event)), pointerleave: () => point(null),
    click: (event) => filterBy(rectAt(event)), keydown: flameKey });
  fill(home,
    el("div", { class: "buttons" },
      el("span", { class: "axes", role: "group", "aria-label": "measure" }, "width: ",
        ...measures().map(([name, label]) => button(label, () => look({ sort: name === "bytes" ? null : name }), { "data-measure": name }))),
      el("span", { class: "axes", role: "group", "aria-label": "direction" }, "starting from: ",
        button("the program's start", () => turn(false), { "data-turn": "in" }),
        button("the allocator", () => turn(true), { "data-turn": "out" })),
      el("label", {}, "highlight ", el("input", { type: "search", id: "flame-search", size: "16", input: () => { drawFlame(); } })),
      el("span", { id: "flame-matched", class: "quiet", role: "status" })),
    run.whole ? null : el("p", { class: "quiet", id: "flame-of" }),
    el("div", { class: "drawing" }, flame),
    el("p", { id: "flame-readout", class: "readout", "aria-live": "polite" }, "Point at a function to read its numbers; click it to see only what goes through it."),
    el("details", { class: "beside" }, el("summary", {}, "The same as a table: each function with everything it called"),
      el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "functions" }, el("table", { id: "flame-table" }, el("thead", {}), el("tbody", {})))));
  home.querySelector("details").addEventListener("toggle", drawFlameTable);
  onView("flame", drawFlame);
  followWidth(flame, drawFlame);
  onView("flame", drawFlameTable);
}

function turn(outwards) {
  isOutwards = outwards;
  chosen = null;
  drawFlame();
}

function measureNow() {
  return flameMeasures().has(view.sort) ? view.sort : "bytes";
}

const known = { view: null, names: null };

// The names of measures that are known of every stack that is shown.
function flameMeasures() {
  if (known.view === view) return known.names;
  const names = new Set(measures().map(([name]) => name));
  if (isCut()) {
    for (const [, value] of toldLeaves()) for (const name of names) if (value(name) === null) names.delete(name);
  }
  [known.view, known.names] = [view, names];
  return names;
}

function drawFlame() {
  if (!flame) return;
  const root = treeOf(measureNow(), isOutwards);
  rects = [];
  if (root.total) layOut(root, 0, 0, widthOf(), 0);
  const height = rects.reduce((most, [, y]) => Math.max(most, y), 0) + FLAME.row + 2;
  flame.style.height = `${height}px`;
  const [context] = canvasOf(flame, height);
  const search = byId("flame-search").value.toLowerCase();
  for (const [x, y, wide, node] of rects) drawFrame(context, x, y, wide, node, search);
  if (chosen !== null && rects[chosen]) {
    const [x, y, wide] = rects[chosen];
    context.strokeStyle = paints().ink;
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, Math.max(1, wide - 2), FLAME.row - 3);
  }
  byId("flame-matched").textContent = search ? `${share(matched(root, search), root.total)} of it goes through the highlighted functions` : "";
  for (const made of document.querySelectorAll("[data-measure]")) {
    made.setAttribute("aria-pressed", made.dataset.measure === measureNow());
    made.disabled = !flameMeasures().has(made.dataset.measure);
  }
  if (!run.whole) byId("flame-of").textContent = `Shown: ${cutSaid()}.${flameUnknown()}`;
  for (const made of document.querySelectorAll("[data-turn]")) made.setAttribute("aria-pressed", (made.dataset.turn === "out") === isOutwards);
}

function flameUnknown() {
  const missing = measures().filter(([name]) => !flameMeasures().has(name));
  if (!missing.length) return "";
  return ` Not known here for all stacks: ${listed(missing.map(([, label]) => label))}. In a terminal: ${cutCommand(missing[0][0])} --tree`;
}

function layOut(node, x, y, wide, deep) {
  rects.push([x, y, wide, node]);
  if (deep >= FLAME.most) return;
  const below = [...node.below.values()].sort((a, b) => b.total - a.total);
  let left = x;
  for (const one of below) {
    const part = (one.total / node.total) * wide;
    if (part >= FLAME.narrowest) layOut(one, left, y + FLAME.row, part, deep + 1);
    left += part;
  }
}

function drawFrame(context, x, y, wide, node, search) {
  const origin = Object.entries(node.by).sort((a, b) => b[1] - a[1])[0];
  const isMarked = search && isMatch(node, search);
  context.globalAlpha = isMarked ? 1 : search ? 0.16 : 0.34;
  context.fillStyle = paints()[origin ? origin[0] : "grey"];
  context.fillRect(x, y, Math.max(0.5, wide - 1), FLAME.row - 1);
  context.globalAlpha = 1;
  if (wide < 26) return;
  context.save();
  context.beginPath();
  context.rect(x, y, wide - 3, FLAME.row);
  context.clip();
  context.fillStyle = isMarked ? paints().page : paints().ink;
  context.fillText(node.name.slice(0, 200), x + 4, y + 14);
  context.restore();
}

function isMatch(node, search) {
  return `${node.name} ${node.module}`.toLowerCase().includes(search);
}

// What goes through matching frames, each share counted once.
function matched(root, search) {
  let sum = 0;
  const waiting = [root]; // not by recursion: stacks are deep
  while (waiting.length) {
    const node = waiting.pop();
    if (node.isFrame && isMatch(node, search)) sum += node.total;
    else waiting.push(...node.below.values());
  }
  return sum;
}

function share(part, all) {
  if (!all || !part) return "0 %";
  const rounded = Math.round((100 * part) / all);
  return part < all && rounded === 100 ? "> 99 %" : rounded === 0 ? "< 1 %" : `${rounded} %`;
}

function rectAt(event) {
  const found = rects.findIndex(([x, y, wide]) => event.offsetX >= x && event.offsetX < x + wide && event.offsetY >= y && event.offsetY < y + FLAME.row);
  return found < 0 ? null : found;
}

function point(at) {
  if (at === chosen) return;
  chosen = at;
  if (at !== null) {
    const node = rects[at][3];
    const label = measures().find(([name]) => name === measureNow())[2];
    fill(byId("flame-readout"), bdi(`${node.name}${node.module ? `, ${node.module}` : ""}`),
      `: ${grouped(node.total)} (${label}), ${share(node.total, rects[0][3].total)} of what is shown; ${grouped(node.own)} of it with no further call beneath.`);
  }
  drawFlame();
}

function filterBy(at) {
  if (at === null) return;
  const node = rects[at][3];
  if (!node.isFrame) look({ fn: null });
  else look({ fn: view.fn === node.name ? null : node.name });
}

function flameKey(event) {
  const at = chosen === null || !rects[chosen] ? null : chosen;
  if (event.key === "Escape") look({ fn: null });
  else if (event.key === "Enter") filterBy(at);
  else if (/^Arrow/.test(event.key)) point(neighbour(at, event.key));
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function neighbour(at, key) {
  if (at === null) return rects.length ? 0 : null;
  const [x, y, wide] = rects[at];
  const row = key === "ArrowDown" ? y + FLAME.row : key === "ArrowUp" ? y - FLAME.row : y;
  const along = rects.map((rect, i) => [rect, i]).filter(([rect]) => rect[1] === row);
  const tests = {
    ArrowDown: ([left]) => left >= x - 0.01 && left < x + wide,
    ArrowUp: ([left, , w]) => left <= x + 0.01 && left + w > x,
    ArrowRight: ([left]) => left > x,
    ArrowLeft: ([left]) => left < x,
  };
  const found = along.filter(([rect]) => tests[key](rect)).sort((a, b) => a[0][0] - b[0][0]);
  if (!found.length) return at;
  return (key === "ArrowLeft" ? found[found.length - 1] : found[0])[1];
}

function drawFlameTable() {
  const table = byId("flame-table");
  if (!table || !table.closest("details").open) return;
  const measure = measureNow();
  const rows = functionRows(measure);
  const all = treeOf(measure, false).total;
  fill(table.querySelector("thead"), el("tr", {}, el("th", { scope: "col" }, "function"), el("th", { scope: "col", class: "n" }, measures().find(([name]) => name === measure)[2]), el("th", { scope: "col", class: "n" }, "share")));
  fill(table.querySelector("tbody"), ...rows.slice(0, 100).map(([name, value]) => {
    const made = button("", () => look({ fn: view.fn === name ? null : name }), { class: "cell", "aria-pressed": view.fn === name });
    made.append(bdi(name));
    return el("tr", {}, el("th", { scope: "row" }, made), el("td", { class: "n" }, grouped(value)), el("td", { class: "n" }, share(value, all)));
  }));
}
