"""Records of the history in C become a recorded.Recorded, and a part of the History."""

from __future__ import annotations

from operator import attrgetter

from . import columns, fields, members, recount, spool, syscalls, words
from .blocks import Block
from .model import Group
from .recorded import NotKept, Recorded
from .trace_check import TraceError
from .trace_schema import COLUMN_NAMES

_CODE = 0xFFFFFFFF  # instead of a syscall's number: the code that posix_memalign returned
_SUMS = spool.SumRow._fields[1:]


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
            spool.Stages: self.stages,
            spool.Members: self.members,
            spool.Peaks: self.peaks,
            spool.AtPeak: self.at_peak,
        }

    def _refuse(self, what):
        self._unmatched["damaged records of the recorder: " + what] += 1

    def name(self, data):
        kind, name = fields.text(data, "kind"), fields.text(data, "name")
        known = words.ENTRY_POINTS if kind == "call" else words.SYSCALL_NAMES
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

    def stages(self, record):
        known = self.recorded.sums
        for row in record.rows:
            if row[2] > len(known.groups) or row[1] >= columns.SIGN or row[0] >= columns.SIGN:
                self._refuse("stages")
                return
        known.stages += record.rows

    def members(self, record):
        groups = self.recorded.sums.groups
        for id_, *row in record.rows:
            if not 0 < id_ <= len(groups):
                self._refuse("members")
                return
            groups[id_ - 1].members = members.of_row(groups[id_ - 1], row)

    def peaks(self, record):
        for pid, phase, image, size, seq, t_ns in record.rows:
            if phase >= len(words.PHASES) or seq >= columns.SIGN or t_ns >= columns.SIGN:
                self._refuse("peaks")
                return
            row = {"pid": pid, "image": image, "bytes": size, "seq": seq, "t_ns": t_ns}
            self.recorded.sums.peaks.append(dict(row, phase=words.PHASES[phase]))

    def at_peak(self, record):
        groups = self.recorded.sums.groups
        for id_, size in record.rows:
            if not 0 < id_ <= len(groups):
                self._refuse("bytes at a peak")
                return
            groups[id_ - 1].own_peak_bytes = size

    def ends(self, data):
        sums, peak = self.recorded.sums, data.get("peak")
        peak = peak if isinstance(peak, dict) else {}
        index = fields.number(peak, "phase", len(words.PHASES))
        sums.peak = {key: fields.signed(peak, key) for key in ("bytes", "seq", "t_ns")}
        sums.peak["bytes"] = sums.peak["bytes"] or 0
        sums.peak["phase"] = words.PHASES[index] if index < len(words.PHASES) else None
        points = data.get("timeline")
        sums.timeline = [tuple(p) for p in points if _is_point(p)] if _is_list(points) else []
        self.recorded.told = fields.number(data, "events")
        self.recorded.is_whole = data.get("last") is not False

    def finish(self, history):
        """Few events become plain ones; of many the History only knows how to iterate."""
        known = self.recorded
        if not known.names and not known.chunks:
            return
        if history.events:
            self._refuse("single calls beside them")
        known.keeps_events = history.run.get("keep") != "totals"
        known.sums.events = len(known.events) if known.keeps_events else known.told
        history.recorded = known
        history.stacks = known.stacks()
        try:
            history.events = self._events(history)
            if not known.is_whole:
                self._cut_off(history)
            history.blocks = sorted(known.blocks, key=attrgetter("number"))
        except TraceError as error:
            raise spool.SpoolError("spool damaged: %s" % error) from None

    def _events(self, history):
        known = self.recorded
        if not known.keeps_events:
            return NotKept(known.told)
        return known.events if history.has_many() else list(known.events)

    def _cut_off(self, history):
        if self.recorded.keeps_events:
            recount.Recount(self.recorded).all()
            return
        history.notes.append(
            "Of the first %d events there are sums; the recorder ended before it told more, and"
            " without a list of the blocks." % self.recorded.told
        )


def _is_list(value):
    return isinstance(value, list) and len(value) <= 4096


def _is_point(point):
    numbers = isinstance(point, list) and len(point) == 4
    return numbers and all(type(n) is int and 0 <= n < columns.SIGN for n in point)


def _arguments(record):
    """What a syscall was given, or posix_memalign returned, as the event's `args`."""
    if record.number == _CODE:
        return {"code": syscalls.int32(record.args[0])}
    return syscalls.decode(record.number, record.args, record.path)[2]
