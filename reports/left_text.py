"""What was left behind between two moments of a run, for a terminal."""

from __future__ import annotations

from alloctrace.escape import visible
from reports import diff_tables, quantities, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from reports.ink import Ink

MOST = 20


def lines(left: dict[str, Any], ink: Ink) -> Iterator[str]:
    """`left`: of compare.left.between."""
    yield from map(ink.bold, ink.wrap(ink.said(sentence(left)), ink.width))
    rows = left["rows"][:MOST]
    if rows:
        head = ["who", "where", "for", "blocks", "bytes", "event"]
        yield ""
        told = [[ink.said(text) for text in _row(row)] for row in rows]
        yield from tables.lines(head, told, ink, "llLrrr")
    rest = left["rows"][MOST:]
    if rest:
        said = "%d others: %s, %s" % (len(rest), *_sums(rest))
        yield ink.dim("  " + said)


def sentence(left: dict[str, Any]) -> str:
    moments = "from %s to %s" % (left["from"], left["to"])
    if not left["blocks"]:
        return "Nothing that was allocated %s is live then." % moments
    number, size = _sums(left["rows"])
    verb = "is" if left["blocks"] == 1 else "are"
    return "%s, %s, allocated %s %s still live then." % (number, size, moments, verb)


def _sums(rows: list[dict[str, Any]]) -> tuple[str, str]:
    blocks, size = (sum(row[name] for row in rows) for name in ("blocks", "bytes"))
    return quantities.count(blocks, "block"), quantities.size(size)


def _row(row: dict[str, Any]) -> list[str]:
    size = quantities.short_size(row["bytes"])
    purpose = visible(row["purpose"] or "not known")
    where = diff_tables.where(row)
    return [row["origin"], where, purpose, str(row["blocks"]), size, str(row["events"][0])]
