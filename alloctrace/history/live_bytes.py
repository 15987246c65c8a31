"""Blocks through time: live, peak, leaked, temporary. Bytes are those asked for, not the chunk's.

A block that `realloc` moves or grows stays the same block. Temporary: freed before its thread's
next allocation, so a block that was ever re-allocated is not. An exec ends all memory of its
process: what was live then is not leaked. A child's copies of its parent's blocks are not counted.
A nested call is not counted, but what it frees is no longer live; where it works on the block of a
call around it, that one tells.

What each group held at the peak is known without looking at all of them at every new peak: a group
notes what it holds when it is about to change, if there was a peak since its last change. Each
program of each process has a peak of its own besides (recorder/host/history/live.c has the same).
"""

from __future__ import annotations

from functools import partial

from alloctrace import measure
from .stages import Stages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.model import Event, Group

TIMELINE = 512  # points of the timeline, at most twice as many


class LiveBytes:
    """Follows the blocks of one run, event by event, and adds them up in groups."""

    def __init__(self) -> None:
        self._live: dict[
            int, dict[int | None, tuple[int, Group]]
        ] = {}  # pid -> {block -> (bytes, group)}
        self._images: dict[int, int] = {}  # pid -> the program that it is
        self._latest: dict[
            int | None, int | None
        ] = {}  # tid -> the block of its latest allocation, if that was its first
        self._maker: dict[tuple[int, int | None], int] = {}  # (pid, block) -> tid
        self._open: dict[
            int, list[list[Any]]
        ] = {}  # tid -> its calls, each inside the one before: [event, what its return does]
        self._tid: int = 0  # of the event before
        self._at_peak: dict[int, tuple[int, Group]] = {}  # group id -> (number of the peak, group)
        self._peaks = self._events = 0
        self._every = 1
        self.bytes = 0
        self.peak: dict[str, Any] = {"bytes": 0, "seq": None, "t_ns": None, "phase": None}
        self.timeline: list[tuple[int, ...]] = []
        self.stages = Stages()
        self.own = OwnPeaks()

    def add(self, event: Event, group: Group) -> bool:
        """Whether it ends its block."""
        calls = self._around(event)
        if self._images.setdefault(event.pid, event.image) != event.image:
            self._start_image(event)
        self._tick(event)
        if event.kind != "call":
            return False
        is_for_outer = any(call.block == event.block for call, _ in calls)
        ends = measure.frees(event) and not is_for_outer
        act: Callable[[Event], object] | None = self._free if ends else None
        if measure.hands_out(event):
            act = partial(self._allocate, group=group)
        elif calls and not ends and not is_for_outer and not event.failed:
            act = self._resize
        if ends and event.name == "free":
            self._free(event)  # another thread may be handed the address before it returns
            act = None
        calls.append([event, act])
        return ends

    def _around(self, event: Event) -> list[list[Any]]:
        """The calls of its thread that it lies in; the others have returned. So, for all that is
        known, have those of the thread that came before it."""
        if event.tid != self._tid:
            self._return(self._open.get(self._tid, ()))
            self._tid = event.tid
        calls = self._open.setdefault(event.tid, [])
        outer = event.cause if event.kind == "syscall" else event.outer
        inside = next((at for at, (call, _) in enumerate(calls, 1) if call.seq == outer), 0)
        self._return(calls[inside:])
        del calls[inside:]
        return calls

    @staticmethod
    def _return(calls: list[list[Any]] | tuple[()]) -> None:
        for call in reversed(calls):
            event, act = call
            call[1] = None
            if act:
                act(event)

    def _start_image(self, event: Event) -> None:
        self._images[event.pid] = event.image
        for block, (size, group) in self._live.pop(event.pid, {}).items():
            self._change(group, -1, -size)
            self._latest.pop(self._maker.pop((event.pid, block), None), None)

    def _change(self, group: Group, blocks: int, size: int) -> None:
        if group.id not in self._at_peak or self._at_peak[group.id][0] != self._peaks:
            self._at_peak[group.id] = (self._peaks, group)
            group.peak_bytes = group.live_bytes
        self.stages.touch(group)
        self.own.change(group, size)
        group.live_blocks += blocks
        group.live_bytes += size
        self.bytes += size

    def _allocate(self, event: Event, group: Group) -> None:
        grown = self._drop(event)
        size = measure.bytes_asked(event)
        self._live.setdefault(event.pid, {})[event.block] = (size, group)
        self._maker[event.pid, event.block] = event.tid
        self._latest[event.tid] = None if grown else event.block
        self._change(group, 1, size)
        group.allocations += 1
        group.allocated += size
        self._look_up(event)

    def _drop(self, event: Event) -> tuple[int, Group] | None:
        """Take its block out of the live ones; (bytes, group), or None if it was not live."""
        gone = self._live.get(event.pid, {}).pop(event.block, None)
        if gone:
            self._change(gone[1], -1, -gone[0])
        return gone

    def _free(self, event: Event) -> None:
        gone = self._drop(event)
        maker = self._maker.pop((event.pid, event.block), None)
        if gone and self._latest.get(maker) == event.block:
            gone[1].temporary_blocks += 1
            gone[1].temporary_bytes += gone[0]

    def _resize(self, event: Event) -> None:
        """A nested realloc of a block, which stays its maker's."""
        live = self._live.get(event.pid, {})
        if event.block in live:
            size, group = live[event.block]
            live[event.block] = measure.bytes_asked(event), group
            self._change(group, 0, measure.bytes_asked(event) - size)
            self._look_up(event)

    def _look_up(self, event: Event) -> None:
        """What is live has grown, or may have."""
        self.own.look_up(event)
        if self.bytes > self.peak["bytes"]:
            self._peaks += 1
            self.peak = {
                "bytes": self.bytes,
                "seq": event.seq,
                "t_ns": event.t_ns,
                "phase": event.phase,
            }
        if self.timeline and self.bytes > self.timeline[-1][3]:
            self.timeline[-1] = self.timeline[-1][:3] + (self.bytes,)

    def _tick(self, event: Event) -> None:
        """The timeline has a point every so many events, and half as many when it is full."""
        if self._events % self._every == 0:
            if len(self.timeline) == 2 * TIMELINE:
                pairs = zip(self.timeline[::2], self.timeline[1::2])
                self.timeline = [a[:3] + (max(a[3], b[3]),) for a, b in pairs]
                self._every *= 2
            if self._events % self._every == 0:
                self.timeline.append((event.seq, event.t_ns, self.bytes, self.bytes))
                self.stages.tick(self._events, event, self.bytes)
        self._events += 1

    def finish(self) -> None:
        """Groups that did not change since the peak held then what they hold now."""
        self._return(self._open.get(self._tid, ()))
        self.own.finish()
        for number, group in self._at_peak.values():
            if number != self._peaks:
                group.peak_bytes = group.live_bytes


