"""What the history in C made of a run: chunks of columns, groups with their sums, a tree of stacks.

It is written by recorder/host/history.c into the spool, and read here as a part of the History. A
run of few events becomes plain events, as if they had been paired here; of many only their columns
are kept, and they are read one chunk at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter, itemgetter

from . import columns, fields, recount, spool, syscalls, trace_events, words
from .blocks import Block
from .groups import Sums
from .model import Group
from .trace_check import TraceError
from .trace_schema import COLUMN_NAMES

MANY = 50000  # events: each one's purpose is asked for up to here, beyond only each group's
MAX_DEPTH = 257  # frames of a stack, as of the breakpoint engine's: a function, and 256 callers
_CODE = 0xFFFFFFFF  # instead of a syscall's number: the code that posix_memalign returned
_SUMS = spool.SumRow._fields[1:]


class Recorded:
    """The records of one history in C."""

    def __init__(self):
        self.names = {}  # id -> (kind, name, impl)
        self.arguments = {}  # id -> dict
        self.chunks = []  # (first, count, [spool.Column])
        self.late = []  # (seq, column, value)
        self._late_rows = None  # the same by seq
        self.sums = Sums()
        self.blocks = []
        self.parents, self.frames = [], []  # of stack nodes, frames: (pc, 0); index: id - 1
        self.is_whole = False  # its sums are there: it was not cut off
        self.events = Events(self)

    def chunk_events(self, index):
        """Yield (Event, id of its group) of one chunk."""
        first, chunk = self._chunk(index)
        return self._made().of(first, chunk)

    def pick(self, wanted, chunks):
        """The events with a seq in `wanted`, as far as they lie in `chunks` (indexes)."""
        wanted = sorted(wanted)
        for index in sorted(chunks):
            first, count, _ = self.chunks[index]
            here = wanted[bisect_left(wanted, first) : bisect_left(wanted, first + count)]
            if here:
                yield from self._made().some(first, self._chunk(index)[1], here)

    def _chunk(self, index):
        """(seq of its first event, its columns), with what became known later."""
        first, count, packed = self.chunks[index]
        chunk = _unpack(packed, count)
        late = self._late_of(first, first + count)
        trace_events.mend(
            chunk, first, ((seq, COLUMN_NAMES[at], _signed(value)) for seq, at, value in late)
        )
        return first, chunk

    def _late_of(self, first, end):
        if self._late_rows is None or len(self._late_rows) != len(self.late):
            self._late_rows = sorted(self.late, key=itemgetter(0))
        rows = self._late_rows
        return rows[bisect_left(rows, (first,)) : bisect_left(rows, (end,))]

    def _made(self):
        return trace_events.Events(self.sums.groups, lambda id_: dict(self.arguments[id_]))

    def stack(self, node):
        """The node's spool.Stack; slots are not kept."""
        frames, start = [], node
        while node > 0 and len(frames) < MAX_DEPTH:
            frames.append(self.frames[node - 1])
            node = self.parents[node - 1]
        cut = words.CUT_DEEP if len(frames) == MAX_DEPTH else -node if -node in words.CUTS else 0
        return spool.Stack(start, cut, tuple(frames))

    def stacks(self):
        """{node: spool.Stack} of all events."""
        nodes = {group.stack for group in self.sums.groups if group.stack > 0}
        return {node: self.stack(node) for node in sorted(nodes)}

    def first_uses(self):
        """{stack id: (t_ns, image)} of the first event with it."""
        found = {}
        for group in self.sums.groups:
            found.setdefault(group.stack, (group.first_t, group.image))
        return found


class Events:
    """The events, made anew at each iteration: one chunk at a time is in memory."""

    def __init__(self, recorded):
        self._recorded = recorded

    def __len__(self):
        chunks = self._recorded.chunks
        return chunks[-1][0] + chunks[-1][1] if chunks else 0

    def __iter__(self):
        for index in range(len(self._recorded.chunks)):
            for event, _ in self._recorded.chunk_events(index):
                yield event


def _unpack(packed, count):
    """Columns in the order of EVENT_COLUMNS; one that was left out is all zeros."""
    found = dict.fromkeys(COLUMN_NAMES, (columns.Packed(0, 0, count, b""), False))
    for column in packed:
        data = bytes(column.data) if column.width else b""
        row = columns.Packed(column.width, column.base, column.period, data)
        found[COLUMN_NAMES[column.column]] = row, bool(column.delta)
    return trace_events.unpack(found, count)


def _signed(value):
    return value - (1 << 64) if value >> 63 else value


