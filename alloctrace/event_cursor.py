"""Walking through the events of a trace, forwards and back, without reading all of them: a run may
have millions. What is asked of many at once is asked of their groups."""

from __future__ import annotations

from bisect import bisect_left

from alloctrace import measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.model import Event, Group
    from alloctrace.trace.read import Trace

WINDOW = 512  # events that are made at once
OPEN = 2000  # events ahead in which calls of other threads are looked for that reached the kernel
LOOKED_AT = 20000  # events ahead in which a call's syscalls are looked for
DEEPEST = 1000  # calls in one another


class Cursor:
    """`wanted(group)`: whether a group's events are walked through; None: all are. `timeline`: the
    record's."""

    def __init__(
        self,
        trace: Trace,
        wanted: Callable[[Event | Group], bool] | None = None,
        timeline: dict[str, Any] | None = None,
    ) -> None:
        self.trace = trace
        self.count = trace.run.get("events") or 0
        self._timeline = timeline or {"seq": [], "live_bytes": {}}
        self.wanted, self._groups = wanted, trace.sums().groups
        self._ids: dict[str, set[int]] = {}  # what was searched for -> the ids of its groups
        self._windows: dict[int, list[Event]] = {}  # number -> events

    def event(self, seq: int) -> Event:
        return self._window(seq // WINDOW)[seq % WINDOW]

    def _window(self, number: int) -> list[Event]:
        if number not in self._windows:
            if len(self._windows) > 8:
                self._windows.clear()
            first = number * WINDOW
            last = min(self.count, first + WINDOW) - 1
            self._windows[number] = list(self.trace.events_within([(first, last)]))
        return self._windows[number]

    def _those(self, name: str, is_one: Callable[[Group], bool]) -> set[int]:
        if name not in self._ids:
            self._ids[name] = {
                group.id
                for group in self._groups
                if is_one(group) and (self.wanted is None or self.wanted(group))
            }
        return self._ids[name]

    def near(self, seq: int) -> int | None:
        """The event at `seq`, or the next or else the last one that is walked through."""
        seq = max(0, min(seq, self.count - 1))
        found = self.after(seq - 1)
        return self.before(seq + 1) if found is None else found

    def after(self, seq: int) -> int | None:
        return self._search(self._those("all", lambda group: True), seq + 1, 1)

    def before(self, seq: int) -> int | None:
        return self._search(self._those("all", lambda group: True), seq - 1, -1)

    def next_of_mine(self, seq: int) -> int | None:
        mine = self._those("mine", lambda group: measure.origin(group) == "user")
        return self._search(mine, seq + 1, 1)

    def _search(self, ids: set[int], seq: int, step: int) -> int | None:
        """The first event from `seq` on that is of one of these groups; None: there is none."""
        if not ids or not 0 <= seq < self.count:
            return None
        for first, groups in self.trace.group_columns(seq, step):
            if ids.isdisjoint(groups):
                continue
            begin = max(0, seq - first) if step > 0 else min(seq - first, len(groups) - 1)
            for at in range(begin, len(groups) if step > 0 else -1, step):
                if groups[at] in ids:
                    return first + at
        return None

    def next_that_reached(self, seq: int) -> int | None:
        """The next call during which a memory syscall was made: by the syscalls that follow."""
        syscalls = self._those("syscalls", lambda group: group.kind == "syscall")
        after, best, until = seq, None, self.count
        while True:
            at = self._search(syscalls, after + 1, 1)
            if at is None or at >= until:
                return best
            after = at
            call = self.outermost(self.event(at))
            if call.kind == "call" and seq < call.seq and (best is None or call.seq < best):
                best, until = call.seq, min(until, at + OPEN)

    def outermost(self, event: Event) -> Event:
        """The un-nested call that an event is or lies in; a syscall that none made is itself."""
        for _ in range(DEEPEST):
            above = event.cause if event.kind == "syscall" else event.outer
            if above is None:
                break
            event = self.event(above)
        return event

    def syscalls_of(self, call: Event) -> list[Event] | None:
        """The memory syscalls made during an un-nested call, in their order; None: not known.

        It has ended where its thread makes another event that does not lie in it.
        """
        last = min(self.count, call.seq + LOOKED_AT)
        found: list[Event] = []
        for seq in range(call.seq + 1, last):
            event = self.event(seq)
            if event.tid != call.tid or event.pid != call.pid:
                continue
            if self.outermost(event).seq != call.seq:
                return found
            if event.kind == "syscall":
                found.append(event)
        return found if found or last == self.count else None

    def live_around(self, seq: int) -> list[tuple[int, int]]:
        """[(event, bytes live before it)] of the moments around `seq` that are known: one where
        `seq` is one of them."""
        seqs, lists = self._timeline["seq"], self._timeline["live_bytes"].values()
        at = bisect_left(seqs, seq)
        is_one = at < len(seqs) and seqs[at] == seq
        near = (at,) if is_one else tuple(i for i in (at - 1, at) if 0 <= i < len(seqs))
        return [(seqs[i], sum(values[i] for values in lists if i < len(values))) for i in near]
