"""What the history in C made of a run: chunks of columns, groups with their sums, a tree of stacks.

recorder/host/history/ writes it into the spool; Builder takes its records and makes a PackedHistory
of them, a part of the History. Of few events all columns are at hand (few_events.py); of many they
are read one chunk at a time.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from operator import attrgetter, itemgetter, lt

from alloctrace import fields, words
from alloctrace.columns import columns, events as trace_events
from alloctrace.columns.check import TraceError
from alloctrace.columns.few_events import FewEvents
from alloctrace.columns.group_table import SUMS, GroupTable, What, unsigned
from alloctrace.columns.schema import COLUMN_NAMES, PRESENT
from alloctrace.spool import spool
from alloctrace.stacks.nodes import NodeStacks
from . import recount, syscalls
from .blocks import Block
from .groups import Sums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from alloctrace.model import Event
    from alloctrace.spool.spool import Column

    from .history import History

_PHASE_BITS, _PHASE = 8, 0xFF  # of what a row of groups says of phase and region
_CODE = 0xFFFFFFFF  # instead of a syscall's number: the code that posix_memalign returned
_SIGNED = ("bytes", "allocated", "live_bytes", "temporary_bytes", "peak_bytes")
_SUMS_AT = [8 * spool.SumRow._fields.index(name) for name in SUMS]  # bytes in a row
# What no purpose rests on: to read it of a few events in many chunks would cost more than the rest.
UNASKED = [COLUMN_NAMES.index(name) for name in ("t_ns", "dur_ns", "align")]
_ASKED = [name for at, name in enumerate(COLUMN_NAMES) if at not in UNASKED]
_AROUND = ("present", "cause", "outer")
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
            found = trace_events.unpack(_by_name(packed, count), count, names, rows)
            return first, found
        except columns.ColumnError as error:
            raise TraceError("damaged: %s" % error) from None

    def marked(
        self, index: int, name: str, table: bytes
    ) -> tuple[int, Sequence[int], Sequence[int]]:
        """(seq of the first event of a chunk, rows of those for whose number in that column `table`
        holds more than 0, what it holds)."""
        first, count, packed = self.chunks[index]
        try:
            found = columns.marked(*_by_name(packed, count)[name], count, table)
        except columns.ColumnError as error:
            raise TraceError("damaged: %s" % error) from None
        return (first, *found)

    def pick(self, wanted: set[int], chunks: set[int]) -> tuple[list[int], dict[str, list[int]]]:
        """(seqs, {column: values}) of the events in `wanted` (seqs) and of the calls around them,
        as far as they lie in `chunks` (indexes), without what no purpose rests on (UNASKED)."""
        ordered = sorted(wanted)
        around: set[int] = set()
        seqs: list[int] = []
        found: list[list[int]] = [[] for _ in _ASKED]
        for index in sorted(chunks, reverse=True):  # what lies around an event is older
            first, count, _ = self.chunks[index]
            here = ordered[bisect_left(ordered, first) : bisect_left(ordered, first + count)]
            if here:
                around.update(_around(here, *self._some(index, _AROUND, here)))
            more = {seq for seq in around if seq >= first}
            around -= more
            here = sorted(more.union(here)) if more else here
            here = here[: bisect_left(here, first + count)]
            if here:
                seqs[:0] = here
                for values, new in zip(found, self._some(index, _ASKED, here)):
                    values[:0] = new
        columns_ = dict(zip(_ASKED, found))
        return seqs, {name: columns_.get(name) or [0] * len(seqs) for name in COLUMN_NAMES}

    def _some(self, index: int, names: Sequence[str], seqs: Sequence[int]) -> list[list[int]]:
        """These columns of some events of a chunk, with what became known later."""
        first, count, _ = self.chunks[index]
        _, chunk = self.columns(index, names, [seq - first for seq in seqs])
        late = list(self._late_of(first, first + count))
        if late:
            row_of = {seq: row for row, seq in enumerate(seqs)}
            mine = ((row_of[seq], name, value) for seq, name, value in late if seq in row_of)
            trace_events.mend(chunk, 0, mine, names)
        return chunk

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


def _by_name(packed: list[Column], count: int) -> trace_events.PackedColumns:
    """As trace_events.by_name; a column that was left out is all zeros."""
    found: trace_events.PackedColumns
    found = dict.fromkeys(COLUMN_NAMES, (columns.Packed(0, 0, count, b""), False))
    for column in packed:
        data = bytes(column.data) if column.width else b""
        row = columns.Packed(column.width, column.base, column.period, data)
        found[COLUMN_NAMES[column.column]] = row, bool(column.delta)
    return found


def _around(
    seqs: list[int], presents: list[int], causes: list[int], outers: list[int]
) -> Iterator[int]:
    """The seqs of the calls that these events are in."""
    for bit, distances in ((PRESENT["cause"], causes), (PRESENT["outer"], outers)):
        for seq, present, distance in zip(seqs, presents, distances) if any(distances) else ():
            if distance and present & bit:
                yield trace_events.earlier(seq, distance)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


class Builder:
    """Takes the records of a history in C; `finish` puts them into the History."""

    def __init__(self, unmatched: Counter[str], regions: Callable[[], int] = lambda: 0) -> None:
        """`regions`: tells how many regions there are by now."""
        self.packed = PackedHistory()
        self._regions = regions
        self._unmatched = unmatched
        self._open: list[spool.Column] = []  # columns of the chunk that is not whole yet
        self._whats: dict[
            tuple[int, int, int, int], int
        ] = {}  # (name, pid, phase, image) of a row -> what the table knows it by

    def handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            spool.Nodes: self.nodes,
            spool.Groups: self.groups,
            spool.Arguments: self.arguments,
            spool.Column: self.column,
            spool.Late: self.late,
            spool.Sums: self.sums,
            spool.Blocks: self.blocks,
            spool.Stages: self.stages,
            spool.Members: self.members,
            spool.Peaks: self.peaks,
            spool.AtPeak: self.at_peak,
        }

    def _refuse(self, what: str) -> None:
        self._unmatched["damaged records of the recorder: " + what] += 1

    def name(self, data: dict[str, Any]) -> None:
        kind, name = fields.text(data, "kind"), fields.text(data, "name")
        known = words.ENTRY_POINTS if kind == "call" else words.SYSCALL_NAMES
        if kind not in ("call", "syscall") or name not in known:
            self._refuse("names")
            return
        impl = fields.text(data, "impl", name) if kind == "call" else None
        self.packed.names[fields.number(data, "id")] = (kind, name, impl)

    def nodes(self, record: spool.Nodes) -> None:
        rows = record.rows
        if not self.packed.stacks.add(
            rows.column("i", 0), rows.column("i", 4), rows.column("Q", 8)
        ):
            self._refuse("stacks")

    def groups(self, record: spool.Groups) -> None:
        numbers = [record.rows.column("I", at) for at in range(0, 20, 4)]
        stack, image = record.rows.column("i", 20), record.rows.column("Q", 24)
        ids, name, pid, phases, within = numbers
        phase, region = phases, array("I", bytes(4 * len(phases)))
        if max(phases, default=0) > _PHASE:
            phase = array("I", [value & _PHASE for value in phases])
            region = array("I", [value >> _PHASE_BITS for value in phases])
        if len(record.rows) and not (
            self._are_groups(ids, name, phase, within, stack) and max(region) <= self._regions()
        ):
            self._refuse("groups")
            return
        count = len(self.packed.sums.groups)
        keys = list(zip(name, pid, phase, image))
        whats = list(map(self._whats.get, keys))
        if None in whats:
            whats = list(map(self._what, keys))
        first = [unsigned(record.rows.column("q", at)) for at in (32, 40)]
        before = record.rows.column("q", 48)
        self.packed.sums.groups.extend(whats, stack, within, *first, before)
        self.packed.sums.groups.set_regions(count, region)

    def _are_groups(
        self,
        ids: array[Any],
        name: array[Any],
        phase: array[Any],
        within: array[Any],
        stack: array[Any],
    ) -> bool:
        known, next_ = self.packed, len(self.packed.sums.groups) + 1
        return (
            ids == array("I", range(next_, next_ + len(ids)))
            and set(name) <= known.names.keys()
            and max(phase) < len(words.PHASES)
            and all(map(lt, within, ids))
            and max(stack) <= known.stacks.last
        )

    def _what(self, key: tuple[int, int, int, int]) -> int:
        number = self._whats.get(key)
        if number is None:
            name, pid, phase, image = key
            what = What(*self.packed.names[name], pid, words.PHASES[phase], image)
            number = self._whats[key] = self.packed.sums.groups.what_id(what)
        return number

    def arguments(self, record: spool.Arguments) -> None:
        try:
            self.packed.arguments[record.id] = _arguments(record)
        except (KeyError, IndexError):
            self._refuse("arguments")

    def column(self, record: spool.Column) -> None:
        """The column `present` comes last: with it the chunk is whole."""
        if self._open and self._open[0][:2] != record[:2]:
            self._open = []
        self._open.append(record)
        if record.column != 0:
            return
        packed, self._open = self._open, []
        numbers = {column.column for column in packed}
        is_known = len(numbers) == len(packed) and max(numbers) < len(COLUMN_NAMES)
        is_next = record.first == len(self.packed.events)
        if is_known and is_next and 0 < record.count <= columns.CHUNK:
            self.packed.chunks.append((record.first, record.count, packed))
        else:
            self._refuse("chunks")

    def late(self, record: spool.Late) -> None:
        known = len(self.packed.events)
        for row in record.rows:
            if row[0] < known and row[1] < len(COLUMN_NAMES):
                self.packed.late.append(row)
            else:
                self._refuse("late fields")

    def sums(self, record: spool.Sums) -> None:
        groups, ids = self.packed.sums.groups, record.rows.column("Q", 0)
        if not ids:
            return
        if not self._are_known(ids):
            self._refuse("sums")
            return
        sums = [record.rows.column("q", at) for at in _SUMS_AT]
        sums = [column if name in _SIGNED else unsigned(column) for name, column in zip(SUMS, sums)]
        if ids == array("Q", range(ids[0], ids[0] + len(ids))):
            groups.set_sums(ids[0] - 1, sums)
            return
        for at, id_ in enumerate(ids):
            groups.set_sums(id_ - 1, [column[at : at + 1] for column in sums])

    def blocks(self, record: spool.Blocks) -> None:
        self.packed.blocks += [Block(*row[:5]) for row in record.rows]

    def stages(self, record: spool.Stages) -> None:
        known = self.packed.sums
        seqs, times, groups, _ = zip(*record.rows) if record.rows else ((0,),) * 4
        if max(groups) > len(known.groups) or max(max(seqs), max(times)) >= columns.SIGN:
            self._refuse("stages")
            return
        known.stages += record.rows

    def members(self, record: spool.Members) -> None:
        if self._are_known(record.rows.column("I", 0)):
            self.packed.sums.groups.set_members(record.rows)
        else:
            self._refuse("members")

    def _are_known(self, ids: array[Any]) -> bool:
        groups = self.packed.sums.groups
        return 0 < min(ids, default=1) and max(ids, default=0) <= len(groups)

    def peaks(self, record: spool.Peaks) -> None:
        for pid, phase, image, size, seq, t_ns in record.rows:
            if phase >= len(words.PHASES) or seq >= columns.SIGN or t_ns >= columns.SIGN:
                self._refuse("peaks")
                return
            row = {"pid": pid, "image": image, "bytes": size, "seq": seq, "t_ns": t_ns}
            self.packed.sums.peaks.append(dict(row, phase=words.PHASES[phase]))

    def at_peak(self, record: spool.AtPeak) -> None:
        ids, sizes = record.rows.column("Q", 0), record.rows.column("q", 8)
        if not self._are_known(ids):
            self._refuse("bytes at a peak")
            return
        groups = self.packed.sums.groups
        groups.make_room()
        own_peak = groups.own_peak
        for id_, size in zip(ids, sizes):
            own_peak[id_ - 1] = size

    def ends(self, data: dict[str, Any]) -> None:
        sums, peak = self.packed.sums, data.get("peak")
        peak = peak if isinstance(peak, dict) else {}
        index = fields.number(peak, "phase", len(words.PHASES))
        sums.peak = {key: fields.signed(peak, key) for key in ("bytes", "seq", "t_ns")}
        sums.peak["bytes"] = sums.peak["bytes"] or 0
        sums.peak["phase"] = words.PHASES[index] if index < len(words.PHASES) else None
        points: Any = data.get("timeline")
        sums.timeline = [tuple(p) for p in points if _is_point(p)] if _is_list(points) else []
        self.packed.told = fields.number(data, "events")
        self.packed.is_whole = data.get("last") is not False

    def finish(self, history: History) -> None:
        """Few events have their columns at hand; of many the History only knows how to iterate."""
        known = self.packed
        if not known.names and not known.chunks:
            return
        known.sums.groups.make_room()
        if history.events:
            self._refuse("single calls beside them")
        known.keeps_events = history.run.get("keep") != "totals"
        counted = sum(known.sums.groups.sums["count"])
        if not known.keeps_events:
            known.told = counted  # it may have been killed while it told
        known.sums.events = len(known.events) if known.keeps_events else known.told
        history.packed = known
        known.stacks.use(known.sums.groups.stack)
        history.stacks = known.stacks
        try:
            history.events = known.events = self._events(history)
            if not known.is_whole or counted != known.sums.events or not self._are_counted():
                self._cut_off(history)
            history.blocks = sorted(known.blocks, key=attrgetter("number"))
        except TraceError as error:
            raise spool.SpoolError("spool damaged: %s" % error) from None

    def _events(self, history: History) -> FewEvents | NotKept | Events:
        known = self.packed
        if not known.keeps_events:
            return NotKept(known.told)
        return known.events if history.has_many() else FewEvents(known)

    def _are_counted(self) -> bool:
        """Whether the groups have as many events as they say."""
        known = self.packed
        if not isinstance(known.events, FewEvents):
            return True
        found = Counter(known.events.columns["group"])
        counts: list[int] = known.sums.groups.sums["count"].tolist()
        return counts == list(map(found.__getitem__, range(1, len(counts) + 1)))

    def _cut_off(self, history: History) -> None:
        if self.packed.keeps_events:
            recount.Recount(self.packed).all()
            return
        history.notes.append(
            "There are sums of the first %d events; the recorder ended before it sent more, and"
            " without a list of the blocks." % self.packed.told
        )


def _is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) <= 4096


def _is_point(point: list[int]) -> bool:
    numbers = isinstance(point, list) and len(point) == 4
    return numbers and all(type(n) is int and 0 <= n < columns.SIGN for n in point)


def _arguments(record: spool.Arguments) -> dict[str, Any]:
    """What a syscall was given, or posix_memalign returned, as the event's `args`."""
    if record.number == _CODE:
        return {"code": syscalls.int32(record.args[0])}
    return syscalls.decode(record.number, record.args, record.path)[2]
