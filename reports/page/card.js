// The step card: one event in a sentence, with its stack, and why we say so.

let predicts = false;
let isTold = false;
const score = { right: 0, all: 0 };

function setUpCard() {
  const home = place("card");
  if (!N) {
    home.append(el("p", { class: "quiet" }, "There is no event to step through."));
    return;
  }
  const key = (name, title) => ({ "data-step": name, title });
  home.append(
    el("div", { class: "buttons", role: "group", "aria-label": "steps" },
      button("first", () => stepTo(shown()[0]), key("first", "Home")),
      button("← back", () => stepBy(-1), key("back", "key ←")),
      button("forward →", () => stepBy(1), key("forward", "key →")),
      button("next that reached the kernel", () => stepNext((at) => reaches(at)), key("kernel", "key n")),
      button("next of mine", () => stepNext((at) => kindOf(at).origin === "user"), key("mine", "key m")),
      el("label", { class: "switch" },
        el("input", { type: "checkbox", id: "predict", change: (event) => { predicts = event.target.checked; isTold = false; askNow(); } }),
        " predict first")),
    el("div", { id: "step", class: "step", "aria-live": "polite" }));
  document.addEventListener("keydown", stepKey);
  onView(drawCard);
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
  look({ step: at });
  askNow();
}

// The place of the step among the events that are shown; between two where it is filtered out.
function amongShown() {
  const list = shown();
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < view.step) low = middle + 1;
    else high = middle;
  }
  return low;
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
  if (!byId("none")) byId("step").prepend(el("p", { class: "note", id: "none" }, "There is none behind this one."));
}

// Whether there is something to be guessed at the step: an un-nested call.
function askNow() {
  const at = view.step;
  const isQuestion = predicts && !isTold && at !== null && !isSyscall(at) && !isNested[at];
  const next = isQuestion ? at : null;
  if (next !== asking) ask(next);
  else drawCard();
}

function drawCard() {
  const home = byId("step");
  const at = view.step;
  if (at === null) {
    home.replaceChildren(el("p", { class: "quiet" }, "No event is chosen yet: press → for the first one."));
    return;
  }
  if (asking !== null && asking !== at) asking = null;
  const isOpen = home.querySelector("details") && home.querySelector("details").open;
  const kind = kindOf(at);
  fill(home,
    el("p", { class: "where" }, `Event ${grouped(ev.seq[at])}, in ${kind.phase}, ${duration(ev.t_ns[at])} after the first instruction`,
      run.whole ? ` (${grouped(at + 1)} of ${grouped(N)} on this page)` : ""),
    el("p", { class: "code" }, el("code", {}, bdi(asked(at))),
      asking === at || !answered(at) ? null : el("span", {}, " = ", el("code", {}, bdi(answered(at))))),
    el("p", { class: "sentence" }, bdi(sentence(at))),
    asking === at ? question(at) : consequences(at),
    asking === at ? null : el("details", { open: isOpen || null }, el("summary", {}, "Why do you say so?"), ...reasons(at)),
    stackList(at));
}

function sentence(at) {
  const kind = kindOf(at);
  const site = sites[kindOf(outermost[at]).site];
  const who = {
    loader: "The loader",
    runtime: `The ${kind.owner || "unknown"} runtime`,
    user: kind.direct ? "Your code" : `Your code, through ${kind.via || "a library"},`,
    unknown: "Somebody unknown",
  }[kind.origin];
  return `${who} ${deed(at)}, ${kind.purpose ? `for: ${kind.purpose}` : "for a purpose that no rule knows"}${/[.?!]$/.test(kind.purpose || "") ? "" : "."} In the code: ${placeOf(site)}.`;
}

function deed(at) {
  const kind = kindOf(at);
  const bytes = exactSize(Math.abs(bytesOf(at)));
  const block = ev.block[at] === null ? "" : ` (block #${ev.block[at]})`;
  const deeds = {
    free: `gave back a block${block}`,
    realloc: `asked for a block of ${bytes} in place of an older one${block}`,
    reallocarray: `asked for a block of ${bytes} in place of an older one${block}`,
    brk: ev.size[at] > 0 ? `moved the end of the heap up by ${bytes}` : ev.size[at] < 0 ? `moved the end of the heap down by ${bytes}` : "asked where the heap ends",
    mmap: `asked the kernel for ${bytes} of address space`,
    munmap: `gave ${bytes} of address space back to the kernel`,
    mremap: `had the kernel move or resize ${bytes} of address space`,
    mprotect: `had the kernel change the protection of ${bytes}`,
    madvise: `told the kernel how ${bytes} will be used`,
  };
  return deeds[kind.name] || `asked for ${bytes}${block}`;
}

function consequences(at) {
  if (isSyscall(at)) {
    const call = around(at);
    if (call >= 0) return el("p", { class: "effect reached" }, "Made during ", link(call), ".");
    return el("p", { class: "effect" }, ev.cause[at] === null
      ? "No recorded call was open: the code that asked made the system call itself."
      : `Made during call ${ev.cause[at]}, which is not in this page.`);
  }
  if (isNested[at]) {
    const outer = around(at);
    return el("p", { class: "effect" }, "Nested in ", outer >= 0 ? link(outer) : `call ${ev.outer[at]}`, "; not counted again.");
  }
  if (!reaches(at)) return el("p", { class: "effect" }, "It never reached the kernel.", verdictOnGuess(false));
  return el("p", { class: "effect reached" }, "It reached the kernel: ",
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
