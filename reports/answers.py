"""Answers of the `alloc` commands inside gdb, as lines of text: where, why, phases."""

from __future__ import annotations

from alloctrace import measure
from alloctrace.escape import visible
from reports import event_lines, sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from alloctrace.model import Border, Event, Frame, Purpose, Verdict
    from alloctrace.whereabouts import Found

_MEANS = {"load": "the loader brings in the libraries", "init": "initialisers, up to main"}
_MEANS.update(main="the program's own", exit="after main")


def where(address: int, found: Found, stack: tuple[Frame, ...], frames: int) -> Iterator[str]:
    """For a whereabouts.Found: its block, the call that allocated it, and that call's stack."""
    event = found.event
    size = sentences.exact_size(measure.bytes_asked(event))
    place = "is the beginning of" if not found.offset else "lies %d bytes inside" % found.offset
    state = "live" if found.ended_by is None else "given back by %s" % event_name(found.ended_by)
    yield "%#x %s block %s: %s, %s." % (address, place, event.block, size, state)
    yield "allocated by %s" % event_name(event)
    yield from meaning(event)
    yield from stack_lines(stack, frames)


def why(event: Event, events: list[Event], stack: tuple[Frame, ...], frames: int) -> Iterator[str]:
    """Phase, origin, purpose and cause of one event. `events`: all, by number."""
    going_on = ", going on" if event.dur_ns is None else ""
    yield "%s%s" % (event_name(event), going_on)
    yield from meaning(event)
    yield from _cause(event, events)
    yield from stack_lines(stack, frames)


def event_name(event: Event) -> str:
    """`event 7: malloc(472) = 0x5000, thread 12`."""
    what = event_lines.asked(event) + (event_lines.answered(event) if event.dur_ns else "")
    return "event %d: %s, thread %d" % (event.seq, what, event.tid)


def meaning(event: Event) -> Iterator[str]:
    yield "  phase    %s" % event.phase
    yield "  origin   %s" % _origin(event.verdict)
    yield "  for      %s" % _purpose(event.purpose)


def _origin(verdict: Verdict | None) -> str:
    if verdict is None:
        return "unknown"
    owner = " (%s)" % visible(verdict.owner) if verdict.owner else ""
    proof = ", by %s" % verdict.confidence if verdict.confidence else ""
    rule = " [%s%s]" % (visible(verdict.rule), proof) if verdict.rule else ""
    via = ", via %s" % visible(", ".join(verdict.via)) if verdict.via else ""
    direct = ", directly" if verdict.direct else via
    return verdict.origin + owner + direct + rule


def _purpose(purpose: Purpose | None) -> str:
    if purpose is None or not purpose.text:
        return "unknown"
    source = " [%s]" % visible(purpose.source) if purpose.source else ""
    return visible(purpose.text) + source


def _cause(event: Event, events: list[Event]) -> Iterator[str]:
    if event.kind == "syscall" and event.cause is not None:
        yield "  made by  %s" % event_name(events[event.cause])
    elif event.kind == "syscall":
        yield "  made by  no recorded call: the code that asked made the system call itself"
    elif event.outer is not None:
        yield "  inside   %s" % event_name(events[event.outer])
    for other in events[event.seq + 1 :]:
        if event.seq == other.cause:
            yield "  made     %s" % event_name(other)


def stack_lines(stack: tuple[Frame, ...], limit: int) -> Iterator[str]:
    """At most `limit` frames as gdb numbers them, without those that share a pc."""
    for index, frame in enumerate(stack[:limit]):
        name = frame.function or "%#x" % frame.pc
        place = "%s:%s" % (frame.file.rsplit("/", 1)[-1], frame.line) if frame.file else ""
        inlined = " (inlined)" if frame.inlined else ""
        where_ = visible(place or frame.module)
        yield ("  #%-2d %s%s  %s" % (index, visible(name), inlined, where_)).rstrip()
    if len(stack) > limit:
        yield "  (%d more frames: set alloc frames)" % (len(stack) - limit)


def phases(borders: list[Border], events: list[Event], now_phase: str) -> Iterator[str]:
    """One line a phase that was reached; `now_phase` is marked."""
    for border in borders:
        inside = [event for event in events if event.phase == border.phase]
        calls = sentences.count(sum(map(measure.is_call, inside)), "call")
        syscalls = sentences.count(sum(map(measure.is_syscall, inside)), "memory syscall")
        mark = "*" if border.phase == now_phase else " "
        text = "%s %-4s  %s; %s" % (mark, border.phase, calls, syscalls)
        yield "%s; %s (%s)" % (text, _MEANS[border.phase], visible(border.how))
