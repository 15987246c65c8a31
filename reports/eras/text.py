"""The report of eras as text."""

from __future__ import annotations

from alloctrace.escape import visible
from reports import sections, tables as lines_of
from reports.ink import Ink

from . import tables, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .tables import Table


def render(comparison: dict[str, Any], ink: Ink | None = None) -> str:
    """The text; `comparison`: of eras/comparison.py."""
    ink = ink or Ink()
    found = [ink.bold(line) for line in ink.wrap(words.verdict(comparison), ink.width)] + [""]
    for table in (tables.eras(comparison), *tables.overview(comparison)):
        found += _table(table, ink)
    for row in comparison["targets"]:
        found += _target(row, ink)
    for table in (
        *tables.rust(comparison),
        *tables.allocators(comparison),
        tables.without(comparison),
    ):
        found += _table(table, ink)
    found.append("made %s" % comparison["made"])
    return "\n".join(ink.said(line) for line in found) + "\n"


def _target(row: dict[str, Any], ink: Ink) -> list[str]:
    if not any("figures" in cell for cell in row["cells"]):
        return []
    found = _table(tables.target(row), ink) + _table(tables.purposes(row), ink)
    for change in row["changes"]:
        said = words.sentences(change) or ["nothing changed."]
        found.append("  " + ink.bold(words.title(change)))
        for sentence in said:
            found += ink.wrap("    " + visible(sentence), ink.width - 2, "      ")
        found.append("")
    return found


def _table(table: Table, ink: Ink) -> list[str]:
    """Its lines and an empty one; [] where it has no rows."""
    title, lead, head, align, rows = table
    if not rows:
        return []
    shown = [[visible(cell) for cell in row] for row in rows]
    found = list(sections.title(title, lead, ink))
    return found + list(lines_of.lines(head, shown, ink, align)) + [""]
