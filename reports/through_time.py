"""Live bytes through the run, as a picture: a row for all and for each origin, time from left to
right. A trace knows what was live at some moments, each before an event. Between two that differ it
is known only where no other event lies between them; elsewhere a column says that it is not.
Between two that are alike it shows what both do.
"""

from __future__ import annotations

import math

from alloctrace import words
from reports import sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from reports.ink import Ink

    Moment = tuple[int, float, int]  # t_ns, seq, live bytes

NAME, VALUE = 8, 26  # columns beside the picture
_FIRST = ("main", "load", "exit", "init")
_UNICODE, _ASCII = "▁▂▃▄▅▆▇█", "_.:-=+*#"


def picture(summary: dict[str, Any], ink: Ink) -> list[tuple[str, str, str]]:
    """[(origin or "all", its picture, what was live at most)], [] where nothing was ever live, or
    the trace, of an older brkpoint, does not tell when.

    All rows have one scale, so that they can be compared: a full block is the peak. The last row
    is ("", the phases, ""). `summary`: of summary.summarise.
    """
    peak, begin, end = summary["peak"], *_span(summary)
    if not peak["bytes"] or not summary["timeline"]["t_ns"]:
        return []
    width = ink.width - 2 - NAME - VALUE
    signs = _UNICODE if ink.unicode else _ASCII
    rows = []
    for who, moments in _rows(summary, begin, end):
        columns = _columns(moments, begin, end, width, peak["bytes"], signs)
        line = "".join(unknown(ink) if value is None else value for value in columns)
        most = max([value for _, _, value in moments])
        rows.append((who, line, sentences.short_size(most)))
    if peak["t_ns"] is not None:
        at = sentences.duration(max(0, peak["t_ns"] - begin))
        rows[0] = rows[0][:2] + ("%s after %s" % (rows[0][2], at),)
    return rows + [("", _phases(summary, begin, end, width, ink), "")]


def unknown(ink: Ink) -> str:
    """The sign of a column of which it is not known what was live."""
    return ink.signs.dot if ink.unicode else "?"


def has_unknown(rows: list[tuple[str, str, str]], ink: Ink) -> bool:
    """Whether a picture has such a column."""
    return any(unknown(ink) in line for _, line, _ in rows[:-1])


def _span(summary: dict[str, Any]) -> tuple[int, int]:
    """(begin, end) in nanoseconds of the trace's clock."""
    times = [
        t for row in summary["phases"] for t in (row["start_ns"], row["end_ns"]) if t is not None
    ]
    times += summary["timeline"]["t_ns"]
    return min(times, default=0), max(times, default=0)


def _rows(summary: dict[str, Any], begin: int, end: int) -> Iterator[tuple[str, list[Moment]]]:
    """(who, [(t_ns, seq, live bytes)]): "all" first; nothing at the begin, the peak, the end."""
    timeline, peak, last = summary["timeline"], summary["peak"], summary["leaked"]
    held: dict[str, list[Moment]] = {}
    for who in words.ORIGINS:
        values = timeline["live_bytes"].get(who) or [0] * len(timeline["t_ns"])
        at_end = last["by_origin"].get(who, {"bytes": 0})["bytes"]
        moments: list[Moment] = [(begin, 0, 0), *zip(timeline["t_ns"], timeline["seq"], values)]
        moments.append((end, math.inf, at_end))
        if peak["t_ns"] is not None:
            # right behind its event, and so before the next one's moment
            moments.append((peak["t_ns"], (peak["seq"] or 0) + 0.5, peak["by_origin"].get(who, 0)))
        held[who] = sorted(moments, key=lambda moment: moment[:2])
    rows = zip(*held.values())
    yield "all", [(row[0][0], row[0][1], sum(value for _, _, value in row)) for row in rows]
    for who, moments in held.items():
        if any(value for _, _, value in moments):
            yield who, moments


def _columns(
    moments: list[Moment], begin: int, end: int, width: int, peak: int, signs: str
) -> list[str | None]:
    """The sign of the most that was live at some time of each column; None: it is not known."""
    found: list[int | None] = [None] * width
    columns = [_column(t_ns, begin, end, width) for t_ns, _, _ in moments]
    shown = [_sign(value, peak, signs) for _, _, value in moments]

    def show(since: int, until: int, value: int) -> None:
        for at in range(since, until + 1):
            known = found[at]
            found[at] = value if known is None else max(known, value)

    for at, (_, _, value) in zip(columns, moments):
        show(at, at, value)
    pairs = zip(moments, moments[1:], columns, columns[1:], shown, shown[1:])
    for (_, seq, _), (_, next_seq, other), since, until, one_sign, other_sign in pairs:
        if one_sign == other_sign or next_seq - seq <= 1:  # the event at `since` made it so
            show(since, until, other)
    return [None if value is None else _sign(value, peak, signs) for value in found]


def _column(t_ns: int, begin: int, end: int, width: int) -> int:
    return min(width - 1, max(0, (t_ns - begin) * width // max(1, end - begin)))


def _sign(value: int, peak: int, signs: str) -> str:
    """Nothing at all is a blank; the least is one step."""
    if value <= 0:
        return " "
    return signs[min(len(signs) - 1, (value * len(signs) - 1) // peak)]


def _phases(summary: dict[str, Any], begin: int, end: int, width: int, ink: Ink) -> str:
    """Where each phase begins, as far as there is room for its name: main's first."""
    line = [" "] * width
    for row in sorted(summary["phases"], key=lambda row: _FIRST.index(row["phase"])):
        if not row["reached"] or row["start_ns"] is None:
            continue
        name = ink.signs.bar.strip() + row["phase"]
        at = _column(row["start_ns"], begin, end, width)
        around = line[max(0, at - 1) : at + len(name) + 1]
        if at + len(name) <= width and not "".join(around).strip():
            line[at : at + len(name)] = name
    return "".join(line).rstrip()
