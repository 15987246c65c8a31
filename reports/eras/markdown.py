"""The report of eras as a page of Markdown."""

from __future__ import annotations

from reports import markdown_text

from . import tables, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .tables import Table


def render(comparison: dict[str, Any]) -> str:
    """The page as text; `comparison`: of eras/comparison.py."""
    parts = [["# Eras", "", markdown_text.escape(words.verdict(comparison))]]
    parts += map(_table, (tables.eras(comparison), *tables.overview(comparison)))
    for row in comparison["targets"]:
        parts += _target(row)
    for cell in tables.listed(comparison):
        parts.append(_table(tables.asked(cell)))
    for table in (
        *tables.rust(comparison),
        *tables.allocators(comparison),
        tables.without(comparison),
    ):
        parts.append(_table(table))
    parts.append(["Made %s." % markdown_text.escape(comparison["made"])])
    text = "\n\n".join("\n".join(part) for part in parts if part) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _target(row: dict[str, Any]) -> Iterator[list[str]]:
    if not any("figures" in cell for cell in row["cells"]):
        return
    yield _table(tables.target(row))
    yield _table(tables.purposes(row))
    for change in row["changes"]:
        said = words.sentences(change) or ["nothing changed."]
        lines = ["* " + markdown_text.escape(sentence) for sentence in said]
        yield [
            "### %s: %s" % tuple(map(markdown_text.escape, (row["name"], words.title(change)))),
            "",
        ] + lines


def _table(table: Table) -> list[str]:
    title, lead, head, align, rows = table
    if not rows:
        return []
    found = ["## " + markdown_text.escape(title), ""]
    found += [markdown_text.escape(lead), ""] if lead else []
    return found + markdown_text.table(head, align, rows)
