"""Of a run too long for its page: which blocks are left, which calls reached the kernel, and how
many syscalls they made, by when that was. Where there are very many they are not looked for.

A key is a group and a thread, as windows.py numbers them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque, namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from alloctrace.columns.events import PackedChunk
    from alloctrace.columns.group_table import GroupTable
    from alloctrace.trace.read import Trace

BLOCKS = 100000  # live at the end
SYSCALLS = 100000
BACK = 1 << 17  # events: a call that holds a syscall seldom began before

if TYPE_CHECKING:
    Sums = dict[int, dict[int, int]]  # key -> {bin: how many}

    class Kernel(NamedTuple):
        reached: Sums
        made: Sums
        caused: Sums

    class _Piece(NamedTuple):
        first: int
        chunk: PackedChunk
        base: int
        group: Sequence[int]
        keys: Sequence[int]
        above: int

else:
    # Un-nested calls that reached it; the syscalls that they made; the same syscalls, as what they
    # are themselves.
    Kernel = namedtuple("Kernel", "reached made caused")
    _Piece = namedtuple("_Piece", "first chunk base group keys above")  # what `add` was given


class Fates:
    """Takes chunks in their order. `left`: bytes, and `kernel`, None: not known. Whoever uses them
    compares their sums with those of the groups."""

    def __init__(self, trace: Trace, groups: GroupTable, width: int) -> None:
        self._width, self._groups = width, groups
        self._within = groups.within
        self._pieces: deque[_Piece] = deque()  # the latest last
        kinds = [what.kind == "syscall" for what in groups.whats]
        counts = zip(groups.what, groups.sums["count"])
        syscalls = sum(count for what, count in counts if kinds[what])
        self.kernel = Kernel({}, {}, {}) if syscalls <= SYSCALLS else None
        self._counted: set[int] = set()  # calls, by seq: one may make several
        self.left: Sums | None = None
        self._blocks: list[tuple[int, int]] = []
        if sum(groups.sums["live_blocks"]) <= BLOCKS:
            self.left = {}
            self._blocks = sorted((block.last, block.size) for block in trace.blocks())

    def add(
        self,
        first: int,
        chunk: PackedChunk,
        base: int,
        group: Sequence[int],
        keys: Sequence[int],
        above: int,
        syscalls: list[int],
    ) -> None:
        """`group` and `keys`: of its events, without `base` and what they are `above`; `syscalls`:
        rows of memory syscalls."""
        self._pieces.append(_Piece(first, chunk, base, group, keys, above))
        while self._pieces[0].first + len(self._pieces[0].group) < first - BACK:
            self._pieces.popleft()
        if self.left is not None:
            at = bisect_left(self._blocks, (first, -1))
            for seq, size in self._blocks[at : bisect_left(self._blocks, (first + len(group), -1))]:
                self._note(self.left, seq, keys[seq - first] + above, size)
        if self.kernel is not None and syscalls:
            for row, distance in zip(syscalls, chunk.column("cause", syscalls)):
                if distance > 0 and self.kernel is not None:
                    self._note(self.kernel.caused, first + row, keys[row] + above, 1)
                    self._reach(self.kernel, first + row - distance)

    def _note(self, sums: Sums, seq: int, key: int, value: int) -> None:
        bins = sums.setdefault(key, {})
        bins[seq // self._width] = bins.get(seq // self._width, 0) + value

    def _reach(self, kernel: Kernel, seq: int) -> None:
        """The un-nested call that this call lies in reached the kernel."""
        while True:
            found = next((one for one in reversed(self._pieces) if one.first <= seq), None)
            if found is None:
                self.kernel = None  # it began too long ago
                return
            row = seq - found.first
            distance = 0
            if self._within[min(found.group[row] + found.base, len(self._within)) - 1]:
                distance = found.chunk.column("outer", (row,))[0]
            if distance <= 0:
                break
            seq -= distance
        self._note(kernel.made, seq, found.keys[row] + found.above, 1)
        if seq not in self._counted:
            self._counted.add(seq)
            self._note(kernel.reached, seq, found.keys[row] + found.above, 1)
