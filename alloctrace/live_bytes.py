"""Blocks through time: live, peak, leaked, temporary. Bytes are those asked for, not the chunk's.

A block that `realloc` moves or grows stays the same block. Temporary: freed before its thread's
next allocation, so a block that was ever re-allocated is not. An exec ends all memory: what was
live then is not leaked.
"""

from __future__ import annotations

from collections import Counter

from alloctrace import measure


class LiveBytes:
    """Follows the blocks of one run, event by event."""

    def __init__(self):
        self._live = {}  # block -> (bytes, origin)
        self._image = 0
        self._latest = {}  # tid -> the block of its latest allocation, if that was its first
        self._maker = {}  # block -> tid
        self.bytes = 0
        self.by_origin = Counter()
        self.peak = {"bytes": 0, "seq": None, "t_ns": None, "phase": None, "by_origin": {}}
        self._temporary = Counter()
        self._temporary_bytes = Counter()
        self.allocations = Counter()
        self.allocated = Counter()

    def add(self, event):
        if event.image != self._image:
            self._start_image(event.image)
        if measure.hands_out(event):
            self._allocate(event)
        elif measure.is_call(event) and measure.frees(event):
            self._free(event)

    def _start_image(self, image):
        self._image = image
        self._live.clear()
        self._latest.clear()
        self._maker.clear()
        self.by_origin.clear()
        self.bytes = 0

    def _allocate(self, event):
        grown = self._drop(event.block)
        size, who = measure.bytes_asked(event), measure.origin(event)
        self._live[event.block] = (size, who)
        self._maker[event.block] = event.tid
        self._latest[event.tid] = None if grown else event.block
        self.bytes += size
        self.by_origin[who] += size
        self.allocations[who] += 1
        self.allocated[who] += size
        if self.bytes > self.peak["bytes"]:
            self._note_peak(event)

    def _note_peak(self, event):
        owners = {who: size for who, size in self.by_origin.items() if size}
        self.peak = {
            "bytes": self.bytes,
            "seq": event.seq,
            "t_ns": event.t_ns,
            "phase": event.phase,
            "by_origin": owners,
        }

    def _drop(self, block):
        """Take a block out of the live ones; (bytes, origin), or None if it was not live."""
        gone = self._live.pop(block, None)
        if gone:
            self.bytes -= gone[0]
            self.by_origin[gone[1]] -= gone[0]
        return gone

    def _free(self, event):
        gone = self._drop(event.block)
        maker = self._maker.pop(event.block, None)
        if gone and self._latest.get(maker) == event.block:
            self._temporary[gone[1]] += 1
            self._temporary_bytes[gone[1]] += gone[0]

    def live_blocks(self):
        """{block: bytes} of those live now."""
        return {block: size for block, (size, _) in self._live.items()}

    def leaked(self):
        blocks, sizes = Counter(), Counter()
        for size, who in self._live.values():
            blocks[who] += 1
            sizes[who] += size
        return _by_origin(blocks, sizes)

    def temporary(self):
        return _by_origin(self._temporary, self._temporary_bytes)

    def allocated_total(self):
        """All allocations of the run, live or not."""
        return _by_origin(self.allocations, self.allocated)


def _by_origin(blocks, sizes):
    return {
        "blocks": sum(blocks.values()),
        "bytes": sum(sizes.values()),
        "by_origin": {who: {"blocks": blocks[who], "bytes": sizes[who]} for who in sorted(blocks)},
    }
