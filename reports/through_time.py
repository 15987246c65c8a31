"""Live bytes through the run, as a picture: a row for all and for each origin, time from left to
right. What a column shows was live at some moment of its time; nothing between two moments is made
up: what was live stays live until the next.
"""

from __future__ import annotations

from operator import itemgetter

from alloctrace import words
from reports import sentences

NAME, VALUE = 8, 22  # columns beside the picture
_FIRST = ("main", "load", "exit", "init")
_UNICODE, _ASCII = "▁▂▃▄▅▆▇█", "_.:-=+*#"


def picture(record, ink):
    """[(origin or "all", its picture, what was live at most)], [] where nothing was ever live, or
    the trace, of an older brkpoint, does not tell when.

    All rows have one scale, so that they can be compared: a full block is the peak. The last row
    is ("", the phases, ""). `record`: of summary.summarise.
    """
    peak, begin, end = record["peak"], *_span(record)
    if not peak["bytes"] or not record["timeline"]["t_ns"]:
        return []
    width = ink.width - 2 - NAME - VALUE
    signs = _UNICODE if ink.unicode else _ASCII
    rows = []
    for who, moments in _rows(record, end):
        columns = _columns(moments, begin, end, width)
        line = "".join(_sign(value, peak["bytes"], signs) for value in columns)
        most = max([value for _, value in moments])
        rows.append((who, line, sentences.short_size(most)))
    if peak["t_ns"] is not None:
        at = sentences.duration(max(0, peak["t_ns"] - begin))
        rows[0] = rows[0][:2] + ("%s after %s" % (rows[0][2], at),)
    return rows + [("", _phases(record, begin, end, width, ink), "")]


def _span(record):
    """(begin, end) in nanoseconds of the trace's clock."""
    times = [
        t for row in record["phases"] for t in (row["start_ns"], row["end_ns"]) if t is not None
    ]
    times += record["timeline"]["t_ns"]
    return min(times, default=0), max(times, default=0)


def _rows(record, end):
    """(who, [(t_ns, live bytes)]): "all" first, with the peak; the end is what was live then."""
    timeline, peak, last = record["timeline"], record["peak"], record["leaked"]
    held = dict.fromkeys(words.ORIGINS)
    for who in held:
        values = timeline["live_bytes"].get(who) or [0] * len(timeline["t_ns"])
        at_end = last["by_origin"].get(who, {"bytes": 0})["bytes"]
        moments = list(zip(timeline["t_ns"], values))
        if peak["t_ns"] is not None:
            moments.append((peak["t_ns"], peak["by_origin"].get(who, 0)))
        moments.append((end, at_end))
        held[who] = sorted(moments, key=itemgetter(0))  # of one time in one order for all of them
    together = [(row[0][0], sum(value for _, value in row)) for row in zip(*held.values())]
    yield "all", together
    yield from ((who, rows) for who, rows in held.items() if any(value for _, value in rows))


def _columns(moments, begin, end, width):
    """The highest that was live at some time of each column."""
    found, now, since = [0] * width, 0, begin
    for t_ns, value in [*moments, (end + 1, 0)]:
        last = _column(max(since, t_ns - 1), begin, end, width)
        for at in range(_column(since, begin, end, width), last + 1):
            found[at] = max(found[at], now)
        since, now = t_ns, value
    return found


def _column(t_ns, begin, end, width):
    return min(width - 1, max(0, (t_ns - begin) * width // max(1, end - begin)))


def _sign(value, peak, signs):
    """Nothing at all is a blank; the least is one step."""
    if value <= 0:
        return " "
    return signs[min(len(signs) - 1, (value * len(signs) - 1) // peak)]


def _phases(record, begin, end, width, ink):
    """Where each phase begins, as far as there is room for its name: main's first."""
    line = [" "] * width
    for row in sorted(record["phases"], key=lambda row: _FIRST.index(row["phase"])):
        if not row["reached"] or row["start_ns"] is None:
            continue
        name = ink.signs.bar.strip() + row["phase"]
        at = _column(row["start_ns"], begin, end, width)
        around = line[max(0, at - 1) : at + len(name) + 1]
        if at + len(name) <= width and not "".join(around).strip():
            line[at : at + len(name)] = name
    return "".join(line).rstrip()
