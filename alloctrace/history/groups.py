"""Events -> groups of those that are alike, with their sums: all that a report shows.

Events are alike when only time, size and address differ: they have one verdict and one purpose.
The history in C (recorder/host/) does the same while a program runs.
"""

from __future__ import annotations

from array import array

from alloctrace import measure
from alloctrace.columns.group_table import GroupTable
from alloctrace.model import Group
from alloctrace.plain import fresh, plain
from . import live_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from alloctrace.model import Event, Purpose, Verdict


@plain
class Sums:
    """The groups of a run, and what is in none of them."""

    groups: Any = fresh(list)  # Group, or a GroupTable; groups[id - 1]
    events: int = 0
    peak: dict[str, Any] = fresh(dict)  # bytes, seq, t_ns, phase
    peaks: list[dict[str, Any]] = fresh(list)  # the same of each program: with pid, image
    timeline: list[tuple[int, ...]] = fresh(list)  # (seq, t_ns, live bytes, highest until the next)
    stages: list[tuple[int, int, int, int]] = fresh(list)  # stages.Stages.rows: the same by group


def of_events(events: list[Event]) -> Sums:
    """The Sums of classified events."""
    gather = Gather()
    for event in events:
        gather.add(event)
    return gather.finish()


class Gather:
    """Takes events in their order; `finish` gives the Sums."""

    def __init__(self) -> None:
        self.sums = Sums()
        self._known: dict[tuple[Any, ...], Group] = {}
        self._kept: list[
            tuple[Verdict | None, Purpose | None]
        ] = []  # or identities of verdicts and purposes would be used again
        self._of_call = array("I")  # by seq the id of a call's group; 0: of none. A dict of ten
        # million calls would take 700 MiB
        self._outer: dict[int, int] = {}  # seq of a nested call -> its outer call
        self._reached: set[int] = set()
        self._live = live_bytes.LiveBytes()

    def add(self, event: Event) -> Group:
        """The Group of the event."""
        within = event.cause if event.kind == "syscall" else event.outer
        group = self._group(event, within)
        self.sums.events += 1
        group.count += 1
        group.bytes += measure.bytes_asked(event)
        group.failed += event.failed
        group.unfinished += event.dur_ns is None
        if event.kind == "call":
            self._of_call.frombytes(bytes(4 * max(0, event.seq + 1 - len(self._of_call))))
            self._of_call[event.seq] = group.id
            if event.outer is not None:
                self._outer[event.seq] = event.outer
        elif event.cause is not None:
            self._reach(event.cause)
        self._live.add(event, group)
        return group

    def _group(self, event: Event, within: int | None) -> Group:
        around = self._call(within)
        alike: tuple[Any, ...] = (
            event.kind,
            event.name,
            event.impl,
            event.pid,
            event.phase,
            event.image,
        )
        key: tuple[Any, ...] = alike + (
            event.stack,
            id(event.verdict),
            id(event.purpose),
            around and around.id,
        )
        key += (event.region,)
        group = self._known.get(key)
        if group is None:
            group = self._known[key] = Group(
                id=len(self.sums.groups) + 1,
                pid=event.pid,
                kind=event.kind,
                name=event.name,
                impl=event.impl,
                phase=event.phase,
                image=event.image,
                stack=event.stack,
                within=around.id if around else 0,
                verdict=event.verdict,
                purpose=event.purpose,
                first_seq=event.seq,
                first_t=event.t_ns,
                region=event.region,
            )
            self._kept.append((event.verdict, event.purpose))
            self.sums.groups.append(group)
        return group

    def _reach(self, seq: int) -> None:
        """The un-nested call around `seq` made a syscall; it is counted once."""
        for _ in range(len(self._outer) + 1):
            if seq not in self._outer:
                break
            seq = self._outer[seq]
        call = self._call(seq)
        if call is not None and seq not in self._reached:
            self._reached.add(seq)
            call.reached += 1

    def _call(self, seq: int | None) -> Group | None:
        """The group of a call, if it is one that has begun."""
        if seq is None or not 0 <= seq < len(self._of_call):
            return None
        id_ = self._of_call[seq]
        group: Group | None = self.sums.groups[id_ - 1] if id_ else None
        return group

    def finish(self) -> Sums:
        self._live.finish()
        self.sums.groups = GroupTable.of(self.sums.groups)
        self.sums.peak = self._live.peak
        self.sums.peaks = self._live.own.peaks()
        self.sums.timeline = self._live.timeline
        self.sums.stages = self._live.stages.rows()
        return self.sums
