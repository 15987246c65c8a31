"""One event as a card, in words: what `brkpoint step` shows. The page's card says the same."""

from __future__ import annotations

from typing import NamedTuple

from alloctrace import measure
from alloctrace.escape import visible
from alloctrace.history import run_facts
from alloctrace.summary import sites
from reports import event_lines, quantities, ranked, site_table
from reports.card_words import WORDS, deed, fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from alloctrace.event_cursor import Cursor
    from alloctrace.model import Event, Frame
    from alloctrace.trace.read import Trace

MOST_SYSCALLS, MOST_FRAMES, LONGEST = 12, 200, 400


class Card(NamedTuple):
    where: str
    code: str
    origin: str
    sentence: str
    effect: str
    reached: bool
    live: str
    reasons: list[tuple[str, str]]  # (term, text)
    stack: list[tuple[str, bool]]  # (text, whether it decided)
    note: str  # of the stack; "" for none


def of(cursor: Cursor, seq: int, between: str = "it is not known") -> Card:
    """`between`: what is to be said of live bytes between two moments at which they are known."""
    event = cursor.event(seq)
    effect, reached = _effect(cursor, event)
    stack = cursor.trace.stack(event.stack) if event.stack > 0 else ()
    return Card(
        fill(
            WORDS["where"],
            number="%s of %s" % (quantities.grouped(seq), quantities.grouped(cursor.count)),
            phase=event.phase,
            time=quantities.duration(event.t_ns),
            begin=WORDS["begin"][_begin(cursor.trace.run)],
        ),
        event_lines.asked(event) + event_lines.answered(event),
        measure.origin(event),
        _sentence(cursor, event),
        effect,
        reached,
        _live(cursor, seq, between),
        list(_reasons(event, stack)),
        list(_frames(event, stack)),
        _note(cursor.trace, event, stack),
    )


def _begin(run: dict[str, Any]) -> str:
    return "attached" if run_facts.is_attached(run) else "start"


def _fit(text: str) -> str:
    text = str(text)
    return visible(text if len(text) <= LONGEST else text[:LONGEST] + "…")


def _sentence(cursor: Cursor, event: Event) -> str:
    verdict, purpose = event.verdict, measure.purpose(event)
    origin = measure.origin(event)
    key = "via" if origin == "user" and not (verdict and verdict.direct) else origin
    owner = _fit(verdict.owner or "unknown") if verdict else "unknown"
    via = _fit(", ".join(verdict.via)) if verdict and verdict.via else "a library"
    size = quantities.exact_size(abs(measure.bytes_asked(event)))
    block = "" if event.block is None else " (block #%d)" % event.block
    what = WORDS["for nothing known"]
    if purpose:
        ends = purpose.endswith((".", "?", "!"))
        what = fill(WORDS["for"], purpose=_fit(purpose)) + ("" if ends else ".")
    return fill(
        WORDS["sentence"],
        who=fill(WORDS["who"][key], owner=owner, via=via),
        deed=deed(event, size, block),
        what=what,
        place=_place(cursor, event),
    )


def _place(cursor: Cursor, event: Event) -> str:
    """Where in the code: of the call around it."""
    call = cursor.outermost(event)
    frame = cursor.trace.tree.deciding_frame(call.stack, call.verdict)
    key = sites.place(frame, measure.origin(call))
    row = dict(sites.told(key), distance=sites.distance(frame, key))
    return site_table.in_full({name: _cut(value) for name, value in row.items()})


def _cut(value: int | str | None) -> int | str | None:
    return value[:LONGEST] if isinstance(value, str) else value


def _effect(cursor: Cursor, event: Event) -> tuple[str, bool]:
    """(what it did in the kernel, whether it reached it)."""
    effects = WORDS["effects"]
    if event.kind == "syscall":
        if event.cause is None:
            return effects["by none"], True
        return effects["made during"] + _named(cursor.event(event.cause)) + ".", True
    if event.outer is not None:
        outer = _named(cursor.event(event.outer))
        return effects["nested"] + outer + effects["not again"], False
    made = cursor.syscalls_of(event)
    if made is None:
        return "Whether it reached the kernel is not known from what follows here.", False
    if not made:
        return effects["never"], False
    names = [_named(one) for one in made[:MOST_SYSCALLS]]
    if len(made) > MOST_SYSCALLS:
        names.append("%d more" % (len(made) - MOST_SYSCALLS))
    return effects["reached"] + ", ".join(names) + ".", True


