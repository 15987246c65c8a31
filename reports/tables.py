"""Plain tables: names at the left, numbers at the right, never wider than the page."""

from __future__ import annotations

from reports.ink import cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar, Union

    from reports.ink import Ink

    Cell = Union[str, tuple[str, str]]  # text, or (name, place)
    _Key = TypeVar("_Key")
    _Counted = TypeVar("_Counted")

_GAP = "  "
_NARROWEST = 8
_SAYS = 20  # columns of a text that was cut


def lines(
    head: list[str], rows: Sequence[Sequence[Cell]], ink: Ink, align: Sequence[str]
) -> Iterator[str]:
    """`head`: titles; `rows`: lists of text, or of (name, place), of which the place is cut last;
    `align`: `l`, `L` or `r` a column. Where all of it is too wide, `L` gives way first, then the
    widest `l`; no title is cut. A column that is empty everywhere goes."""
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    head, align = [head[i] for i in kept], [align[i] for i in kept]
    rows = [[row[i] for i in kept] for row in rows]
    widths = _widths(head, rows, align, ink)
    yield ink.dim(_row(head, widths, align, ink))
    for row in rows:
        yield _row(row, widths, align, ink)


def has_room(head: list[str], rows: Sequence[Sequence[Cell]], ink: Ink) -> bool:
    """Whether nothing needs to be cut."""
    return _taken(_wanted(head, rows)) <= ink.width


def can_give_way(head: list[str], rows: Sequence[Sequence[Cell]], ink: Ink, align: str) -> bool:
    """Whether it has room where what may be cut still says something."""
    widths = _wanted(head, rows)
    least = [min(width, _SAYS) if side in "lL" else width for width, side in zip(widths, align)]
    return _taken(least) <= ink.width


def _wanted(head: list[str], rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [max(cells(whole(row[i])) for row in [head, *rows]) for i in range(len(head))]


def _taken(widths: list[int]) -> int:
    return 2 + sum(widths) + len(_GAP) * (len(widths) - 1)


def _widths(
    head: list[str], rows: Sequence[Sequence[Cell]], align: Sequence[str], ink: Ink
) -> list[int]:
    widths = [min(width, ink.width) for width in _wanted(head, rows)]
    least = [max(_NARROWEST, cells(title)) for title in head]
    excess = _taken(widths) - ink.width
    while excess > 0:
        able = [i for i in range(len(head)) if widths[i] > least[i] and align[i] in "lL"]
        if not able:
            return widths
        widest = max(able, key=lambda i: _gives_way(align[i], widths[i]))
        widths[widest] -= 1
        excess -= 1
    return widths


def _gives_way(side: str, width: int) -> tuple[bool, int]:
    """A key: who gives way first. An `L` of 22 columns still says something."""
    return (side == "L" and width > 22, width)


def whole(text: str | tuple[str, str]) -> str:
    """A cell in full: of (name, place) `main alloc.c:5`, `main+0x1f`."""
    if not isinstance(text, tuple):
        return text
    name, place = text
    if not name or not place:
        return name or place
    return name + ("" if place.startswith("+") else " ") + place


def _row(row: Sequence[Cell], widths: list[int], align: Sequence[str], ink: Ink) -> str:
    parts = []
    for text, width, side in zip(row, widths, align):
        fit = ink.fit_place(*text, width) if isinstance(text, tuple) else ink.fit(text, width)
        space = " " * (width - cells(fit))
        parts.append(fit + space if side in "lL" else space + fit)
    return ("  " + _GAP.join(parts)).rstrip()


def largest(
    cells: dict[_Key, _Counted], most: int, count: Callable[[_Counted], int]
) -> tuple[dict[_Key, _Counted], int]:
    """(those of `cells`, a dict, with the largest count, in their order; how many are left out)."""
    if len(cells) <= most:
        return cells, 0
    kept = set(sorted(cells, key=lambda key: count(cells[key]), reverse=True)[:most])
    return {key: cell for key, cell in cells.items() if key in kept}, len(cells) - most


def left_out(number: int, ink: Ink) -> Iterator[str]:
    """The line behind a table that `largest` has made shorter."""
    if number:
        rows = "%d more rows with" % number if number > 1 else "1 more row with"
        yield ink.dim("  %s %s fewer: --json has them" % (ink.signs.more, rows))
