"""Sums and live blocks of a recorder that died before it wrote them: counted from its events."""

from __future__ import annotations

from array import array

from alloctrace import measure
from alloctrace.columns.group_table import SUMS, clamped, sums_of
from .blocks import Block, asked
from .live_bytes import LiveBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .packed import PackedHistory
    from alloctrace.model import Event

_REMEMBERED = 1 << 12  # nested calls, and calls that reached the kernel; fewer are ever open


class Recount:
    """Takes events with their groups, in their order."""

    def __init__(self, packed: PackedHistory) -> None:
        table = packed.sums.groups
        table.set_sums(0, [array("q", bytes(8 * len(table)))] * len(SUMS))  # it may have told some
        self._packed, self._groups = packed, list(table)
        self._live = LiveBytes()
        self._blocks: dict[Any, Any] = {}  # pid -> {number: Block}
        self._images: dict[Any, Any] = {}
        self._outer: dict[Any, Any] = {}
        self._reached: dict[Any, Any] = {}

    def all(self) -> None:
        """Fill in the sums and blocks of `packed`."""
        groups = self._groups
        for index in range(len(self._packed.chunks)):
            for event, id_ in self._packed.chunk_events(index):
                self._add(event, groups[id_ - 1])
        self._live.finish()
        table = self._packed.sums.groups
        table.set_sums(0, list(zip(*map(sums_of, groups))))
        table.own_peak = clamped([group.own_peak_bytes for group in groups])
        self._packed.sums.peak = self._live.peak
        self._packed.sums.peaks = self._live.own.peaks()
        self._packed.sums.timeline = self._live.timeline
        self._packed.sums.stages = self._live.stages.rows()
        self._packed.blocks = [b for held in self._blocks.values() for b in held.values()]

    def _add(self, event: Event, group: Any) -> None:
        group.count += 1
        group.bytes += measure.bytes_asked(event)
        group.failed += event.failed
        group.unfinished += event.dur_ns is None
        if event.outer is not None:
            _remember(self._outer, event.seq, event.outer)
        if event.cause is not None:
            self._reach(event.cause, group)
        self._follow(event, self._live.add(event, group))

    def _reach(self, seq: int, group: Any) -> None:
        """The un-nested call of this syscall's group reached the kernel; it is counted once."""
        groups = self._groups
        while group.within:
            group = groups[group.within - 1]
        while seq in self._outer:
            seq = self._outer[seq]
        if seq not in self._reached:
            _remember(self._reached, seq, True)
            group.reached += 1

    def _follow(self, event: Event, ends: int | list[bytes]) -> None:
        held = self._blocks.setdefault(event.pid, {})
        if self._images.setdefault(event.pid, event.image) != event.image:
            self._images[event.pid] = event.image
            held.clear()  # exec
        if measure.hands_out(event) and event.result:
            known = held.get(event.block)
            seq = known.seq if known else event.seq
            made = Block(event.block or 0, event.result, asked(event), seq, event.seq)
            held[event.block] = made
        elif ends:
            held.pop(event.block, None)


def _remember(known: dict[Any, Any], key: object, value: object) -> None:
    known[key] = value
    if len(known) > _REMEMBERED:
        known.pop(next(iter(known)))
