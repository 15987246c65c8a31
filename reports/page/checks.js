// The page counts its events itself and compares: a number that was changed is told, not shown as
// if it were true.

function sumsOfEvents() {
  const cells = new Map();
  let reached = 0;
  for (let at = 0; at < N; at++) {
    if (!isCounted(at)) continue;
    const kind = kindOf(at);
    const key = [kind.origin, kind.phase, kind.kind, kind.name].join(" ");
    cells.set(key, (cells.get(key) || 0) + 1);
    if (reaches(at)) reached++;
  }
  return { cells, reached };
}

function sumsOfBins() {
  const cells = new Map();
  for (const row of run.bins.series) {
    const key = [row.origin, row.phase, row.kind].join(" ");
    cells.set(key, (cells.get(key) || 0) + row.n.reduce((sum, n) => sum + n, 0));
  }
  return { cells, reached: null };
}

// Where summary, text and events of this page disagree, in words.
function disagreements() {
  const found = [];
  const counted = run.whole ? sumsOfEvents() : run.bins ? sumsOfBins() : null;
  if (counted) {
    const told = new Map();
    for (const row of summary.totals) {
      const names = [row.origin, row.phase, row.kind].concat(run.whole ? [row.name] : []);
      const key = names.join(" ");
      told.set(key, (told.get(key) || 0) + row.count);
    }
    for (const key of new Set([...told.keys(), ...counted.cells.keys()])) {
      const [one, other] = [told.get(key) || 0, counted.cells.get(key) || 0];
      if (one !== other) found.push(`${key}: ${grouped(one)} stated, ${grouped(other)} counted`);
    }
    const reached = summary.causes.calls_reaching_kernel;
    if (counted.reached !== null && counted.reached !== reached) {
      found.push(`reached the kernel: ${reached} stated, ${counted.reached} counted`);
    }
  }
  if (run.whole) found.push(...disagreeingSites());
  if (run.leaves) found.push(...disagreeingLeaves());
  if (run.bins && run.bins.cells) found.push(...disagreeingCells());
  const figures = {
    calls: summary.causes.calls,
    yours: summary.verdict.calls_by_origin.user || 0,
    reached: summary.causes.calls_reaching_kernel,
    peak: summary.peak_bytes,
    left: summary.leaked.bytes,
  };
  for (const [name, value] of Object.entries(figures)) {
    const shown = document.querySelector(`[data-number=${name}] .value`).textContent;
    const text = value === null ? "unknown" : grouped(value);
    if (shown !== text) found.push(`${name}: ${shown} shown, ${text} stated`);
  }
  if (byId("verdict").textContent !== run.verdict) found.push("the sentence at the top was changed");
  return found;
}

function disagreeingLeaves() {
  const sums = { bytes: summary.allocated.bytes, live_bytes: summary.leaked.bytes, count: summary.allocated.blocks };
  return Object.entries(sums).flatMap(([name, told]) => {
    const column = run.leaves.names.indexOf(name);
    const counted = run.leaves.rows.reduce((sum, row) => sum + row[column], 0);
    return counted === told ? [] : [`${name} of all stacks: ${told} stated, ${counted} counted`];
  });
}

function disagreeingCells() {
  const cells = run.bins.cells;
  const sum = (at) => cells.rows.reduce((all, row) => row[at].reduce((one, n) => one + n, all), 0);
  const told = [summary.allocated.bytes, summary.allocated.blocks];
  const counted = [sum(7) + cells.left_out[0], sum(8) + cells.left_out[1]];
  return ["bytes", "allocations"].flatMap((name, i) => (told[i] === counted[i] ? []
    : [`${name} of all places, part by part: ${told[i]} stated, ${counted[i]} counted`]));
}

function disagreeingSites() {
  const counted = new Map(siteRows(ev.seq.keys()).map((row) => [siteKey(row), row]));
  const found = [];
  for (const told of summary.sites) {
    const row = counted.get(siteKey(told)) || { bytes: 0, count: 0 };
    for (const name of ["bytes", "count"]) {
      if (row[name] !== told[name]) found.push(`${placeOf(told)}: ${name} ${told[name]} stated, ${row[name]} counted`);
    }
  }
  return found;
}

function tellDisagreements() {
  const found = disagreements();
  if (!found.length) return;
  byId("top").before(
    el("div", { class: "banner", role: "alert", id: "disagrees" },
      el("p", {}, el("strong", {}, "This page disagrees with its own data."),
        " It was changed, or this is a bug in brkpoint. Do not rely on it."),
      el("ul", {}, ...found.slice(0, 8).map((text) => el("li", {}, bdi(text))))));
}
