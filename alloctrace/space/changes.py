"""Which memory syscalls of a long run tell what is mapped in some windows of it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from itertools import compress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.trace.read import Trace

    Program = tuple[int, ...]  # pid, image

NOTED = 200000  # memory syscalls
FOLLOWED = 20000  # of these, whose mappings are followed


class Changes:
    """Notes memory syscalls, in their order."""

    def __init__(self, groups: GroupTable) -> None:
        whats = ((what.name == "brk", what.program) for what in groups.whats)
        self._whats: list[tuple[bool, Program]] = [(False, ()), *whats]
        self._of_group = [0, *(what + 1 for what in groups.what)]
        self._noted: list[tuple[int, tuple[bool, Program]]] = []  # (seq, whether a brk, of whom)
        self.stopped: int | None = None  # the first that is not told, None: all are

    def add(
        self, first: int, group: Sequence[int] | dict[int, int], base: int, rows: list[int]
    ) -> None:
        """Of a chunk from `first` on; `group`: of its rows, less `base`; `rows`: the syscalls."""
        if len(self._noted) <= NOTED:
            whats, of_group = self._whats, self._of_group
            self._noted += [(first + row, whats[of_group[group[row] + base]]) for row in rows]

    def told(self, ranges: list[list[int]]) -> list[int]:
        """Seqs of those that mappings in these windows follow from: of several brk's of a program
        one after the other the last one says all, where no window lies between. Its first says
        where the heap begins."""
        starts = [first for first, _ in ranges]
        passing: dict[int, None] = {}
        before: dict[Program, tuple[int, int]] = {}  # (window behind, seq)
        begun: set[Program] = set()
        for seq, (moves, program) in self._noted[:NOTED]:
            place = bisect_right(starts, seq)
            is_inside = place > 0 and seq <= ranges[place - 1][1]
            is_passing = moves and not is_inside and program in begun
            last = before.pop(program, None)
            if is_passing:
                if last is not None and last[0] == place:
                    del passing[last[1]]
                before[program] = place, seq
            if moves:
                begun.add(program)
            passing[seq] = None
        found = list(passing)
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