class Builder:
    """Takes the records of a history in C; `finish` puts them into the History."""

    def __init__(self, unmatched):
        self.recorded = Recorded()
        self._unmatched = unmatched
        self._open = []  # columns of the chunk that is not whole yet
        self._pairs = {}  # pc -> (pc, 0): stacks share them

    def handlers(self):
        return {
            spool.Nodes: self.nodes,
            spool.Groups: self.groups,
            spool.Arguments: self.arguments,
            spool.Column: self.column,
            spool.Late: self.late,
            spool.Sums: self.sums,
            spool.Blocks: self.blocks,
        }

    def _refuse(self, what):
        self._unmatched["damaged records of the recorder: " + what] += 1

    def name(self, data):
        kind, name = fields.text(data, "kind"), fields.text(data, "name")
        known = words.ENTRY_POINTS if kind == "call" else words.MEMORY_SYSCALLS.values()
        if kind not in ("call", "syscall") or name not in known:
            self._refuse("names")
            return
        impl = fields.text(data, "impl", name) if kind == "call" else None
        self.recorded.names[fields.number(data, "id")] = (kind, name, impl)

    def nodes(self, record):
        known = self.recorded
        for id_, parent, pc in record.rows:
            if id_ != len(known.frames) + 1 or parent >= id_:
                self._refuse("stacks")
                return
            known.parents.append(parent)
            known.frames.append(self._pairs.setdefault(pc, (pc, 0)))

    def groups(self, record):
        for row in record.rows:
            if not self._is_group(row):
                self._refuse("groups")
                return
            name, phase = self.recorded.names[row.name], words.PHASES[row.phase]
            where = (row.pid, *name, phase, row.image, row.stack, row.within)
            before = None if row.before == columns.MASK64 else row.before
            first = (row.first_seq, min(row.first_t, columns.SIGN - 1), before)
            self.recorded.sums.groups.append(Group(row.id, *where, None, None, *first))

    def _is_group(self, row):
        known = self.recorded
        return (
            row.id == len(known.sums.groups) + 1
            and row.name in known.names
            and row.phase < len(words.PHASES)
            and row.within < row.id
            and row.stack <= len(known.frames)
        )

    def arguments(self, record):
        try:
            self.recorded.arguments[record.id] = _arguments(record)
        except (KeyError, IndexError):
            self._refuse("arguments")

    def column(self, record):
        """The column `present` comes last: with it the chunk is whole."""
        if self._open and self._open[0][:2] != record[:2]:
            self._open = []
        self._open.append(record)
        if record.column != 0:
            return
        packed, self._open = self._open, []
        numbers = {column.column for column in packed}
        is_known = len(numbers) == len(packed) and max(numbers) < len(COLUMN_NAMES)
        is_next = record.first == len(self.recorded.events)
        if is_known and is_next and 0 < record.count <= columns.CHUNK:
            self.recorded.chunks.append((record.first, record.count, packed))
        else:
            self._refuse("chunks")

    def late(self, record):
        known = len(self.recorded.events)
        for row in record.rows:
            if row[0] < known and row[1] < len(COLUMN_NAMES):
                self.recorded.late.append(row)
            else:
                self._refuse("late fields")

    def sums(self, record):
        for row in record.rows:
            if not 0 < row.id <= len(self.recorded.sums.groups):
                self._refuse("sums")
                return
            group = self.recorded.sums.groups[row.id - 1]
            for name in _SUMS:
                setattr(group, name, getattr(row, name))

    def blocks(self, record):
        self.recorded.blocks += [Block(*row[:5]) for row in record.rows]

    def ends(self, data):
        sums, peak = self.recorded.sums, data.get("peak")
        peak = peak if isinstance(peak, dict) else {}
        index = fields.number(peak, "phase", len(words.PHASES))
        sums.peak = {key: fields.signed(peak, key) for key in ("bytes", "seq", "t_ns")}
        sums.peak["bytes"] = sums.peak["bytes"] or 0
        sums.peak["phase"] = words.PHASES[index] if index < len(words.PHASES) else None
        points = data.get("timeline")
        sums.timeline = [tuple(p) for p in points if _is_point(p)] if _is_list(points) else []
        self.recorded.is_whole = True

    def finish(self, history):
        """Few events become plain ones; of many the History only knows how to iterate."""
        known = self.recorded
        if not known.names and not known.chunks:
            return
        if history.events:
            self._refuse("single calls beside them")
        known.sums.events = len(known.events)
        history.recorded = known
        history.stacks = known.stacks()
        try:
            history.events = known.events if history.has_many() else list(known.events)
            if not known.is_whole:
                recount.Recount(known).all()
            history.blocks = sorted(known.blocks, key=attrgetter("number"))
        except (TraceError, columns.ColumnError, KeyError) as error:
            raise spool.SpoolError("spool damaged: %s" % error) from None


def _is_list(value):
    return isinstance(value, list) and len(value) <= 4096


def _is_point(point):
    numbers = isinstance(point, list) and len(point) == 4
    return numbers and all(type(n) is int and 0 <= n < columns.SIGN for n in point)


def _arguments(record):
    """What a syscall was given, or posix_memalign returned, as the event's `args`."""
    if record.number == _CODE:
        return {"code": syscalls.int32(record.args[0])}
    name = words.MEMORY_SYSCALLS[record.number]
    return syscalls.decode(name, record.args, record.path)[2]
