"""Both runs from left to right, phase beneath phase, and what of them is of places that changed.

A phase is as wide in both; within it events stand by their number, at one scale.
"""

from __future__ import annotations

from alloctrace import words
from alloctrace.columns import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.compare.entries import Run
    from alloctrace.compare.matching import Row

BINS = 240  # of the phase with most events
_COLUMNS = ("present", "group", "size", "nmemb")


def of(
    runs: tuple[Run, Run], rows: list[Row], is_changed: Callable[[int], bool]
) -> list[dict[str, Any]] | None:
    """[{phase, width, before, after}] of two Runs and the rows that matching.match gave of them.

    `width`: events a bin; a side: [[bytes of calls, of changed ones, of syscalls, of changed ones,
    events] of each bin]. None where a run kept no events. `is_changed(index of the row)`.
    """
    if not all(run.trace.keeps_events for run in runs):
        return None
    sides = []
    for at, run in enumerate(runs, 1):
        changed = {
            key for n, row in enumerate(rows) if row[at] and is_changed(n) for key in row[at][2]
        }
        sides.append(_Side(run, changed))
    most = {phase: max(side.total(phase) for side in sides) for phase in words.PHASES}
    width = max(1, -(-max(most.values()) // BINS))
    told = [side.bins(width) for side in sides]
    return [
        {"phase": phase, "width": width, "before": told[0][phase], "after": told[1][phase]}
        for phase in words.PHASES
        if most[phase]
    ]


class _Side:
    def __init__(self, run, changed):
        self._trace, self._groups = run.trace, run.trace.sums().groups
        is_changed = [entry in changed for entry in run.keys]
        self._kinds = [None]  # group id -> (phase, place in a bin)
        for at, what in enumerate(self._groups.whats_of()):
            entry = run.entry_of[at]
            is_counted = what[0] == "syscall" or not self._groups.within[at]
            place = 2 * (what[0] == "syscall") + is_changed[entry]
            self._kinds.append((what[4], place) if is_counted else None)

    def total(self, phase):
        """How many events it has there."""
        kinds, counts = self._kinds[1:], self._groups.sums["count"]
        return sum(count for kind, count in zip(kinds, counts) if kind and kind[0] == phase)

    def bins(self, width):
        """{phase: bins}."""
        found, at = {phase: [] for phase in words.PHASES}, dict.fromkeys(words.PHASES, 0)
        for _, columns in self._trace.chunk_columns(_COLUMNS):
            for present, group, size, nmemb in zip(*columns):
                kind = self._kinds[group]
                if kind is None:
                    continue
                phase, place = kind
                if at[phase] % width == 0:
                    found[phase].append([0, 0, 0, 0, 0])
                at[phase] += 1
                bin_ = found[phase][-1]
                bin_[4] += 1
                bin_[place] += abs(asked.bytes_asked(present, size, nmemb))
        return found
