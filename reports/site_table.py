"""The table of places where memory was asked for: most bytes first, each with what became of it."""

from __future__ import annotations

from collections import Counter

from alloctrace.escape import visible
from reports import sentences, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from reports.ink import Ink

_SUMS = ["times", "bytes", "live", "temporary", "at peak"]


def heading(rows: Sequence[object], summary: dict[str, Any]) -> str:
    """Which of all places these are; "" where they are all."""
    if summary["site_count"] <= len(rows):
        return ""
    return "the %d of %s with most bytes" % (len(rows), sentences.grouped(summary["site_count"]))


def lines(rows: list[dict[str, Any]], ink: Ink) -> Iterator[str]:
    """The table; where a column of purposes has no room, what is known of them has own lines."""
    head = ["where", "who", "for", *_SUMS]
    names = Counter((row["function"], row["origin"]) for row in rows)
    shown = [[place(row, names), row["origin"], _purpose(row), *sums(row, ink)] for row in rows]
    if tables.has_room(head, shown, ink):
        yield from tables.lines(head, shown, ink, "lllrrrrr")
        return
    del head[2]
    shown = [[*cells[:2], *cells[3:]] for cells in shown]
    titles, *found = tables.lines(head, shown, ink, "llrrrrr")
    yield titles
    for row, line in zip(rows, found):
        yield line
        if row["purpose"] is not None and not row["purpose"].endswith("'s own"):
            yield ink.dim("    for " + ink.fit(_purpose(row), ink.width - 8))


def _purpose(row: dict[str, Any]) -> str:
    return visible(sentences.site_purpose(row))


def sums(row: dict[str, Any], ink: Ink) -> list[str]:
    """Texts under times, bytes, live, temporary and at peak."""
    dot, peak = ink.signs.dot, row["peak_bytes"]
    return [
        sentences.grouped(row["count"]),
        sentences.short_size(row["bytes"]),
        sentences.short_size(row["live_bytes"]) if row["live_blocks"] else dot,
        temporary(row) or dot,
        "?" if peak is None else sentences.short_size(peak) if peak else dot,
    ]


def temporary(row: dict[str, Any]) -> str:
    """Which share of its blocks was freed at once: `98 %`; "" for none."""
    blocks = row["temporary_blocks"]
    return sentences.percent(min(1, blocks / row["count"])) if blocks and row["count"] else ""


def place(
    row: dict[str, Any],
    names: Counter[tuple[str | None, str]] | None = None,
    brief: bool = True,
) -> tuple[str, str]:
    """(function, place): `push`, `vec.rs:5`; where no line is known the offset; without a name the
    module and offset alone. Of the loader and the runtimes the function says enough, unless `names`
    counts it more than once, or not `brief`."""
    if not row["function"]:
        return "", visible("%s+%s" % (row["module"] or "?", row["offset"] or "?"))
    alone = brief and (not names or names[row["function"], row["origin"]] == 1)
    if row["origin"] in ("user", "unknown") or not alone:
        if row["file"] and row["line"]:
            file = row["file"].rsplit("/", 1)[-1]
            return visible(row["function"]), visible("%s:%d" % (file, row["line"]))
        if row["offset"]:
            return visible(row["function"]), _offset(row)
    return visible(row["function"]), ""


def _offset(row: dict[str, Any]) -> str:
    """`+0x1f` from the function's begin; else from the file's: `a.out+0x1159`."""
    if row["distance"] is not None:
        return "+%#x" % row["distance"] if row["distance"] else ""
    return visible("%s+%s" % (row["module"] or "?", row["offset"]))


def in_full(row: dict[str, Any]) -> str:
    """The place as one text: `main+0x1f`, `main alloc.c:5`."""
    return tables.whole(place(row))
