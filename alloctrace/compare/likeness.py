"""Which of what is gone and what is new is perhaps the same. Shown, never paired."""

from __future__ import annotations

import difflib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from alloctrace.compare.matching import Row, Side

MOST = 40  # of each side, those with most calls
LEAST = 0.5  # of two stacks' likeness, 0 to 1


def pairs(rows: list[Row]) -> list[tuple[Row, Row, float]]:
    """[(row that is gone, row that is new, likeness)], each row once, the likest first."""
    gone = _largest(row for row in rows if row.how == "gone")
    new = _largest(row for row in rows if row.how == "new")
    found = [(_likeness(a.before, b.after), a, b) for a in gone for b in new]
    found = sorted((pair for pair in found if pair[0] >= LEAST), key=lambda pair: -pair[0])
    taken, chosen = set(), []
    for likeness, a, b in found:
        if id(a) not in taken and id(b) not in taken:
            taken |= {id(a), id(b)}
            chosen.append((a, b, likeness))
    return chosen


def _largest(rows: Iterable[Row]) -> list[Row]:
    def most(row: Row) -> int:
        side = row.before or row.after
        return -max(tuple(of_run) for of_run in side[1])[0] if side else 0

    return sorted(rows, key=most)[:MOST]


def _likeness(
    one: Side | None,
    other: Side | None,
) -> float:
    """Of what calls the same entry point for the same origin: names, purpose and sums."""
    if one is None or other is None:
        return 0
    (a, ours), (b, theirs) = one[:2], other[:2]
    if (a.place, a.origin, a.kind, a.name) != (b.place, b.origin, b.kind, b.name):
        return 0
    same = [_alike(a.function, b.function), a.via == b.via, a.phase == b.phase]
    same += [a.purpose == b.purpose and a.exact is None or _alike(a.purpose, b.purpose)]
    same += [_close(x, y) for x, y in zip(ours[0][:2], theirs[0][:2])]
    return round(sum(same) / len(same), 3)


def _alike(one: str | None, other: str | None) -> float:
    if not one or not other:
        return float(one == other)
    return difflib.SequenceMatcher(None, one[:200], other[:200], autojunk=False).ratio()


def _close(one: int, other: int) -> float:
    return 1 if one == other else min(one, other) / max(one, other) if one > 0 < other else 0
