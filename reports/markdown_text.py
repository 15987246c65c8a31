"""Text for Markdown: whatever it is, it stays text. All pages are made of these few functions.

What Markdown could take for its own is written as a character reference or behind a backslash,
which no renderer takes for structure: a reference where not all of them understand a backslash.
"""

from __future__ import annotations

import re

from alloctrace.escape import visible
from alloctrace.patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_QUOTED = {char: "\\" + char for char in "*_{}[]#"}
_QUOTED.update({char: "&#%d;" % ord(char) for char in "\\`|~$&<>"})
_QUOTES = str.maketrans(_QUOTED)
_AT_BEGIN = Pattern(r"^(\s*(?:\d+(?=[.)])|(?=[-+=])))(.)")  # of a list or a heading
_UNFIT = Pattern(r"[`|\\]")  # in code they would end it, or the cell; or readers differ


class Made(str):
    """Markdown, not text: a table takes it as it is."""


def escape(text: str) -> Made:
    """Text as Markdown shows it: as it is, on one line."""
    return Made(_AT_BEGIN.sub(r"\1\\\2", _cell(text)))


def _cell(text: str) -> str:
    return visible(str(text)).translate(_QUOTES)


def code(text: str) -> Made:
    """Text as code, in a table too, where nothing in it can end it; else as plain text."""
    text = visible(str(text))
    return escape(text) if _UNFIT.search(text) else command(text)


def command(text: str) -> Made:
    """Text as code outside of a table, where a bar divides nothing."""
    text = visible(str(text))
    if not text.strip():
        return escape(text)
    fence = "`" * (_longest([text]) + 1)
    pad = " " if text != text.strip(" `") else ""
    return Made(fence + pad + text + pad + fence)


def table(head: list[str], align: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; `align`: `l` or `r` a column; no rows, no table. Cells are text or Made."""
    rows = [[cell if isinstance(cell, Made) else _cell(cell) for cell in row] for row in rows]
    if not rows:
        return []
    marks = ["---:" if side == "r" else "---" for side in align]
    return ["| %s |" % " | ".join(row) for row in [head, marks] + rows]


def fenced(language: str, lines: list[str]) -> list[str]:
    """Lines as a block of code, which no line in it ends."""
    lines = list(map(str, lines))
    fence = "`" * max(3, _longest(lines) + 1)
    return [fence + language, *lines, fence]


def _longest(lines: list[str]) -> int:
    """How many backquotes stand in a row."""
    return max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
