"""Blocks through time: live, peak, leaked, temporary. Bytes are those asked for, not the chunk's.

A block that `realloc` moves or grows stays the same block. Temporary: freed before its thread's
next allocation, so a block that was ever re-allocated is not. An exec ends all memory of its
process: what was live then is not leaked. A child's copies of its parent's blocks are not counted.

What each group held at the peak is known without looking at all of them at every new peak: a group
notes what it holds when it is about to change, if there was a peak since its last change.
"""

from __future__ import annotations

from . import measure
from .stages import Stages

TIMELINE = 512  # points of the timeline, at most twice as many


class LiveBytes:
    """Follows the blocks of one run, event by event, and adds them up in groups."""

    def __init__(self):
        self._live = {}  # pid -> {block -> (bytes, group)}
        self._images = {}  # pid -> the program that it is
        self._latest = {}  # tid -> the block of its latest allocation, if that was its first
        self._maker = {}  # (pid, block) -> tid
        self._at_peak = {}  # group id -> (number of the peak, group)
        self._peaks = self._events = 0
        self._every = 1
        self.bytes = 0
        self.peak = {"bytes": 0, "seq": None, "t_ns": None, "phase": None}
        self.timeline = []
        self.stages = Stages()

    def add(self, event, group):
        if self._images.setdefault(event.pid, event.image) != event.image:
            self._start_image(event)
        self._tick(event)
        if measure.hands_out(event):
            self._allocate(event, group)
        elif measure.is_call(event) and measure.frees(event):
            self._free(event)

    def _start_image(self, event):
        self._images[event.pid] = event.image
        for block, (size, group) in self._live.pop(event.pid, {}).items():
            self._change(group, -1, -size)
            self._latest.pop(self._maker.pop((event.pid, block), None), None)

    def _change(self, group, blocks, size):
        if group.id not in self._at_peak or self._at_peak[group.id][0] != self._peaks:
            self._at_peak[group.id] = (self._peaks, group)
            group.peak_bytes = group.live_bytes
        self.stages.touch(group)
        group.live_blocks += blocks
        group.live_bytes += size
        self.bytes += size

    def _allocate(self, event, group):
        grown = self._drop(event)
        size = measure.bytes_asked(event)
        self._live.setdefault(event.pid, {})[event.block] = (size, group)
        self._maker[event.pid, event.block] = event.tid
        self._latest[event.tid] = None if grown else event.block
        self._change(group, 1, size)
        group.allocations += 1
        group.allocated += size
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

    def _drop(self, event):
        """Take its block out of the live ones; (bytes, group), or None if it was not live."""
        gone = self._live.get(event.pid, {}).pop(event.block, None)
        if gone:
            self._change(gone[1], -1, -gone[0])
        return gone

    def _free(self, event):
        gone = self._drop(event)
        maker = self._maker.pop((event.pid, event.block), None)
        if gone and self._latest.get(maker) == event.block:
            gone[1].temporary_blocks += 1
            gone[1].temporary_bytes += gone[0]

    def _tick(self, event):
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

    def finish(self):
        """Groups that did not change since the peak held then what they hold now."""
        for number, group in self._at_peak.values():
            if number != self._peaks:
                group.peak_bytes = group.live_bytes
