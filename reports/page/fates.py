"""Of a run too long for its page: which blocks are left, which calls reached the kernel, and how
many syscalls they made, by when that was. Where there are very many they are not looked for.

A key is a group and a thread, as windows.py numbers them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

BLOCKS = 100000  # live at the end
SYSCALLS = 100000
BACK = 1 << 17  # events: a call that holds a syscall seldom began before


class Fates:
    """Takes chunks in their order: {key: {bin: how many}}, None: not known. `left`: bytes;
    `reached`: un-nested calls, and `made`: the syscalls that they made; `caused`: the same
    syscalls, as what they are themselves. Whoever uses them compares their sums with those of the
    groups."""

    def __init__(self, trace, groups, width):
        self._width, self._groups = width, groups
        self._within = groups.within
        self._chunks = deque()  # what `add` was given, the latest last
        kinds = [what.kind == "syscall" for what in groups.whats]
        counts = zip(groups.what, groups.sums["count"])
        syscalls = sum(count for what, count in counts if kinds[what])
        self.reached = self.made = self.caused = None
        if syscalls <= SYSCALLS:
            self.reached, self.made, self.caused = {}, {}, {}
        self._counted = set()  # calls, by seq: one may make several
        self.left, self._blocks = None, []
        if sum(groups.sums["live_blocks"]) <= BLOCKS:
            self.left = {}
            self._blocks = sorted((block.last, block.size) for block in trace.blocks())

    def add(self, first, chunk, base, group, keys, above, syscalls):
        """`group` and `keys`: of its events, without `base` and what they are `above`; `syscalls`:
        rows of memory syscalls."""
        self._chunks.append((first, chunk, base, group, keys, above))
        while self._chunks[0][0] + len(self._chunks[0][3]) < first - BACK:
            self._chunks.popleft()
        at = bisect_left(self._blocks, (first, -1))
        for seq, size in self._blocks[at : bisect_left(self._blocks, (first + len(group), -1))]:
            self._note(self.left, seq, keys[seq - first] + above, size)
        if self.reached is not None and syscalls:
            for row, distance in zip(syscalls, chunk.column("cause", syscalls)):
                if distance > 0 and self.reached is not None:
                    self._note(self.caused, first + row, keys[row] + above, 1)
                    self._reach(first + row - distance)

    def _note(self, sums, seq, key, value):
        bins = sums.setdefault(key, {})
        bins[seq // self._width] = bins.get(seq // self._width, 0) + value

    def _reach(self, seq):
        """The un-nested call that this call lies in reached the kernel."""
        while True:
            found = next((one for one in reversed(self._chunks) if one[0] <= seq), None)
            if found is None:
                self.reached = self.made = self.caused = None  # it began too long ago
                return
            first, chunk, base, group, keys, above = found
            row = seq - first
            distance = 0
            if self._within[min(group[row] + base, len(self._within)) - 1]:
                distance = chunk.column("outer", (row,))[0]
            if distance <= 0:
                break
            seq -= distance
        self._note(self.made, seq, keys[row] + above, 1)
        if seq not in self._counted:
            self._counted.add(seq)
            self._note(self.reached, seq, keys[row] + above, 1)
