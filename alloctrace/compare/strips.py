"""Both runs from left to right, phase beneath phase, and what of them is of places that changed.

A phase is as wide in both; within it events stand by their number, at one scale.
"""

from __future__ import annotations

from itertools import compress

from alloctrace import words
from alloctrace.columns import asked
from alloctrace.columns.schema import PRESENT, SIGNED_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from alloctrace.columns.events import PackedChunk
    from alloctrace.compare.entries import Entry, Run
    from alloctrace.compare.matching import Row

BINS = 240  # of the phase with most events
_COLUMNS = ("present", "group", "size", "nmemb")
# What counts, by a number of one byte: (phase, place in a bin).
_KINDS = [("", 0)] + [(phase, place) for phase in words.PHASES for place in range(4)]
_HAS_SIZE = bytes(0xFF if present & PRESENT["size"] else 0 for present in range(2 * SIGNED_SIZE))
_ONLY = [bytes(number == kind for number in range(256)) for kind in range(len(_KINDS))]


def of(
    runs: tuple[Run, Run], rows: list[Row], is_changed: Callable[[int], bool]
) -> list[dict[str, Any]] | None:
    """[{phase, width, before, after}] of two Runs and the rows that matching.match gave of them.

    `width`: events a bin; a side: [[bytes of calls that are alike, of changed ones, of syscalls
    that are alike, of changed ones, events] of each bin]. None where a run kept no events.
    `is_changed(index of the row)`.
    """
    if not all(run.trace.keeps_events for run in runs):
        return None
    sides = []
    for run, its in zip(runs, ([row.before for row in rows], [row.after for row in rows])):
        of_changed = (side[2] for n, side in enumerate(its) if side and is_changed(n))
        sides.append(_Side(run, {key for keys in of_changed for key in keys}))
    most = {phase: max(side.total(phase) for side in sides) for phase in words.PHASES}
    width = max(1, -(-max(most.values()) // BINS))
    told = [side.bins(width) for side in sides]
    return [
        {"phase": phase, "width": width, "before": told[0][phase], "after": told[1][phase]}
        for phase in words.PHASES
        if most[phase]
    ]


class _Side:
    def __init__(self, run: Run, changed: set[Entry]) -> None:
        self._trace, self._groups = run.trace, run.trace.sums().groups
        is_changed = [entry in changed for entry in run.keys]
        self._kinds = bytearray(len(self._groups) + 1)  # by id of a group: 0, or one of _KINDS
        for at, what in enumerate(self._groups.whats_of()):
            entry = run.entry_of[at]
            if what.kind == "syscall" or not self._groups.within[at]:
                place = 2 * (what.kind == "syscall") + is_changed[entry]
                self._kinds[at + 1] = _KINDS.index((what.phase, place))

    def total(self, phase: str) -> int:
        """How many events it has there."""
        kinds, counts = self._kinds[1:], self._groups.sums["count"]
        return sum(count for kind, count in zip(kinds, counts) if _KINDS[kind][0] == phase)

    def bins(self, width: int) -> dict[str, list[list[int]]]:
        """{phase: bins}."""
        found = {phase: _Bins(width) for phase in words.PHASES}
        for _, chunk in self._trace.packed_chunks(_COLUMNS):
            kinds, sizes = chunk.where("group", self._kinds), _asked(chunk)
            has_size = _both(kinds, chunk.where("present", _HAS_SIZE))
            phases = {_KINDS[kind][0] for kind in set(kinds)}
            if len(phases) > 1 or "" in phases:
                for at, kind in enumerate(kinds):
                    if kind:
                        found[_KINDS[kind][0]].add(1, has_size[at : at + 1], sizes[at : at + 1])
            else:
                found[phases.pop()].add(len(kinds), has_size, sizes)
        return {phase: bins.made for phase, bins in found.items()}


class _Bins:
    """Of one phase; each as long as there is room in it."""

    def __init__(self, width: int) -> None:
        self._width, self._room = width, 0
        self.made: list[list[int]] = []

    def add(self, count: int, kinds: bytes, sizes: Sequence[int]) -> None:
        """So many events, of these kinds, that asked for so much each; kind 0: for nothing."""
        at = 0
        while at < count:
            if not self._room:
                self._room = self._width
                self.made.append([0, 0, 0, 0, 0])
            end = min(count, at + self._room)
            part, bin_ = kinds[at:end], self.made[-1]
            for kind in set(part) - {0}:
                is_it = part.translate(_ONLY[kind])
                bin_[_KINDS[kind][1]] += sum(compress(sizes[at:end], is_it))
            bin_[4] += end - at
            self._room -= end - at
            at = end


def _both(left: bytes, right: bytes) -> bytes:
    """Bytes of the first where the second has ones."""
    both = int.from_bytes(left, "little") & int.from_bytes(right, "little")
    return both.to_bytes(len(left), "little")


def _asked(chunk: PackedChunk) -> Sequence[int]:
    """What each event of a chunk asked for, if it asked for anything."""
    present, size = chunk.column("present"), chunk.column("size")
    has_many = any(map(PRESENT["nmemb"].__and__, set(present)))
    nmemb = chunk.column("nmemb") if has_many else [1] * len(size)
    if min(min(size), min(nmemb)) >= 0:
        return asked.each(present, size, nmemb) if has_many else size
    return [abs(each) for each in map(asked.bytes_asked, present, size, nmemb)]
