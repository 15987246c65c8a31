"""The events of a recorder's run that is not too long: their columns, and what is asked of them.

An Event costs more than all columns of a row, so one is made when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from operator import gt

from .check import TraceError
from .schema import COLUMN_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import overload

    from alloctrace.history.packed import PackedHistory
    from alloctrace.model import Event


class FewEvents(Sequence["Event"]):
    """`columns`: {name: list} of all events, as trace_schema.EVENT_COLUMNS has them."""

    def __init__(self, packed: PackedHistory) -> None:
        self._packed = packed
        self._made: dict[int, Event] = {}
        self.columns: dict[str, list[int]] = {name: [] for name in COLUMN_NAMES}
        for index in range(len(packed.chunks)):
            for values, more in zip(self.columns.values(), packed.chunk_columns(index)):
                values += more
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
        index = range(len(self))[index]
        event = self._made.get(index)
        if event is None:
            row = tuple([column[index] for column in self._rows])
            event = self._made[index] = self._make(index, row)
        return event

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def threads(self) -> list[int]:
        """The thread of each event."""
        return self.columns["tid"]

    def named(self, name: str) -> Iterator[tuple[int, Event]]:
        """(index, Event) of the events of that name."""
        groups = self._packed.sums.groups
        of_name = {number for number, what in enumerate(groups.whats) if what.name == name}
        wanted = {id_ for id_, what in enumerate(groups.what, 1) if what in of_name}
        for index, group in enumerate(self.columns["group"]):
            if group in wanted:
                yield index, self[index]
