"""What one run left behind (left.py), of a trace of millions of events: only of blocks that may be
left are events made, which columns tell.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress

from alloctrace.columns.schema import PRESENT
from alloctrace.compare import left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from alloctrace.trace.read import Trace

_BLOCK = PRESENT["block"]
_COLUMNS = ("present", "group", "block")


def between(trace: Trace, begin: str, end: str, deciding: Callable[..., Any]) -> dict[str, Any]:
    """As left.between of all events of a trace."""
    count = trace.run.get("events") or 0
    first, last = (_number(trace, mark, count) for mark in (begin, end))
    events = trace.events(where=_Perhaps(trace, first, last))
    found = left.between(events, str(first), str(last), deciding)
    return dict(found, **{"from": begin, "to": end})


def _number(trace: Trace, mark: str, count: int) -> int:
    """Of the first event at or behind a mark; `count`: there is none."""
    if mark == left.END:
        return count
    phases, number, groups = left.phases_from(mark), left.number_of(mark), trace.sums().groups
    if phases:
        is_behind = [what.phase in phases for what in groups.whats]
        seqs = compress(groups.first_seq, map(is_behind.__getitem__, groups.what))
        return min(seqs, default=count)
    if number is not None:
        return min(number, count)
    t_ns = left.time_of(mark)
    for first, (*_, times) in trace.chunk_columns(("present", "group", "t_ns")):
        if max(times) >= t_ns:
            return next(seq for seq, time in enumerate(times, first) if time >= t_ns)
    return count


class _Perhaps:
    """Which events (as trace.where.Where) tell what is left of those from `first` to before `last`:
    those of blocks that no `free` has ended, and all of processes that exec.

    A block's number is its own in a program, which has its copy of what it was forked with.
    """

    leaves_out = True
    columns = _COLUMNS

    def __init__(self, trace: Trace, first: int, last: int) -> None:
        self._first, self._last = first, last
        groups = trace.sums().groups
        programs = sorted({what.program for what in groups.whats})
        self._programs = len(programs)
        number = {program: at for at, program in enumerate(programs)}
        pids = Counter(pid for pid, _ in programs)
        self._program = [0, *(number[what.program] for what in groups.whats_of())]
        self._is_free = bytes([0, *(what.name == "free" for what in groups.whats_of())])
        self._execs = bytes([0, *(pids[what.pid] > 1 for what in groups.whats_of())])
        self._may_be_left: set[int] = set()
        for seq, chunk in trace.chunk_columns(_COLUMNS):
            rows = self.numbered(seq, len(chunk[0]))
            if rows:
                self._add(*(column[rows.start : rows.stop] for column in chunk))

    def _add(self, presents: list[int], of_events: list[int], blocks: list[int]) -> None:
        """A block that is not present may be any number."""
        keys, is_free = self._keys(of_events, blocks), self._is_free
        self._may_be_left.update(keys)
        self._may_be_left.difference_update(
            key
            for key, group, present in zip(keys, of_events, presents)
            if is_free[group] and present & _BLOCK
        )

    def _keys(self, of_events: list[int], blocks: list[int]) -> list[int]:
        """Of each event a number of its program and its block."""
        if self._programs == 1:
            return blocks
        many, program = self._programs, self._program
        return [block * many + program[group] for group, block in zip(of_events, blocks)]

    def numbered(self, first: int, count: int) -> range:
        """The rows of a chunk that lie between the moments."""
        return range(max(0, self._first - first), max(0, min(count, self._last - first)))

    def among(self, rows: Sequence[int], chunk: list[list[int]]) -> list[int]:
        """Those of them that are wanted; `chunk`: all of `columns`."""
        presents, of_events, blocks = chunk
        keys, may_be_left, execs = self._keys(of_events, blocks), self._may_be_left, self._execs
        return [
            row
            for row in rows
            if (keys[row] in may_be_left and presents[row] & _BLOCK) or execs[of_events[row]]
        ]
