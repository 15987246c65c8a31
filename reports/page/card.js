// The step card: one event in a sentence, with its stack, and why we say so.

let predicts = false;
let isTold = false;
const score = { right: 0, all: 0 };

function setUpCard() {
  if (!N) return;
  const home = place("card");
  const key = (name, title) => ({ "data-step": name, title });
  home.append(
    el("div", { class: "buttons", role: "group", "aria-label": "steps" },
      button("first", () => stepTo(shown()[0]), key("first", "Home")),
      button("← back", () => stepBy(-1), key("back", "key ←")),
      button("forward →", () => stepBy(1), key("forward", "key →")),
      button("next that reached the kernel", () => stepNext((at) => reaches(at)), key("kernel", "key n")),
      button("next of my own", () => stepNext((at) => kindOf(at).origin === "user"), key("mine", "key m")),
      el("label", { class: "switch" },
        el("input", { type: "checkbox", id: "predict", change: (event) => { predicts = event.target.checked; isTold = false; askNow(); } }),
        " predict first")),
    el("div", { id: "step", class: "step", "aria-live": "polite" }));
  document.addEventListener("keydown", stepKey);
  onView("card", drawCard);
}

function stepKey(event) {
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const acts = {
    ArrowRight: () => stepBy(1),
    ArrowLeft: () => stepBy(-1),
    n: () => stepNext((at) => reaches(at)),
    m: () => stepNext((at) => kindOf(at).origin === "user"),
  };
  if (!acts[event.key] || event.target.closest(".scroll")) return;
  event.preventDefault();
  acts[event.key]();
}

function stepTo(at) {
  if (at === undefined || at === view.step) return;
  isTold = false;
  asking = null;
  look({ step: at, outside: null });
  askNow();
}

// An event that may not be in this page; then the page says so.
function stepToSeq(seq) {
  if (indexOf.has(seq)) return stepTo(indexOf.get(seq));
  asking = null;
  look({ step: null, outside: seq });
}

// The place of the step among the events that are shown; between two where it is filtered out.
function amongShown() {
  return d3.bisector((at) => at).left(shown(), view.step);
}

function stepBy(by) {
  const list = shown();
  if (view.step === null) return stepTo(list[by > 0 ? 0 : list.length - 1]);
  const at = amongShown();
  if (by > 0) stepTo(list[list[at] === view.step ? at + 1 : at]);
  else stepTo(list[at - 1]);
}

function stepNext(isWanted) {
  const from = view.step === null ? -1 : view.step;
  const found = shown().find((at) => at > from && isWanted(at));
  if (found !== undefined) return stepTo(found);
  if (!byId("none")) byId("step").prepend(el("p", { class: "note", id: "none" }, said.behind));
}

// Whether there is something to be guessed at the step: an un-nested call.
function askNow() {
  const at = view.step;
  const isQuestion = predicts && !isTold && at !== null && !isSyscall(at) && !isNested[at] && !isCutOff(at);
  const next = isQuestion ? at : null;
  if (next !== asking) ask(next);
  else drawCard();
}

// Where this page does not know, a terminal does.
function stepCommand(seq, key) {
  return el("p", { class: "quiet" }, `In a terminal${key ? `, with the key ${key}` : ""}: `, el("code", {}, `brkpoint step ${run.trace} --seq ${seq}`));
}

function drawCard() {
  const home = byId("step");
  const at = view.step;
  if (at === null && view.outside !== null) {
    return fill(home, el("p", {}, `Event ${grouped(view.outside)} is not in this page, which has only some stretches of single events.`),
      stepCommand(view.outside));
  }
  if (at === null) {
    home.replaceChildren(el("p", { class: "quiet" }, "No event is chosen yet: press → for the first one."));
    return;
  }
  if (asking !== null && asking !== at) asking = null;
  const isOpen = home.querySelector("details") && home.querySelector("details").open;
  const kind = kindOf(at);
  fill(home,
    el("p", { class: "where" }, fillIn(said.where, { number: grouped(ev.seq[at]), phase: kind.phase, time: duration(ev.t_ns[at]), begin: said.begin[summary.attached ? "attached" : "start"] }),
      run.whole ? ` (${grouped(at + 1)} of ${grouped(N)} on this page)` : ""),
    el("p", { class: "code" }, el("code", {}, bdi(asked(at))),
      asking === at || !answered(at) ? null : el("span", {}, " = ", el("code", {}, bdi(answered(at))))),
    el("p", { class: "sentence" }, bdi(sentence(at))),
    asking === at ? question(at) : consequences(at),
    asking === at ? null : el("details", { open: isOpen || null }, el("summary", {}, said.reasons.title), ...reasons(at)),
    stackList(at));
}

