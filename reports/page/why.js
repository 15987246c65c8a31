// How do you know? The rule, its evidence and where to read it up; and the stack.

function reasons(at) {
  const kind = kindOf(at);
  const how = Object.hasOwn(said.evidence, kind.confidence) ? `; the evidence is ${said.evidence[kind.confidence]}` : "";
  const number = kindOf(at).decided_by;
  const frame = number === null ? null : stackOf(at)[number];
  const rows = [
    ["who", fillIn(said.reasons[kind.rule ? "who" : "who by no rule"], { who: whoOf(kind), rule: kind.rule, evidence: how })],
    frame ? ["decided by", fillIn(said.reasons["decided by"], { number, function: nameOf(frame), module: frame.module || "no file" })] : null,
    kind.via ? ["passed through", kind.via] : null,
    kind.for_whom ? ["on behalf of", kind.for_whom] : null,
    ["what for", kind.purpose ? fillIn(said.reasons["what for"], { purpose: kind.purpose, rule: kind.purpose_rule }) : said.reasons.unknown],
    kind.source ? ["read more in", kind.source] : null,
    isSyscall(at) && ev.cause[at] !== null ? ["made by", said.reasons["made by"]] : null,
    ["when", fillIn(said.reasons.when, { phase: kind.phase })],
    ev.args[at] !== null ? ["arguments", run.args[ev.args[at]]] : null,
    ["thread", String(ev.tid[at])],
    ["duration", ev.dur_ns[at] === null ? said.reasons.duration : ev.dur_ns[at] === 0 ? said.reasons.untimed : duration(ev.dur_ns[at])],
  ];
  return [el("dl", { class: "reasons" }, ...rows.filter(Boolean).flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, bdi(text))]))];
}

function stackList(at) {
  const stack = stackOf(at);
  const kind = kindOf(at);
  const deciding = kindOf(at).decided_by;
  if (!stack.length) return el("p", { class: "quiet" }, said.stack.none);
  const rows = stack.slice(0, 200).map((frame, number) => {
    const file = (frame.file || "").split("/").pop();
    const isDeciding = number === deciding;
    return el("li", { class: isDeciding ? "deciding" : null },
      el("code", {}, bdi(nameOf(frame))),
      el("span", { class: "quiet" }, " ", bdi(file ? `${file}:${frame.line === null ? "?" : frame.line}` : frame.module || "no file"),
        frame.inlined ? said.stack.inlined : ""),
      isDeciding ? el("b", {}, said.stack.decides) : null);
  });
  const cut = kind.cut ? el("p", { class: "note" }, bdi(fillIn(said.stack.cut, { why: kind.cut }))) : null;
  return el("div", { class: "stack" }, el("h3", {}, said.stack.title), el("ol", { start: "0", tabindex: "0", "aria-label": said.stack.title }, ...rows), cut);
}
