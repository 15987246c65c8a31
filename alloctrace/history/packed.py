"""What the history in C made of a run: chunks of columns, groups with their sums, a tree of stacks.

It is written by recorder/host/history/ into the spool, and read here as a part of the History. Of
few events all columns are at hand (few_events.py); of many they are read one chunk at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter

from alloctrace.columns import columns, events as trace_events
from alloctrace.columns.check import TraceError
from alloctrace.columns.group_table import GroupTable
from alloctrace.columns.schema import COLUMN_NAMES
from alloctrace.stacks.nodes import NodeStacks
from .groups import Sums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.columns.few_events import FewEvents
    from collections.abc import Iterator, Sequence
    from typing import Any

    from alloctrace.model import Event
    from alloctrace.spool.spool import Column
    from .blocks import Block

# What no purpose rests on: to read it of a few events in many chunks would cost more than the rest.
UNASKED = [COLUMN_NAMES.index(name) for name in ("t_ns", "dur_ns", "align")]
_ASKED = [name for at, name in enumerate(COLUMN_NAMES) if at not in UNASKED]
MANY = 50000  # events: each one's purpose is asked for up to here, beyond only each group's


class PackedHistory:
    """The records of one history in C."""

    def __init__(self) -> None:
        self.names: dict[int, tuple[str, str, str | None]] = {}  # id -> (kind, name, impl)
        self.arguments: dict[int, dict[str, Any]] = {}  # id -> dict
        self.chunks: list[tuple[int, int, list[Column]]] = []  # (first, count, [spool.Column])
        self.late: list[Any] = []  # (seq, column, value)
        self._late_rows: list[Any] | None = None  # the same by seq
        self.sums = Sums(GroupTable())
        self.blocks: list[Block] = []
        self.stacks = NodeStacks()
        self.is_whole = False  # its sums are there: it was not cut off
        self.keeps_events = True  # else only the first ones are there, as examples
        self.told = 0  # events of which the sums are
        self.events: Events | NotKept | FewEvents = Events(self)

    def chunk_events(self, index: int) -> Iterator[tuple[Event, int]]:
        """Yield (Event, id of its group) of one chunk."""
        return self.maker().of(self.chunks[index][0], self.chunk_columns(index))

    def chunk_columns(self, index: int) -> list[list[int]]:
        """All columns of one chunk, with what became known later."""
        first, chunk = self.columns(index, COLUMN_NAMES)
        trace_events.mend(chunk, first, self._late_of(first, first + len(chunk[0])))
        return chunk

    def columns(
        self, index: int, names: Sequence[str], rows: Sequence[int] | None = None
    ) -> tuple[int, list[list[int]]]:
        """(seq of its first event, these columns of the chunk), without what became known later;
        `rows`: indexes of those that are wanted, else all."""
        first, count, packed = self.chunks[index]
        try:
            return first, _unpack(packed, count, names, rows)
        except columns.ColumnError as error:
            raise TraceError("damaged: %s" % error) from None

    def where(self, index: int, name: str, table: bytes) -> tuple[int, int, bytes]:
        """(seq of the first event of a chunk, how many it has, of each what `table` holds for what
        it has in that column)."""
        first, count, packed = self.chunks[index]
        try:
            found = columns.where(*_by_name(packed, count)[name], count, table)
        except columns.ColumnError as error:
            raise TraceError("damaged: %s" % error) from None
        return first, count, found

    def pick(
        self, wanted: list[int] | set[int], chunks: set[int], maker: trace_events.Events
    ) -> Iterator[tuple[Event, int]]:
        """(Event, id of its group) of the seqs in `wanted`, as far as they lie in `chunks`
        (indexes), without what no purpose rests on (UNASKED)."""
        wanted = sorted(wanted)
        for index in sorted(chunks):
            first, count, _ = self.chunks[index]
            here = wanted[bisect_left(wanted, first) : bisect_left(wanted, first + count)]
            if here:
                _, chunk = self.columns(index, _ASKED, [seq - first for seq in here])
                for at in UNASKED:
                    chunk.insert(at, [0] * len(here))
                row_of = {seq: row for row, seq in enumerate(here)}
                late = self._late_of(first, first + count)
                late = ((row_of[seq], name, value) for seq, name, value in late if seq in row_of)
                trace_events.mend(chunk, 0, late)
                yield from maker.some(here, chunk)

    def _late_of(self, first: int, end: int) -> Iterator[tuple[int, str, int]]:
        """(seq, name of the column, value) of what became known later."""
        if self._late_rows is None or len(self._late_rows) != len(self.late):
            self._late_rows = sorted(self.late, key=itemgetter(0))
        rows = self._late_rows
        here = rows[bisect_left(rows, (first,)) : bisect_left(rows, (end,))]
        return ((seq, COLUMN_NAMES[at], _signed(value)) for seq, at, value in here)

    def maker(self) -> trace_events.Events:
        """Makes events of rows."""
        return trace_events.Events(self.sums.groups, self._arguments)

    def _arguments(self, id_: int) -> dict[str, Any]:
        if id_ not in self.arguments:
            raise TraceError("damaged: no arguments %d" % id_)
        return dict(self.arguments[id_])


class NotKept:
    """In place of events of which only sums were kept."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Event]:
        return iter(())


class Events:
    """The events, made anew at each iteration: one chunk at a time is in memory."""

    def __init__(self, packed: PackedHistory) -> None:
        self._packed = packed

    def __len__(self) -> int:
        chunks = self._packed.chunks
        return chunks[-1][0] + chunks[-1][1] if chunks else 0

    def __iter__(self) -> Iterator[Event]:
        for index in range(len(self._packed.chunks)):
            for event, _ in self._packed.chunk_events(index):
                yield event


def _unpack(
    packed: list[Column], count: int, names: Sequence[str], rows: Sequence[int] | None
) -> list[list[int]]:
    """Columns in the order of `names`."""
    return trace_events.unpack(_by_name(packed, count), count, names, rows)


def _by_name(packed: list[Column], count: int) -> trace_events.PackedColumns:
    """As trace_events.by_name; a column that was left out is all zeros."""
    found: trace_events.PackedColumns
    found = dict.fromkeys(COLUMN_NAMES, (columns.Packed(0, 0, count, b""), False))
    for column in packed:
        data = bytes(column.data) if column.width else b""
        row = columns.Packed(column.width, column.base, column.period, data)
        found[COLUMN_NAMES[column.column]] = row, bool(column.delta)
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
