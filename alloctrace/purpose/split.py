"""Groups of a recorder's run whose events are for several things become several groups.

Only of their events anything is counted again; all others keep the recorder's sums.
"""

from __future__ import annotations

from operator import itemgetter

from alloctrace.columns import columns
from alloctrace.columns.schema import COLUMN_NAMES
from alloctrace.spool import spool
from . import shares

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.packed import PackedHistory

_GROUP = COLUMN_NAMES.index("group")


def by_purpose(packed: PackedHistory, numbers: Sequence[int]) -> None:
    """Each event of `packed` is for the purpose of that number; its group says so then."""
    events: Any = packed.events  # FewEvents: of a run that is not too long
    groups, group_of = packed.sums.groups, events.columns["group"]
    several = _several(groups, group_of, numbers)
    if several:
        parts = _Parts(events.columns, several, numbers)
        shares.count(packed, parts.of, parts.all)
        _number_anew(packed, events, parts)
    events.regrouped()


def _several(groups: GroupTable, group_of: Sequence[int], numbers: Sequence[int]) -> set[int]:
    """Ids of groups of several purposes, and of those in calls of such groups; the others say what
    they are for."""
    found: set[int] = set()
    for id_, number in set(zip(group_of, numbers)):
        if groups.purpose[id_ - 1] not in (0, number + 1):
            found.add(id_)
        groups.purpose[id_ - 1] = number + 1
    for id_, within in enumerate(groups.within, 1):
        if within in found:
            found.add(id_)
    return found


class _Parts:
    """`of`: {index of an event: its Part}; `all`: in the order in which they began."""

    def __init__(
        self, columns_: dict[str, list[int]], several: set[int], numbers: Sequence[int]
    ) -> None:
        self.of: dict[int, shares.Part] = {}
        self.all: list[shares.Part] = []
        known: dict[tuple[int, int, shares.Part | None], shares.Part] = {}
        causes, outers = columns_["cause"], columns_["outer"]
        for index, id_ in enumerate(columns_["group"] if several else ()):
            if id_ not in several:
                continue
            distance = causes[index] or outers[index]
            around = self.of.get(index - distance) if distance else None
            key = id_, numbers[index], around
            if key not in known:
                known[key] = shares.Part(id_, numbers[index] + 1, around)
                self.all.append(known[key])
            known[key].members.append(index)
            self.of[index] = known[key]


def _number_anew(packed: PackedHistory, events: Any, parts: _Parts) -> None:
    """In the order in which they began: what a call's group is within is older than it."""
    sums, group_of = packed.sums, events.columns["group"]
    old, count = sums.groups, len(group_of)
    first = dict(zip(reversed(group_of), range(count - 1, -1, -1)))
    split = {part.id for part in parts.all}
    rows: list[tuple[int, int, shares.Part | None]] = [
        (first.get(id_, count), id_, None) for id_ in range(1, len(old) + 1) if id_ not in split
    ]
    rows += [(part.members[0], part.id, part) for part in parts.all]
    rows.sort(key=itemgetter(0))
    made = old.picked([id_ - 1 for _, id_, _ in rows])
    numbers = {part or id_: number for number, (_, id_, part) in enumerate(rows, 1)}
    for row, (_, id_, part) in enumerate(rows):
        if part is not None:
            numbers.setdefault(id_, row + 1)
            made.purpose[row], made.first_seq[row] = part.purpose, part.members[0]
            made.first_t[row] = events.columns["t_ns"][part.members[0]]
            made.set_row(row, part.sums, part.own_peak)
    for row, (_, id_, part) in enumerate(rows):
        within = old.within[id_ - 1]
        around = part.within if part is not None and part.within is not None else within
        made.within[row] = numbers[around] if within else 0
    sums.groups = made
    sums.stages = [(*row[:2], numbers.get(row[2], 0), row[3]) for row in sums.stages]
    new = [numbers[parts.of.get(index, id_)] for index, id_ in enumerate(group_of)]
    group_of[:] = new
    packed.chunks = [_with_groups(chunk, new) for chunk in packed.chunks]


def _with_groups(
    chunk: tuple[int, int, list[spool.Column]], groups: list[int]
) -> tuple[int, int, list[spool.Column]]:
    """The same chunk, its events of these groups."""
    first, count, packed = chunk
    column = columns.encode(groups[first : first + count], False)
    kept = [row for row in packed if row.column != _GROUP]
    made = spool.Column(first, count, _GROUP, column.width, 0, *column[1:])
    return first, count, [made, *kept]
