// Why do you say so? The rule, its evidence and where to read it up; and the stack.

function reasons(at) {
  const kind = kindOf(at);
  const how = {
    frame: "a named frame of the stack",
    address: "the address of a frame: its file, and the known addresses of entry point and main",
    phase: "the phase of the run alone",
  }[kind.confidence];
  const number = kindOf(at).decided_by;
  const frame = number === null ? null : stackOf(at)[number];
  const rows = [
    ["who", `${whoOf(kind)}, by the rule “${kind.rule || "none"}”${how ? `; the evidence is ${how}` : ""}`],
    frame ? ["decided by", `frame ${number}, ${nameOf(frame)} of ${frame.module || "no file"}`] : null,
    kind.via ? ["passed through", kind.via] : null,
    kind.for_whom ? ["on behalf of", kind.for_whom] : null,
    ["what for", kind.purpose
      ? `“${kind.purpose}”, by the rule “${kind.purpose_rule}”`
      : "no rule explains it, and a guess is not shown as a fact"],
    kind.source ? ["read it up in", kind.source] : null,
    isSyscall(at) && ev.cause[at] !== null
      ? ["made by", "the call was open on the same thread when the syscall was made: containment, not closeness in time"] : null,
    ["when", `${kind.phase}: the phase in force when the event began`],
    ev.args[at] !== null ? ["arguments", run.args[ev.args[at]]] : null,
    ["thread", String(ev.tid[at])],
    ["duration", ev.dur_ns[at] === null ? "its return was never seen" : duration(ev.dur_ns[at])],
  ];
  return [el("dl", { class: "reasons" }, ...rows.filter(Boolean).flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, bdi(text))]))];
}

function stackList(at) {
  const stack = stackOf(at);
  const kind = kindOf(at);
  const deciding = kindOf(at).decided_by;
  if (!stack.length) return el("p", { class: "quiet" }, "No stack was recorded.");
  const rows = stack.slice(0, 200).map((frame, number) => {
    const file = (frame.file || "").split("/").pop();
    const isDeciding = number === deciding;
    return el("li", { class: isDeciding ? "deciding" : null },
      el("code", {}, bdi(nameOf(frame))),
      el("span", { class: "quiet" }, " ", bdi(file ? `${file}:${frame.line === null ? "?" : frame.line}` : frame.module || "no file"),
        frame.inlined ? " (inlined)" : ""),
      isDeciding ? el("b", {}, " ← decides") : null);
  });
  const cut = kind.cut ? el("p", { class: "note" }, "The stack ends before its outermost frame: ", bdi(kind.cut), ".") : null;
  return el("div", { class: "stack" }, el("h3", {}, "The stack, innermost first"), el("ol", { start: "0" }, ...rows), cut);
}
