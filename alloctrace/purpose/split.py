"""Groups of a recorder's run whose events are for several things become several groups.

Only of their events anything is counted again; all others keep the recorder's sums.
"""

from __future__ import annotations

from array import array
from itertools import compress
from operator import ne

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
    last = dict(zip(group_of, numbers))
    for id_, number in last.items():
        groups.purpose[id_ - 1] = number + 1
    found = set(compress(group_of, map(ne, map(last.__getitem__, group_of), numbers)))
    if not found:
        return found
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
    ids = [id_ for id_ in range(1, len(old) + 1) if id_ not in split]
    kept = len(ids)
    begun = [first.get(id_, count) for id_ in ids] + [part.members[0] for part in parts.all]
    ids += [part.id for part in parts.all]
    order = sorted(range(len(ids)), key=begun.__getitem__)
    made = old.picked([ids[at] - 1 for at in order])
    new = [0] * (len(old) + 1)  # by id: of several the number of the first
    numbers: dict[shares.Part, int] = {}
    for number, at in enumerate(order, 1):
        if at >= kept:
            numbers[parts.all[at - kept]] = number
        new[ids[at]] = new[ids[at]] or number
    made.within = array("I", map(new.__getitem__, made.within))
    for part, number in numbers.items():
        row = number - 1
        made.purpose[row], made.first_seq[row] = part.purpose, part.members[0]
        made.first_t[row] = events.columns["t_ns"][part.members[0]]
        made.set_row(row, part.sums, part.own_peak)
        if part.within is not None and made.within[row]:
            made.within[row] = numbers[part.within]
    sums.groups = made
    sums.stages = [(seq, t_ns, new[id_], live) for seq, t_ns, id_, live in sums.stages]
    group_of[:] = map(new.__getitem__, group_of)
    for part, number in numbers.items():
        for index in part.members:
            group_of[index] = number
    packed.chunks = [_with_groups(chunk, group_of) for chunk in packed.chunks]


def _with_groups(
    chunk: tuple[int, int, list[spool.Column]], groups: list[int]
) -> tuple[int, int, list[spool.Column]]:
    """The same chunk, its events of these groups."""
    first, count, packed = chunk
    column = columns.encode(groups[first : first + count], False)
    kept = [row for row in packed if row.column != _GROUP]
    made = spool.Column(first, count, _GROUP, column.width, 0, *column[1:])
    return first, count, [made, *kept]