class OwnPeaks:
    """The most that was live at once in each program of each process, and what groups held of it.

    A program is one image of one process: the memory ends with it."""

    def __init__(self) -> None:
        self._images: dict[tuple[int, int], _Image] = {}  # (pid, image) -> _Image
        self._at_peak: dict[int, tuple[int, Group]] = {}  # group id -> (number of the peak, group)

    def change(self, group: Group, size: int) -> None:
        """The group is about to hold `size` bytes more."""
        image = self._images.setdefault((group.pid, group.image), _Image())
        if self._at_peak.get(group.id, (0,))[0] != image.number:
            group.own_peak_bytes = group.live_bytes
        self._at_peak[group.id] = image.number, group
        image.live += size

    def look_up(self, event: Event) -> None:
        """What is live has grown by the event, or may have."""
        image = self._images[event.pid, event.image]
        if image.live > image.bytes:
            image.bytes, image.event = image.live, event
            image.number += 1

    def finish(self) -> None:
        """Groups that did not change since the peak held then what they hold now."""
        for number, group in self._at_peak.values():
            if number != self._images[group.pid, group.image].number:
                group.own_peak_bytes = group.live_bytes

    def peaks(self) -> list[dict[str, Any]]:
        """[{pid, image, bytes, seq, t_ns, phase}], in the order in which they began."""
        return [
            {
                "pid": pid,
                "image": number,
                "bytes": image.bytes,
                "seq": image.event.seq,
                "t_ns": image.event.t_ns,
                "phase": image.event.phase,
            }
            for (pid, number), image in self._images.items()
            if image.event
        ]


class _Image:
    def __init__(self) -> None:
        self.live = self.bytes = self.number = 0
        self.event: Event | None = None  # that made the peak
