"""Two traces of the same program, by two engines: are they the same, event by event?

Threads are matched in the order in which they first did something. Times, and on a system with
address randomisation addresses, differ by nature and are not compared; addresses are compared when
both runs had them fixed. An event that only one of them has is named, and the comparison goes on
behind it.
"""

from __future__ import annotations

from collections import defaultdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from alloctrace.model import Event
    from alloctrace.trace.read import Trace

_PLAIN = ("kind", "name", "impl", "size", "nmemb", "align", "errno", "phase", "args")
_ADDRESSES = ("ptr", "result")
_VERDICT = ("origin", "owner", "via", "direct", "decided_by", "rule", "confidence", "for_whom")
NOT_SEEN = "programs not seen"  # a sentence that is no difference, but what cannot be compared
_REACH = 64  # events that one side may lack before the two are called different for good
_PROOF = 3  # events in a row that must agree where the two meet again


def by_thread(events: list[Event]) -> list[list[Event]]:
    """[[Event]] of each thread, threads in the order of their first event."""
    threads = defaultdict(list)
    for event in events:
        threads[event.tid].append(event)
    return list(threads.values())


def first_process(trace: Trace) -> list[Event]:
    """Its events: the breakpoint engine sees no others."""
    pid = trace.run.get("pid")
    return [event for event in trace.events() if pid is None or event.pid == pid]


def differences(one: Trace, other: Trace, addresses: bool = False, limit: int = 10) -> list[str]:
    """Sentences about what differs between two open traces; empty: nothing does."""
    found = _whole_differences(one, other)
    threads = by_thread(first_process(one)), by_thread(first_process(other))
    if len(threads[0]) != len(threads[1]):
        found.append("threads: %d, %d" % tuple(map(len, threads)))
    compare = _Comparison(one, other, addresses)
    for number, (left, right) in enumerate(zip(*threads)):
        if len(left) != len(right):
            found.append("thread %d: %d events, %d events" % (number, len(left), len(right)))
        for text in compare.thread(left, right):
            found.append("thread %d, %s" % (number, text))
            if len(found) >= limit:
                return found[:limit]
    return found[:limit]


def _whole_differences(one: Trace, other: Trace) -> list[str]:
    """The borders of the phases and what was lost: of the run, not of an event."""
    found = []
    borders = [_borders(trace) for trace in (one, other)]
    lost = [trace.run.get("events_lost", 0) for trace in (one, other)]
    if borders[0] != borders[1]:
        found.append("phases: %r, %r" % tuple(borders))
    unseen = [trace.run.get("programs_not_seen", 0) for trace in (one, other)]
    if any(unseen):
        found.append(NOT_SEEN + ": %r, %r" % tuple(unseen))
    if any(lost):
        found.append("events lost: %r, %r" % tuple(lost))
    return found


def _images(trace: Trace) -> dict[int, int]:
    """{image of the first process: its rank among them}; children have their own in between."""
    numbers = sorted({event.image for event in first_process(trace)})
    return {number: rank for rank, number in enumerate(numbers)}


def _borders(trace: Trace) -> list[tuple[str, str, int]]:
    images = _images(trace)
    return [(b.phase, b.how, images[b.image]) for b in trace.borders if b.image in images]


