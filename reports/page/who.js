// Programs and threads of the run, where there are several: each is a filter. Programs of one thread
// each are told but once.

function setUpWho() {
  if (!run.whole) return setUpSums();
  const programs = groupsOf(programOf);
  const threads = groupsOf((at) => String(ev.tid[at]));
  const pairs = groupsOf((at) => `${programOf(at)} ${ev.tid[at]}`);
  for (const [name, found, noun, label] of [
    ["program", programs, "program", programName],
    ["tid", pairs.length > programs.length ? threads : [], "thread", threadName],
  ]) {
    if (found.length < 2) continue;
    const table = whoTable(name, count(found.length, noun));
    onView("matrix", () => drawWho(table, name, found, label));
  }
}

function whoTable(name, title) {
  const table = el("table", { id: `${name}-table` }, el("caption", {}, title), el("thead", {}), el("tbody", {}));
  byId("matrix").append(el("h3", {}, title),
    el("div", { class: "scroll tall", tabindex: "0", role: "group", "aria-label": title }, table));
  return table;
}

const MOST_PROGRAMS = 200; // rows

function setUpSums() {
  setUpSumsOf("program", "program", programName);
  const series = run.bins ? run.bins.series : [];
  const pairs = new Set(series.map((row) => `${row.program} ${row.tid}`));
  if (pairs.size > new Set(series.map((row) => row.program)).size) {
    setUpSumsOf("tid", "thread", (key) => (key === null ? "all later threads" : threadName(key)));
  }
}

function setUpSumsOf(name, noun, label) {
  const keys = sumsOf(name, { range: null, origin: null, phase: null, only: null, program: null, tid: null })
    .sort((a, b) => b[1][0] - a[1][0]).map(([key]) => key);
  if (keys.length < 2) return;
  const told = keys.includes(null) ? keys.length - 1 : keys.length;
  const table = whoTable(name, count(told, noun));
  onView("matrix", () => {
    const sums = new Map(sumsOf(name, { [name]: null }));
    const rows = keys.slice(0, MOST_PROGRAMS).map((key) => [key, sums.get(key) || [0, 0]]);
    fillWho(table, name, rows, keys.length, label, ["calls", "memory syscalls"]);
  });
}

// [[key, [calls, memory syscalls]]] of what is shown, but for `changes` of the view.
function sumsOf(name, changes) {
  const found = new Map();
  const kept = view;
  view = { ...view, ...changes };
  const put = (key, counts) => found.set(key, (found.get(key) || [0, 0]).map((sum, i) => plus(sum, counts[i])));
  if (isOfPlace()) {
    for (const [leaf, counts] of placeCounts(name === "tid")) put(leaf[name === "tid" ? 5 : 4], counts);
  } else {
    for (const row of run.bins ? run.bins.series : []) {
      if (row[name] === "") continue;
      const number = shownOf(row);
      put(row[name], row.kind === "syscall" ? [0, number] : [number, 0]);
    }
  }
  view = kept;
  return [...found];
}

function programOf(at) {
  return `${kindOf(at).pid}.${kindOf(at).image}`;
}

function groupsOf(keyOf) {
  const found = new Map();
  for (let at = 0; at < N; at++) {
    const key = keyOf(at);
    if (!found.has(key)) found.set(key, []);
    if (isCounted(at)) found.get(key).push(at);
  }
  return [...found];
}

function programName(key) {
  const [pid, image] = key.split(".").map(Number);
  const program = programNamed(pid, image);
  return program ? `${program.name || "unknown"}, process ${pid}` : `process ${pid}`;
}

function threadName(tid) {
  return Object.hasOwn(run.threads, tid) ? `thread ${tid}, ${run.threads[tid]}` : `thread ${tid}`;
}

function programNamed(pid, image) {
  const process = summary.processes.find((one) => one.pid === pid && one.programs.some((program) => program.image === image));
  return process && process.programs.find((program) => program.image === image);
}

// Its own filter does not empty the list.
function drawWho(table, name, found, label) {
  const kept = view;
  view = { ...view, [name]: null };
  const rows = found.slice(0, 200).map(([key, events]) => {
    const sums = [0, 0, 0];
    for (const at of events) {
      if (!isShown(at)) continue;
      if (isSyscall(at)) sums[2]++;
      else {
        sums[0]++;
        if (reaches(at)) sums[1]++;
      }
    }
    return [key, sums];
  });
  view = kept;
  fillWho(table, name, rows, found.length, label, ["calls", "reached the kernel", "memory syscalls"]);
}

function fillWho(table, name, rows, all, label, heads) {
  fill(table.querySelector("thead"), el("tr", {}, ...[name === "tid" ? "thread" : "program", ...heads].map((text, i) => el("th", { scope: "col", class: i ? "n" : null }, text))));
  fill(table.querySelector("tbody"), ...rows.map(([key, sums]) => {
    const isOn = view[name] === key;
    const made = key === null ? el("span") : button("", () => look({ [name]: isOn ? null : key }), { class: "cell", "aria-pressed": isOn, [`data-${name}`]: key });
    made.append(bdi(label(key)));
    return el("tr", {}, el("th", { scope: "row" }, made), ...sums.map((sum) => el("td", { class: "n" }, orUnknown(sum))));
  }), rows.length < all ? el("tr", {}, el("td", {}, `${count(all - rows.length, "more")}`)) : null);
}