// The words are the terminal's too: reports/card_words.py.
const said = run.words;

function fillIn(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function sentence(at) {
  const kind = kindOf(at);
  const site = sites[kindOf(outermost[at]).site];
  const key = kind.origin === "user" && !kind.direct ? "via" : kind.origin;
  const who = fillIn(said.who[key], { owner: kind.owner || "unknown", via: kind.via || "a library" });
  const end = /[.?!]$/.test(kind.purpose || "") ? "" : ".";
  const what = kind.purpose ? fillIn(said.for, { purpose: kind.purpose }) + end : said["for nothing known"];
  return fillIn(said.sentence, { who, deed: deed(at), what, place: placeOf(site) });
}

function deed(at) {
  const name = kindOf(at).name;
  const moved = name === "brk" ? ev.size[at] : 0;
  const hasPointer = ev.ptr[at] !== null && ev.ptr[at] !== "0x0";
  let key = moved > 0 ? "brk up" : moved < 0 ? "brk down" : Object.hasOwn(said.deeds, name) ? name : "call";
  if (key === "free" && !hasPointer) key = "free null";
  else if (key === "free" && ev.block[at] === null && !isNested[at]) key = "free unknown";
  else if (["realloc", "reallocarray"].includes(key) && !hasPointer) key = "call";
  return fillIn(said.deeds[key], {
    bytes: exactSize(Math.abs(bytesOf(at))), block: ev.block[at] === null ? "" : ` (block #${ev.block[at]})` });
}

function consequences(at) {
  const effects = said.effects;
  if (isSyscall(at)) {
    const call = around(at);
    if (call >= 0) return el("p", { class: "effect reached" }, effects["made during"], link(call), ".");
    return el("p", { class: "effect" }, ev.cause[at] === null ? effects["by none"]
      : `${effects["made during"]}call ${ev.cause[at]}, which is not in this page.`);
  }
  if (isNested[at]) {
    const outer = around(at);
    return el("p", { class: "effect" }, effects.nested, outer >= 0 ? link(outer) : `call ${ev.outer[at]}`, effects["not again"]);
  }
  if (!reaches(at) && isCutOff(at)) return el("p", { class: "effect" }, effects["not in the page"]);
  if (!reaches(at)) return el("p", { class: "effect" }, effects.never, verdictOnGuess(false));
  return el("p", { class: "effect reached" }, effects.reached,
    ...made[at].flatMap((syscall, i) => [i ? ", " : "", link(syscall)]), ".", verdictOnGuess(true));
}

function link(at) {
  return button(`${asked(at)} · event ${ev.seq[at]}`, () => stepTo(at), { class: "link" });
}

let guess = null;

function question(at) {
  const answer = (says) => () => {
    guess = says;
    score.all++;
    if (says === reaches(at)) score.right++;
    isTold = true;
    ask(null);
  };
  return el("div", { class: "question" }, el("p", {}, "Does this call reach the kernel?"),
    button("yes, it does", answer(true), { "data-guess": "yes" }),
    button("no, it does not", answer(false), { "data-guess": "no" }));
}

function verdictOnGuess(truth) {
  if (!predicts || !isTold) return null;
  const isRight = guess === truth;
  return el("strong", { class: "guess" }, ` You were ${isRight ? "right" : "wrong"}: ${score.right} of ${score.all} so far.`);
}
