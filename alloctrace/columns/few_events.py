"""Events that are not too many: their columns, and what is asked of them.

An Event costs more than all columns of a row, so one is made when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, count
from operator import gt

from .check import TraceError
from .schema import COLUMN_NAMES, PRESENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import overload

    from alloctrace.history.packed import PackedHistory
    from alloctrace.model import Event

_BLOCK, _ERRNO = PRESENT["block"], PRESENT["errno"]
_OF_BLOCK = _BLOCK | PRESENT["outer"]  # what a nested call does, the call around it tells


class FewEvents(Sequence["Event"]):
    """`columns`: {name: list} of the events, as trace_schema.EVENT_COLUMNS has them; without any
    those of all of the run."""

    def __init__(self, packed: PackedHistory, columns: dict[str, list[int]] | None = None) -> None:
        self._packed = packed
        self._made: dict[int, Event] = {}
        self.columns = _all(packed) if columns is None else columns
        self._check()
        self.regrouped()

    def _check(self) -> None:
        """What rows point to is there: they may come from a stranger."""
        groups, columns = self.columns["group"], self.columns
        if groups and not 0 < min(groups) <= max(groups) <= len(self._packed.sums.groups):
            raise TraceError("damaged: an event is of no group")
        for name in ("cause", "outer"):
            distances = columns[name]
            if any(distances) and (min(distances) < 0 or any(map(gt, distances, count()))):
                raise TraceError("damaged: the %s of an event" % name)
        if not set(columns["args"]) - {0} <= self._packed.arguments.keys():
            raise TraceError("damaged: no arguments of an event")

    def regrouped(self) -> None:
        """The events are of other groups than before, or their groups say more."""
        self._made.clear()
        self._make = self._packed.maker().one
        self._rows = tuple(self.columns.values())

    def __len__(self) -> int:
        return len(self.columns["group"])

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Event:
            ...

        @overload
        def __getitem__(self, index: slice) -> list[Event]:
            ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        event = self._made.get(index)
        if event is None:
            if index < 0:
                return self[range(len(self))[index]]
            row = [column[index] for column in self._rows]
            event = self._made[index] = self._make(index, row)
        return event

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def threads(self) -> list[int]:
        """The thread of each event."""
        return self.columns["tid"]

    def before(self) -> dict[int, int]:
        """{index: index of the event that handed out or moved the same block before}"""
        columns, groups = self.columns, self._packed.sums.groups
        of_what = [what.image if what.kind == "call" else None for what in groups.whats]
        images = [None, *map(of_what.__getitem__, groups.what)]
        found: dict[int, int] = {}
        last: dict[tuple[int, int], int] = {}
        rows = zip(columns["group"], columns["present"], columns["block"])
        for index, (group, present, block) in enumerate(rows):
            image = images[group]
            if present & _OF_BLOCK != _BLOCK or image is None:
                continue
            key = image, block
            if key in last:
                found[index] = last[key]
            if not present & _ERRNO:  # else the block is as it was
                last[key] = index
        return found

    def named(self, name: str) -> Iterator[tuple[int, Event]]:
        """(index, Event) of the events of that name."""
        groups = self._packed.sums.groups
        of_name = [what.name == name for what in groups.whats]
        wanted = bytes([0, *map(of_name.__getitem__, groups.what)])
        column = self.columns["group"]
        for index in compress(range(len(column)), map(wanted.__getitem__, column)):
            yield index, self[index]


def _all(packed: PackedHistory) -> dict[str, list[int]]:
    columns: dict[str, list[int]] = {name: [] for name in COLUMN_NAMES}
    for index in range(len(packed.chunks)):
        for values, more in zip(columns.values(), packed.chunk_columns(index)):
            values += more
    return columns
