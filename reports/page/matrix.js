// Who asked, by phase: counts of what the filters show; each cell is a filter.

function setUpMatrix() {
  onView("matrix", drawMatrix);
}

// "origin phase kind" -> events. The two filters that the table itself sets do not empty it.
function matrixCells() {
  const kept = view;
  view = { ...view, origin: null, phase: null };
  const found = new Map();
  if (!isFiltered()) {
    for (const row of summary.totals) addTo(found, [row.origin, row.phase, row.kind].join(" "), row.count);
  } else if (run.whole) {
    for (let at = 0; at < N; at++) {
      const kind = kindOf(at);
      if (isCounted(at) && isShown(at)) addTo(found, [kind.origin, kind.phase, kind.kind].join(" "), 1);
    }
  } else {
    for (const [key, number] of binCells()) found.set(key, number);
  }
  view = kept;
  return found;
}

function addTo(sums, key, number) {
  sums.set(key, (sums.get(key) || 0) + number);
}

function drawMatrix() {
  const cells = matrixCells();
  const told = new Set(summary.totals.map((row) => row.origin));
  const rows = origins.filter((origin) => origin !== "unknown" || told.has(origin));
  const sum = (origin, phase, kind) => cells.has([origin, phase, kind].join(" ")) ? cells.get([origin, phase, kind].join(" ")) : 0;
  const total = (origin, kind) => phases.reduce((all, phase) => plus(all, sum(origin, phase, kind)), 0);
  byId("matrix-table").querySelector("tbody").replaceChildren(...rows.map((origin) =>
    el("tr", {},
      el("th", { scope: "row" }, cellButton([el("span", { class: `mark ${origin}` }), origin], origin, null)),
      ...phases.map((phase) => el("td", { class: "n" },
        cellButton([numbers(sum(origin, phase, "call"), sum(origin, phase, "syscall"))], origin, phase))),
      el("td", { class: "n" }, numbers(total(origin, "call"), total(origin, "syscall"))))));
}

function numbers(calls, syscalls) {
  return calls !== 0 || syscalls !== 0 ? `${orUnknown(calls)} /\u00a0${orUnknown(syscalls)}` : "·";
}

function cellButton(inner, origin, phase) {
  const isOn = view.origin === origin && view.phase === phase;
  const made = button("", () => look(isOn ? { origin: null, phase: null } : { origin, phase }),
    { class: "cell", "aria-pressed": isOn, "data-cell": phase ? `${origin} ${phase}` : origin, title: phase ? `only ${origin} in ${phase}` : `only ${origin}` });
  made.append(...inner);
  return made;
}
