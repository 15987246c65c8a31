"""Both runs as strips: drawings in the page's own markup, which need no script."""

from __future__ import annotations

import math
from html import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WIDTH, _HIGH, _DEEP, _TOP = 1000, 70, 36, 22  # of a strip, in its own units
_HEIGHT = _TOP + _HIGH + _DEEP + 2
_LEAST = 40  # of a phase
_GAP = 4


def draw(told: list[dict[str, Any]], side: str, word: str) -> str:
    """The strip of one side as markup. `told`: of compare.strips; `word`: more or less, what its
    changed places do."""
    most = _most(told)
    parts: list[str] = []
    x = 0.0
    for at, (row, wide) in enumerate(zip(told, _widths(told))):
        parts += _phase(row, side, word, x, wide, most, at % 2 == 0)
        x += wide
    parts.append('<rect class="line" x="0" y="%d" width="%d" height="1"/>' % (_TOP + _HIGH, _WIDTH))
    label = "%s: %s" % (side, ", ".join(_said(row, side) for row in told))
    return '<svg class="strip" role="img" aria-label="%s" viewBox="0 0 %d %d">%s</svg>' % (
        escape(label),
        _WIDTH,
        _HEIGHT,
        "".join(parts),
    )


def _said(row: dict[str, Any], side: str) -> str:
    return "%s %d events" % (row["phase"], _events(row[side]))


def _events(bins: list[list[int]]) -> int:
    return sum(bin_[4] for bin_ in bins)


def _most(told: list[dict[str, Any]]) -> list[int]:
    """[the largest sum of calls in a bin, of syscalls], of both sides."""
    bins = [bin_ for row in told for side in ("before", "after") for bin_ in row[side]]
    return [max((b[at] + b[at + 1] for b in bins), default=0) for at in (0, 2)]


def _widths(told: list[dict[str, Any]]) -> list[float]:
    """As wide as the longer of the two; a short phase has room for its name."""
    longest = [max(_events(row["before"]), _events(row["after"])) for row in told]
    free = _WIDTH - _LEAST * len(told)
    return [_LEAST + free * number / max(1, sum(longest)) for number in longest]


def _phase(
    row: dict[str, Any], side: str, word: str, x: float, wide: float, most: list[int], is_band: bool
) -> Iterator[str]:
    if is_band:
        yield '<rect class="band" x="%.1f" y="0" width="%.1f" height="%d"/>' % (x, wide, _HEIGHT)
    yield '<text x="%.1f" y="15">%s</text>' % (x + 5, escape(row["phase"]))
    slots = max(len(row["before"]), len(row["after"]), 1)
    one = (wide - _GAP) / slots
    for at, bin_ in enumerate(row[side]):
        left = x + _GAP / 2 + at * one
        for first, is_above in ((0, True), (2, False)):
            yield from _bar(bin_[first : first + 2], most[first // 2], left, one, is_above, word)


def _bar(
    sums: list[int], most: int, x: float, wide: float, is_above: bool, word: str
) -> Iterator[str]:
    """As high as its bytes, each doubling counting the same; what changed in the hue of `word`."""
    whole = sum(sums)
    room = _HIGH if is_above else _DEEP
    high = room * math.log2(1 + whole) / math.log2(2 + most)
    changed = high * sums[1] / whole if whole else 0
    base = _TOP + _HIGH
    wide = max(0.8, 0.8 * wide)
    for kind, low, part in (("same", changed, high - changed), (word, 0, changed)):
        if part > 0:
            y = base - low - part if is_above else base + 1 + low
            yield '<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>' % (
                kind,
                x,
                y,
                wide,
                part,
            )
