"""The report of eras as one file of HTML without a script, which needs nothing else.

Names of functions and files come from programs: nothing of them is markup.
"""

from __future__ import annotations

from html import escape

from reports.page import document, markup
from reports.page.fit import fit

from . import tables, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .tables import Table

_NAMES = "tbody th { min-width: 8.5em; }\n"  # of eras and targets, in one piece on a narrow screen
_TITLE = "Eras: the same programs under other libcs"


def render(comparison: dict[str, Any]) -> str:
    """The page as text; `comparison`: of eras/comparison.py."""
    text = document.whole(_TITLE, document.joined(("page.css",)) + _NAMES, _body(comparison))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _body(comparison: dict[str, Any]) -> Iterator[str]:
    yield '<header><p class="kicker">%s</p>' % _TITLE
    yield '<h1 id="verdict">%s</h1>' % markup.bdi(fit(words.verdict(comparison)))
    yield '<p class="quiet">Made %s</p></header>\n<main>\n' % escape(comparison["made"])
    yield _section("eras", tables.eras(comparison))
    for name, table in zip(("calls", "brk-mmap"), tables.overview(comparison)):
        yield _section(name, table)
    for at, row in enumerate(comparison["targets"]):
        if any("figures" in cell for cell in row["cells"]):
            yield _section("target-%d" % at, tables.target(row), "".join(_changes(row)))
            yield _section("purposes-%d" % at, tables.purposes(row))
    more = [*map(tables.asked, tables.listed(comparison)), *tables.rust(comparison)]
    for at, table in enumerate((*more, *tables.allocators(comparison))):
        yield _section("more-%d" % at, table)
    yield _section("without", tables.without(comparison))
    yield "</main>\n"


def _changes(row: dict[str, Any]) -> Iterator[str]:
    for change in row["changes"]:
        said = words.sentences(change) or ["nothing changed."]
        items = "".join("<li>%s</li>" % markup.bdi(fit(text)) for text in said)
        yield "<h3>%s</h3><ul>%s</ul>" % (escape(words.title(change)), items)


def _section(name: str, table: Table, more: str = "") -> str:
    title, lead, head, align, rows = table
    if not rows:
        return ""
    kinds = ["" if side == "l" else ' class="n"' for side in align]
    heads = "".join(
        '<th scope="col"%s>%s</th>' % (kind, escape(text)) for kind, text in zip(kinds, head)
    )
    lines = []
    for first, *rest in rows:
        cells = "".join(
            "<td%s>%s</td>" % (kind, markup.bdi(fit(text))) for kind, text in zip(kinds[1:], rest)
        )
        lines.append('<tr><th scope="row">%s</th>%s</tr>' % (markup.bdi(fit(first)), cells))
    made = (
        '<div class="scroll" tabindex="0" role="group" aria-label="%s"><table><caption>%s</caption>'
        "<thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>"
        % (escape(title), escape(title), heads, "".join(lines))
    )
    return markup.section(name, title, lead, made + more)
