"""Which memory syscalls of a long run tell what is mapped in some windows of it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from itertools import compress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.trace.read import Trace

NOTED = 200000  # memory syscalls
FOLLOWED = 20000  # of these, whose mappings are followed


class Changes:
    """Notes memory syscalls, in their order."""

    def __init__(self, groups: GroupTable) -> None:
        self._moves = bytearray(b"\0") + bytes(groups.whats[w][1] == "brk" for w in groups.what)
        self._noted: list[tuple[int, int]] = []  # (seq, whether it is a brk)
        self.stopped: int | None = None  # the first that is not told, None: all are

    def add(
        self, first: int, group: array[int] | dict[int, int] | list[int], base: int, rows: list[int]
    ) -> None:
        """Of a chunk from `first` on; `group`: of its rows, less `base`; `rows`: the syscalls."""
        if len(self._noted) <= NOTED:
            moves = self._moves
            self._noted += [(first + row, moves[group[row] + base]) for row in rows]

    def told(self, ranges: list[list[int]]) -> list[int]:
        """Seqs of those that mappings in these windows follow from: of several brk's one after the
        other the last one says all, where no window lies between."""
        starts = [first for first, _ in ranges]
        before = None
        found: list[int] = []
        for seq, moves in self._noted[:NOTED]:
            place = bisect_right(starts, seq)
            is_inside = place > 0 and seq <= ranges[place - 1][1]
            if moves and not is_inside and before == place:
                found.pop()
            before = place if moves and not is_inside else None
            found.append(seq)
        self.stopped = self._noted[NOTED][0] if len(self._noted) > NOTED else None
        if len(found) > FOLLOWED:
            self.stopped = found[FOLLOWED]
        return found[:FOLLOWED]


def until(trace: Trace, wanted: Any, seq: int) -> Changes:
    """Changes of all memory syscalls up to one event."""
    groups = trace.sums().groups
    marks = bytearray(len(groups) + 1)
    for index in range(len(groups)):
        group = groups.bare(index)
        marks[index + 1] = group.kind == "syscall" and (wanted is None or wanted(group))
    changes = Changes(groups)
    for first, chunk in trace.packed_chunks(("group",)):
        if first > seq:
            break
        found = chunk.where("group", marks)
        rows = list(compress(range(min(len(found), seq + 1 - first)), found))
        ids = dict(zip(rows, chunk.column("group", rows)))
        changes.add(first, ids, 0, rows)
    return changes
