"""Events -> the column chunks of a trace, and their sums by group."""

from __future__ import annotations

import json
import operator

from alloctrace.columns import columns
from alloctrace.columns.schema import EVENT_COLUMNS, PRESENT, SIGNED_SIZE
from alloctrace.history.groups import Gather

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from alloctrace.history.groups import Sums
    from alloctrace.model import Event, Purpose, Verdict


class Interned:
    """Values that many events share, numbered from 1; 0 is None."""

    def __init__(self) -> None:
        self._ids: dict[str | tuple[int | str | None, ...], int] = {}
        self._by_identity: dict[int, int] = {}  # objects are shared too: comparing them is slow
        self._kept: list[Purpose | Verdict] = []

    def id(self, value: Purpose | Verdict | None, key: Callable[..., Any]) -> int:
        """The number of `value`; `key(value)` is the row that is stored."""
        if value is None:
            return 0
        known = self._by_identity.get(id(value))
        if known is None:
            known = self._ids.setdefault(key(value), len(self._ids) + 1)
            self._by_identity[id(value)] = known
            self._kept.append(value)  # or its identity would be used again
        return known

    def all(self, values: Any, key: Any) -> Any:
        """The numbers of many values: as `id` of each."""
        found = list(map(self._by_identity.get, map(id, values)))
        for at, value in enumerate(values) if None in found else ():
            found[at] = self.id(value, key)
        return found

    def plain(self, value: str | tuple[int | str | None, ...]) -> int:
        """The number of a hashable value."""
        return self._ids.setdefault(value, len(self._ids) + 1)

    def rows(self) -> dict[str | tuple[int | str | None, ...], int]:
        return self._ids


class EventColumns:
    """Turns events into column chunks, and adds them up in groups."""

    def __init__(self) -> None:
        self._gather = Gather()
        self.arguments = Interned()

    def chunk(self, events: list[Event]) -> Iterator[tuple[bytes | int | str, ...]]:
        """Yield (name, width, delta, base, period, data) of up to columns.CHUNK events."""
        table = list(zip(*map(self._row, events)))
        for (name, delta), values in zip(EVENT_COLUMNS, table):
            packed = columns.encode(list(values), delta)
            yield (name, packed.width, int(delta), *packed[1:])

    def _row(self, event: Event) -> tuple[int, ...]:
        return (
            _present(event),
            event.t_ns,
            event.tid,
            self._gather.add(event).id,
            event.dur_ns or 0,
            event.size or 0,
            event.nmemb or 0,
            event.align or 0,
            event.ptr or 0,
            event.result or 0,
            event.errno or 0,
            self.arguments.plain(json.dumps(event.args)) if event.args else 0,
            event.block or 0,
            event.seq - event.cause if event.cause is not None else 0,
            event.seq - event.outer if event.outer is not None else 0,
        )

    def sums(self) -> Sums:
        """The groups.Sums of all events."""
        return self._gather.finish()


_nullable = operator.attrgetter(*PRESENT)
_BITS = tuple(PRESENT.values())


def _present(event: Event) -> int:
    bits = SIGNED_SIZE if event.size is not None and event.size < 0 else 0
    for value, bit in zip(_nullable(event), _BITS):
        if value is not None:
            bits |= bit
    return bits
