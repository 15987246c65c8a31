// Predictions: chosen or typed here, checked here, kept nowhere but in the page's own address.

const lesson = JSON.parse(byId("data").textContent);
const asked = new Map(lesson.questions.map((question) => [question.id, question]));
const units = { "": 1, b: 1, byte: 1, bytes: 1 };
"kmgt".split("").forEach((letter, at) => ["", "b", "ib"].forEach((end) => { units[letter + end] = 1024 ** (at + 1); }));
const counts = "zero one two three four five six seven eight nine ten eleven twelve".split(" ");

// As course/questions.py reads it: `19`, `1,024`, `about 2 KiB`, `none`; null: no number.
function numberIn(text) {
  const found = /([+-]?\d[\d,_ ]*(?:\.\d+)?)\s*([a-zA-Z]*)/.exec(text.toLowerCase());
  if (found) return Number(found[1].replace(/[,_ ]/g, "")) * (units[found[2]] || 1);
  const words = text.toLowerCase().match(/[a-z]+/g) || [];
  if (words.some((word) => /^(none|no|zero|nothing|never)$/.test(word))) return 0;
  const known = words.find((word) => counts.includes(word));
  return known === undefined ? null : counts.indexOf(known);
}

function within(value, [low, high]) {
  return (low === null || value >= low) && (high === null || value <= high);
}

function judge(question, answer) {
  const isChoice = question.choices.length > 0;
  const value = isChoice ? answer : numberIn(answer);
  const isRight = isChoice ? value === question.right : within(value, question.limits);
  if (isRight) return { isRight, text: question.said };
  const found = question.mistakes.find((mistake) => (isChoice ? [null, value].includes(mistake.choice) : within(value, mistake.between)));
  return { isRight, name: found ? found.name : "", text: found ? found.text : question.said };
}

function answersIn(hash) {
  return new Map([...new URLSearchParams(hash.replace(/^#/, ""))].filter(([id]) => asked.has(id) || id === "on"));
}

let answers = answersIn(location.hash);

function keep(id, answer) {
  answers.set(id, answer);
  location.hash = new URLSearchParams([...answers]).toString();
  showAll();
}

function told(question) {
  const answer = answers.get(question.id);
  if (answer === undefined) return [el("p", { class: "other" }, `It is: ${question.answer}.`), el("p", {}, question.said)];
  const verdict = judge(question, answer);
  const shown = question.choices.length ? `You chose ${answer}` : `You said ${answer}`;
  return [
    el("p", { class: verdict.isRight ? "right" : "other" }, verdict.isRight ? `${shown}: right. It is ${question.answer}.` : `${shown}. It is: ${question.answer}.`),
    verdict.name ? el("p", {}, "A common idea: ", el("em", {}, `“${verdict.name}”.`)) : null,
    verdict.text ? el("p", {}, verdict.text) : null,
  ].filter((child) => child !== null);
}

function controls(question) {
  if (!question.choices.length) {
    const input = el("input", { type: "text", id: `${question.id}-in`, autocomplete: "off", value: answers.get(question.id) || "" });
    const send = () => {
      if (numberIn(input.value) !== null) return keep(question.id, input.value.slice(0, 100));
      byId(`${question.id}-told`).replaceChildren(el("p", {}, "A guess is enough: a number, such as 12 or 4 KiB."));
    };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") send(); });
    return [el("label", { for: `${question.id}-in` }, "Your prediction"), input, " ", button("That is my prediction", send)];
  }
  const picks = question.choices.map(([letter, text]) => el("label", {},
    el("input", { type: "radio", name: question.id, value: letter, checked: answers.get(question.id) === letter }),
    el("span", {}, `${letter}) ${text}`)));
  const send = () => {
    const picked = document.querySelector(`input[name="${question.id}"]:checked`);
    if (picked) return keep(question.id, picked.value);
    byId(`${question.id}-told`).replaceChildren(el("p", {}, "Choose one first: a guess is enough."));
  };
  return [el("fieldset", {}, el("legend", { class: "quiet" }, "Your prediction"), ...picks), button("That is my prediction", send)];
}

function setUp(question) {
  const home = byId(question.id);
  home.querySelector(".plain").replaceWith(el("div", {}, ...controls(question)));
  home.append(el("div", { class: "told", id: `${question.id}-told`, role: "status" }));
}

function showAll() {
  const first = lesson.questions.filter((question) => question.step === "predict");
  const goesOn = answers.has("on") || first.every((question) => answers.has(question.id));
  document.querySelectorAll("section.later").forEach((section) => { section.hidden = !goesOn; });
  byId("go").hidden = goesOn;
  for (const question of lesson.questions) {
    const isAnswered = answers.has(question.id);
    if (question.step === "predict") {
      byId(`${question.id}-told`).replaceChildren(...(isAnswered ? [el("p", {}, "Noted. The answer comes with the explanation.")] : []));
      const home = byId(`${question.id}-resolved`);
      if (home) home.replaceChildren(el("p", { class: "quiet" }, question.text), ...told(question));
    } else if (isAnswered) {
      byId(`${question.id}-told`).replaceChildren(...told(question));
    }
  }
  for (const after of document.querySelectorAll(".after")) {
    const before = lesson.questions.filter((question) => question.step === after.dataset.change);
    if (before.length && before.every((question) => answers.has(question.id))) after.open = true;
  }
}

lesson.questions.forEach(setUp);
byId("go").append(button("Go on without a prediction", () => keep("on", "1")));
addEventListener("hashchange", () => { answers = answersIn(location.hash); showAll(); });
showAll();
