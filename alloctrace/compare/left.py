"""What one run left behind between two of its moments: allocated in between, and still live then.

A moment is a phase (its first event), an event's number, a time since the first instruction
(`12ms`, `0.5s`), or `end`. It is written as a mark.
"""

from __future__ import annotations

import re

from alloctrace import measure, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from alloctrace.model import Event

_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "ms": 10**6, "s": 10**9}
_TIME = re.compile(r"(\d+(?:\.\d+)?)(%s)" % "|".join(_UNITS))
END = "end"


class WrongMark(ValueError):
    """A mark that is none. One line, for people, not escaped."""


def moment(mark: str) -> Callable[..., Any]:
    """A function of an event: whether it lies at or behind the moment `mark`."""
    if mark == END:
        return lambda event: False
    phases, number = phases_from(mark), number_of(mark)
    if phases:
        return lambda event: event.phase in phases
    if number is not None:
        return lambda event: event.seq >= number
    t_ns = time_of(mark)
    return lambda event: event.t_ns >= t_ns


def phases_from(mark: str) -> tuple[str, ...]:
    """The phase that the mark names and those behind it; (): it names none."""
    return words.PHASES[words.PHASES.index(mark) :] if mark in words.PHASES else ()


def number_of(mark: str) -> int | None:
    """The event's that the mark names; None: it is something else."""
    return int(mark) if mark.isascii() and mark.isdigit() else None


def time_of(mark: str) -> float:
    """Nanoseconds since the first instruction. Raises WrongMark: it is none of all."""
    found = _TIME.fullmatch(mark)
    if not found:
        text = "%s is no moment: a phase (%s), an event's number, a time (12ms) or end"
        raise WrongMark(text % (mark, ", ".join(words.PHASES)))
    return float(found[1]) * _UNITS[found[2]]


def between(
    events: Iterable[Event], begin: str, end: str, deciding: Callable[..., Any]
) -> dict[str, Any]:
    """What was allocated from the mark `begin` on, and is live at the mark `end`.

    `events`: in their order, with blocks; `deciding(event)`: the frame that decided, or None.
    """
    has_begun, is_over = moment(begin), moment(end)
    live: dict[int, dict[int, tuple[Event, int]]] = {}
    images: dict[int, int] = {}
    begun = False
    for event in events:
        if is_over(event):
            break
        begun = begun or has_begun(event)
        _follow(live, images, event, begun)
    held = {event.seq: (event, size) for of in live.values() for event, size in of.values()}
    rows = _by_place((held[seq] for seq in sorted(held)), deciding)
    return {
        "kind": "left",
        "schema": 1,
        "from": begin,
        "to": end,
        "blocks": sum(row["blocks"] for row in rows),
        "bytes": sum(row["bytes"] for row in rows),
        "rows": rows,
    }


def _follow(
    live: dict[int, dict[int, tuple[Event, int]]], images: dict[int, int], event: Event, begun: bool
) -> None:
    """`live`: {pid: {block: (event that allocated it, its bytes now)}}; `images`: {pid: image}.

    An exec ends all memory of its process."""
    if images.setdefault(event.pid, event.image) != event.image:
        images[event.pid] = event.image
        live.pop(event.pid, None)
    if event.kind != "call" or event.block is None:
        return
    its, block = live.setdefault(event.pid, {}), event.block
    if measure.frees(event):
        its.pop(block, None)
    elif measure.hands_out(event):
        if block in its:
            its[block] = its[block][0], measure.bytes_asked(event)
        elif begun and not (event.name in measure.MOVES and event.ptr):
            its[block] = event, measure.bytes_asked(event)


def _by_place(blocks: Iterable[Any], deciding: Callable[..., Any]) -> list[dict[str, Any]]:
    found: dict[tuple[int | str | None, ...], dict[str, Any]] = {}
    for event, size in blocks:
        frame = deciding(event)
        place = (frame.function, frame.file, frame.line, frame.module) if frame else (None,) * 4
        key = place + (measure.origin(event), measure.purpose(event), event.name)
        row = found.setdefault(key, {"blocks": 0, "bytes": 0, "events": []})
        row["blocks"] += 1
        row["bytes"] += size
        row["events"] += [event.seq] if len(row["events"]) < MOST_EVENTS else []
    names = ("function", "file", "line", "module", "origin", "purpose", "name")
    rows = [dict(zip(names, key), **row) for key, row in found.items()]
    return sorted(rows, key=lambda row: (-row["bytes"], -row["blocks"], str(row["function"])))


MOST_EVENTS = 5  # of a place, by number
