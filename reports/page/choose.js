// Choosing on the strip: by pointer, by keys, by buttons and by numbers; and the strip as a table.

function setUpStrip() {
  if (!run.whole && !run.bins) return;
  const home = place("strip");
  strip = el("canvas", { class: "strip", tabindex: "0", role: "group", "aria-describedby": "readout",
    "aria-label": "The run from left to right. Arrow keys step, with Shift they choose a range, Escape clears it." });
  home.append(
    legend(),
    el("div", { class: "drawing" }, strip),
    el("p", { id: "readout", class: "readout", "aria-live": "polite" }, "Point at a bar to read it, or drag to choose a range."),
    stripButtons(),
    el("details", { class: "beside" }, el("summary", {}, "The same as a table"),
      el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "the strip as a table" },
        el("table", { id: "strip-table" }))));
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    dragging = [event.offsetX, event.offsetX];
  });
  strip.addEventListener("pointermove", pointed);
  strip.addEventListener("pointerup", dropped);
  strip.addEventListener("pointercancel", () => { dragging = null; drawSoon(); });
  strip.addEventListener("pointerleave", () => { hovered = null; drawSoon(); });
  strip.addEventListener("keydown", stripKey);
  onView("strip", drawStrip);
  followWidth(strip, drawStrip);
  onView("strip", drawStripTable);
  onView("strip", drawStripButtons);
}

let isDue = false;

function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => { isDue = false; drawStrip(); });
}

function legend() {
  const told = new Set(summary.totals.map((row) => row.origin));
  return el("ul", { class: "legend" },
    el("li", { class: "grey" }, run.bins ? (tellsBytes ? "bytes asked for, many calls to a bar" : "calls, many to a bar") : "calls that never reached the kernel"),
    ...origins.filter((origin) => told.has(origin)).map((origin) => el("li", { class: origin }, origin)));
}

function nearest(x) {
  if (!N) return null;
  const axis = scale(widthOf());
  const value = axis.back(x);
  if (run.whole && view.x === "number") return Math.max(0, Math.min(N - 1, Math.floor(value)));
  const after = eventAt(value);
  const near = [after - 1, after].filter((at) => at >= 0 && at < N);
  const best = near.reduce((a, b) => (Math.abs(position(a) - value) <= Math.abs(position(b) - value) ? a : b));
  return Math.abs(axis.of(position(best)) - x) < 40 ? best : null;
}

function pointed(event) {
  if (dragging) {
    dragging[1] = event.offsetX;
  } else {
    hovered = nearest(event.offsetX);
    if (hovered !== null && !isSecret(hovered)) byId("readout").replaceChildren(bdi(inShort(hovered)));
  }
  drawSoon();
}

function inShort(at) {
  const kind = kindOf(at);
  const number = reaches(at) && at !== asking ? made[at].length : 0;
  const reached = number ? ` · made ${count(number, "memory syscall")}` : "";
  return `${ev.seq[at]}: ${asked(at)} · ${kind.phase} · ${whoOf(kind)} · ${kind.purpose || "for: unknown"}${reached}`;
}

function dropped(event) {
  if (!dragging) return;
  dragging[1] = event.offsetX;
  const [from, to] = [...dragging].sort((a, b) => a - b);
  dragging = null;
  const axis = scale(widthOf());
  if (to - from < 5) {
    const at = nearest(from);
    if (at !== null) stepTo(at);
    else if (!run.whole) stepToSeq(seqAt(axis.back(from)));
  } else {
    look({ range: inBins([seqAt(axis.back(from)), seqAt(axis.back(to) - 1e-9)]) });
  }
  drawSoon();
}

// Where single events are not all here, a range begins and ends with a bin: its sums stay exact.
function inBins([first, last]) {
  if (last < first) last = first;
  if (!run.bins) return [first, last];
  const wide = run.bins.width;
  return [Math.floor(first / wide) * wide, Math.min(lastSeq, Math.floor(last / wide) * wide + wide - 1)];
}