class _Comparison:
    """Of two traces, thread by thread. Numbers of events and blocks are those of each run: they
    agree when each stands for one of the other's, always the same."""

    def __init__(self, one: Trace, other: Trace, addresses: bool) -> None:
        self.traces = one, other
        self.addresses = addresses
        self.partner: dict[int | None, int] = {}  # seq in `one` -> seq in `other`
        # Number in the one -> number in the other, and back.
        self.blocks: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.stacks: dict[tuple[int, int], list[tuple[str, object, object]]] = {}
        self.images = _images(one), _images(other)

    def thread(self, left: list[Event], right: list[Event]) -> Iterator[str]:
        """Yield sentences, in the order of the events."""
        steps = list(_aligned(left, right))
        self.partner.update((a.seq, b.seq) for _, a, b in steps if a and b)
        for index, a, b in steps:
            if a is None or b is None:
                side = "second" if a is None else "first"
                event = a or b
                assert event is not None
                yield "event %d: only in the %s: %s" % (index, side, _told(event))
                continue
            for key, x, y in self._event(a, b):
                yield "event %d (%s): %s: %r, %r" % (index, _told(a), key, x, y)

    def _event(self, a: Event, b: Event) -> Iterator[tuple[str, object, object]]:
        """Yield (what, its value in the one, its value in the other) of all that differs."""
        x, y = facts(a, self.addresses), facts(b, self.addresses)
        yield from ((key, x[key], y[key]) for key in x if x[key] != y[key])
        ranks = [images[event.image] for images, event in zip(self.images, (a, b))]
        if ranks[0] != ranks[1]:
            yield "image", ranks[0], ranks[1]
        for key in ("cause", "outer"):
            before, after = getattr(a, key), getattr(b, key)
            if self.partner.get(before) != after:
                yield key, before, after
        if not self._same_block(a.block, b.block):
            yield "block", a.block, b.block
        yield from self._stack(a.stack, b.stack)

    def _same_block(self, a: int | None, b: int | None) -> bool:
        if a is None or b is None:
            return a is b
        there, back = self.blocks
        return there.setdefault(a, b) == b and back.setdefault(b, a) == a

    def _stack(self, a: int, b: int) -> list[tuple[str, object, object]]:
        if (a, b) not in self.stacks:
            self.stacks[a, b] = list(self._stack_differences(a, b))
        return self.stacks[a, b]

    def _stack_differences(self, *ids: int) -> Iterator[tuple[str, object, object]]:
        pair = [_stack_facts(trace, id_) for trace, id_ in zip(self.traces, ids)]
        for key in pair[0]:
            if pair[0][key] != pair[1][key]:
                yield key, pair[0][key], pair[1][key]


def _stack_facts(trace: Trace, id_: int) -> dict[str, object]:
    frames = [(frame.module, frame.offset) for frame in trace.stack(id_)]
    return {"stack": frames, "cut": trace.cut(id_)}


def facts(event: Event, addresses: bool) -> dict[str, Any]:
    """{what: value} of all that must be equal in an event by itself."""
    names = _PLAIN + _ADDRESSES if addresses else _PLAIN
    found = {name: getattr(event, name) for name in names}
    for name in _VERDICT:
        found[name] = getattr(event.verdict, name, None)
    found["purpose"] = getattr(event.purpose, "text", None)
    found["returned"] = event.dur_ns is not None
    return found


# ---- which event of the one is which of the other -----------------------------------------------


def _aligned(
    left: list[Event], right: list[Event]
) -> Iterator[tuple[int, Event | None, Event | None]]:
    """Yield (index, Event or None, Event or None): pairs, and what only one side has."""
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right) and _key(left[i]) == _key(right[j]):
            skip = 0, 0
        else:
            skip = _meeting(left, right, i, j)
        both = min(skip)  # different, but in the same place
        yield from ((i + n, left[i + n], right[j + n]) for n in range(both))
        yield from ((i + n, left[i + n], None) for n in range(both, skip[0]))
        yield from ((j + n, None, right[j + n]) for n in range(both, skip[1]))
        i, j = i + skip[0], j + skip[1]
        if i < len(left) and j < len(right):
            yield i, left[i], right[j]
            i, j = i + 1, j + 1


def _key(event: Event) -> tuple[str, str, int | None, int | None]:
    return event.kind, event.name, event.size, event.nmemb


def _meeting(left: list[Event], right: list[Event], i: int, j: int) -> tuple[int, int]:
    """How many events of each side to pass over until both go on alike."""
    for total in range(_REACH):
        for skip in range(total + 1):
            here, there = i + skip, j + total - skip
            if _agree(left[here : here + _PROOF], right[there : there + _PROOF]):
                return skip, total - skip
    if i < len(left) and j < len(right):
        return 0, 0  # nowhere near: shown as a pair that differs
    return len(left) - i, len(right) - j


def _agree(left: list[Event], right: list[Event]) -> bool:
    return bool(left) and list(map(_key, left)) == list(map(_key, right))


def _told(event: Event) -> str:
    return event.name if event.size is None else "%s %d" % (event.name, event.size)