def _named(event: Event) -> str:
    return "%s (%s)" % (event_lines.asked(event), _event(event.seq))


def _live(cursor: Cursor, seq: int, between: str) -> str:
    known = cursor.live_around(seq)
    told = [
        "%s before %s" % (quantities.exact_size(live), "it" if moment == seq else _event(moment))
        for moment, live in known
    ]
    more = ""
    if told and known[0][0] != seq:
        more = "; %s %s" % ("between them" if len(told) > 1 else "here", between)
    return "Live: %s%s." % (", ".join(told), more) if told else ""


def _event(seq: int) -> str:
    return "event %s" % quantities.grouped(seq)


def _reasons(event: Event, stack: tuple[Frame, ...]) -> Iterator[tuple[str, str]]:
    words, verdict, purpose = WORDS["reasons"], event.verdict, event.purpose
    evidence = WORDS["evidence"].get(verdict.confidence if verdict else "")
    rule = _fit(verdict.rule if verdict else "")
    yield "who", fill(
        words["who" if rule else "who by no rule"],
        who=_fit(event_lines.who(event)),
        rule=rule,
        evidence="; the evidence is " + evidence if evidence else "",
    )
    at = verdict.decided_by if verdict else None
    if at is not None and 0 <= at < len(stack):
        frame = stack[at]
        module = _fit(frame.module) or "no file"
        name = ranked.function(frame)
        yield "decided by", fill(words["decided by"], number=at, function=name, module=module)
    if verdict and verdict.via:
        yield "passed through", _fit(", ".join(verdict.via))
    if verdict and verdict.for_whom:
        yield "on behalf of", _fit(verdict.for_whom)
    if purpose and purpose.text:
        rule = _fit(purpose.rule)
        yield "what for", fill(words["what for"], purpose=_fit(purpose.text), rule=rule)
        if purpose.source:
            yield "read it up in", _fit(purpose.source)
    else:
        yield "what for", words["unknown"]
    if event.kind == "syscall" and event.cause is not None:
        yield "made by", words["made by"]
    yield "when", fill(words["when"], phase=event.phase)
    if event.args:
        yield "arguments", _fit(", ".join("%s %s" % item for item in event.args.items()))
    yield "thread", "%d of process %d" % (event.tid, event.pid)
    took = event.dur_ns
    untimed = words["duration"] if took is None else words["untimed"]
    yield "duration", quantities.duration(took) if took else untimed


def _frames(event: Event, stack: tuple[Frame, ...]) -> Iterator[tuple[str, bool]]:
    deciding = event.verdict.decided_by if event.verdict else None
    for number, frame in enumerate(stack[:MOST_FRAMES]):
        file = _fit(frame.file or "").rsplit("/", 1)[-1]
        line = "?" if frame.line is None else frame.line
        place = "%s:%s" % (file, line) if file else _fit(frame.module) or "no file"
        name = _fit(frame.function) if frame.function else hex(frame.offset)
        more = WORDS["stack"]["inlined"] if frame.inlined else ""
        decides = number == deciding
        ending = WORDS["stack"]["decides"] if decides else ""
        yield "%3d  %s  %s%s%s" % (number, name, place, more, ending), decides
    if len(stack) > MOST_FRAMES:
        yield "     %d more" % (len(stack) - MOST_FRAMES), False


def _note(trace: Trace, event: Event, stack: tuple[Frame, ...]) -> str:
    if not stack:
        return str(WORDS["stack"]["none"])
    cut = trace.cut(event.stack)
    return fill(WORDS["stack"]["cut"], why=_fit(cut)) if cut else ""