function stripKey(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === "Escape") look({ range: null });
  else if (by && event.shiftKey && N) {
    const at = view.step === null ? 0 : view.step;
    const next = Math.max(0, Math.min(N - 1, at + by));
    const range = view.range || [ev.seq[at], ev.seq[at]];
    const grown = by > 0 ? [range[0], Math.max(range[0], ev.seq[next])] : [Math.min(range[1], ev.seq[next]), range[1]];
    look({ step: next, outside: null, range: inBins(grown) });
    event.preventDefault();
    event.stopPropagation();
  }
}

function stripButtons() {
  const peak = summary.peak.seq;
  const number = (name, label) => el("label", {}, `${label} `,
    el("input", { type: "number", id: name, min: firstSeq, max: lastSeq, change: numbersTyped }));
  return el("div", { class: "buttons" },
    ...phaseRanges().map(([phase, first, last]) =>
      button(phase, () => look({ range: [first, last] }), { "data-range": `${first}-${last}`, title: `choose the phase ${phase}` })),
    button("around the peak", () => look(aroundPeak()), { id: "peak-button", disabled: peak === null }),
    number("range-from", "from event"), number("range-to", "to"),
    button("zoom to the range", () => look({ zoom: view.range }), { id: "zoom-in" }),
    button("show the whole run", () => look({ zoom: null, range: null }), { id: "zoom-out" }),
    el("span", { class: "axes", role: "group", "aria-label": "from left to right" }, "horizontally: ",
      ...X_AXES.map((name) => button(name, () => look({ x: name }), { "data-x": name, disabled: !canShow(name),
        title: canShow(name) ? "" : "not known well enough for this run" }))));
}

function aroundPeak() {
  const seq = summary.peak.seq;
  const wide = run.whole ? Math.max(5, Math.round(N / 40)) : run.bins.width;
  const at = indexOf.get(seq);
  return { range: inBins([Math.max(firstSeq, seq - wide), Math.min(lastSeq, seq + wide)]), ...(at === undefined ? {} : { step: at, outside: null }) };
}

function numbersTyped() {
  const [from, to] = ["range-from", "range-to"].map((name) => byId(name).value);
  if (from === "" && to === "") return look({ range: null });
  const ends = [from === "" ? firstSeq : Number(from), to === "" ? lastSeq : Number(to)];
  if (ends.every((end) => Number.isInteger(end) && end >= 0) && ends[0] <= ends[1]) look({ range: inBins(ends) });
}

function drawStripButtons() {
  byId("range-from").value = view.range ? view.range[0] : "";
  byId("range-to").value = view.range ? view.range[1] : "";
  byId("zoom-in").disabled = !view.range;
  byId("zoom-out").disabled = !view.range && !view.zoom;
  for (const made of document.querySelectorAll("[data-x]")) made.setAttribute("aria-pressed", made.dataset.x === view.x);
  for (const made of document.querySelectorAll("[data-range]")) {
    made.setAttribute("aria-pressed", Boolean(view.range) && view.range.join("-") === made.dataset.range);
  }
}

function drawStripTable() {
  const rows = new Map(phases.map((phase) => [phase, [0, 0, 0, 0]]));
  if (run.whole) {
    for (const at of shown()) {
      if (!isCounted(at)) continue;
      const row = rows.get(kindOf(at).phase);
      row[isSyscall(at) ? 2 : 0]++;
      if (reaches(at)) row[1]++;
      if (!isSyscall(at)) row[3] += bytesOf(at);
    }
  } else {
    for (const [key, number] of binCells()) {
      const [, phase, kind] = key.split(" ");
      const row = rows.get(phase);
      const at = kind === "syscall" ? 2 : 0;
      row[at] = plus(row[at], number);
    }
  }
  const heads = ["phase", "calls", ...(run.whole ? ["reached the kernel"] : []), "memory syscalls", ...(run.whole ? ["bytes asked for"] : [])];
  byId("strip-table").replaceChildren(
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...[...rows].map(([phase, row]) => el("tr", {}, el("th", { scope: "row" }, phase),
      ...(run.whole ? row : [row[0], row[2]]).map((number) => el("td", { class: "n" }, orUnknown(number)))))));
}
