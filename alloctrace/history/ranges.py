"""A trace of which only some events count: those of a range of numbers, or of a thread.

What became of their blocks is followed through all events, by live_bytes. Where calls of several
threads overlap a recorder knows better what was live when: a sum that is not its own is not told.
"""

from __future__ import annotations

from alloctrace import measure
from alloctrace.columns.group_table import SUMS
from .groups import Sums
from .live_bytes import LiveBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Event, Group
    from alloctrace.trace.read import Trace, Trace as _Base
else:
    _Base = object  # it stands for the Trace: what it has not itself is the Trace's

# Of a group: what only a replay can tell of some of its events.
REPLAYED = ("peak_bytes", "live_bytes", "temporary_bytes", "reached", "own_peak_bytes")


class OfRange(_Base):
    """Answers as the Trace that it is of; its sums are those of the events that count.

    `unknown`: those of REPLAYED that are not known. Raises TraceError.
    """

    def __init__(
        self,
        trace: Trace,
        first: int,
        last: int,
        tid: int | None = None,
        tell: Callable[[int], None] | None = None,
    ) -> None:
        """`tell(events so far)` is called now and then."""
        self._trace = trace
        self.first, self.last, self.tid = first, last, tid
        replay = _Replay(trace.sums().groups, self._counts)
        for number, (event, id_) in enumerate(trace.events_of_groups()):
            replay.add(event, id_)
            if tell and number % 65536 == 0:
                tell(number)
        whole = trace.sums()
        self.unknown = replay.finish()
        self._counted = Sums(replay.table(), whole.events, whole.peak, whole.peaks)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trace, name)

    def sums(self) -> Sums:
        return self._counted

    def _counts(self, event: Event) -> bool:
        return self.first <= event.seq <= self.last and self.tid in (None, event.tid)


class _Replay:
    """Each group twice: of the events that count, and of the others."""

    def __init__(self, groups: GroupTable, counts: Callable[[Event], bool]) -> None:
        self._groups, self._counts = groups, counts
        self._inside: dict[int, Group] = {}
        self._outside: dict[int, Group] = {}  # id -> Group
        self._live = LiveBytes()
        # Of each thread the calls that may be open: [event, group].
        self._calls: dict[int, list[tuple[int, Group]]] = {}
        self._reached: set[int] = set()  # un-nested calls

    def add(self, event: Event, id_: int) -> None:
        its = self._inside if self._counts(event) else self._outside
        group = its.get(id_) or self._make(its, id_)
        if its is self._inside:
            group.count += 1
            group.bytes += measure.bytes_asked(event)
            group.failed += event.failed
            group.unfinished += event.dur_ns is None
        self._live.add(event, group)
        if event.kind == "call":
            if event.outer is None:
                self._calls[event.tid] = [(event.seq, group)]
            else:
                self._calls.setdefault(event.tid, []).append((event.seq, group))
        elif event.cause is not None:
            self._reach(self._calls.get(event.tid, ()), event.cause)

    def _make(self, its: dict[int, Group], id_: int) -> Group:
        group = its[id_] = self._groups.bare(id_ - 1)
        group.id = id_ if its is self._inside else -id_
        group.own_peak_bytes = 0
        for name in SUMS:
            setattr(group, name, 0)
        return group

    def _reach(self, calls: Sequence[tuple[int, Group]], cause: int) -> None:
        """The un-nested call around this one reached the kernel; it is counted once."""
        if any(seq == cause for seq, _ in calls):
            seq, group = calls[0]
            group.reached += seq not in self._reached
            self._reached.add(seq)

    def finish(self) -> set[str]:
        """Those of REPLAYED that do not add up to what the trace says."""
        self._live.finish()
        said = {**self._groups.sums, "own_peak_bytes": self._groups.own_peak}
        return {name for name in REPLAYED if not self._adds_up(name, said[name])}

    def _adds_up(self, name: str, said: array[int]) -> bool:
        found = [0] * len(said)
        for its in (self._inside, self._outside):
            for id_, group in its.items():
                found[id_ - 1] += getattr(group, name)
        return found == list(said)

    def table(self) -> GroupTable:
        """The groups of the events that count, and those of the calls around them."""
        kept, within = set(self._inside), self._groups.within
        for id_ in self._inside:
            while within[id_ - 1] and within[id_ - 1] not in kept:
                id_ = within[id_ - 1]
                kept.add(id_)
        numbers = {id_: number for number, id_ in enumerate(sorted(kept), 1)}
        table = self._groups.picked([id_ - 1 for id_ in numbers])
        for id_, number in numbers.items():
            group = self._inside.get(id_)
            sums = {name: getattr(group, name) if group else 0 for name in SUMS}
            table.set_row(number - 1, sums, group.own_peak_bytes if group else 0)
            table.within[number - 1] = numbers.get(within[id_ - 1], 0)
        return table
