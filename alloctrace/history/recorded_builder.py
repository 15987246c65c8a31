"""Records of the history in C become a recorded.Recorded, and a part of the History."""

from __future__ import annotations

from array import array
from collections import Counter
from operator import attrgetter

from alloctrace import fields, words
from alloctrace.columns import columns
from alloctrace.columns.check import TraceError
from alloctrace.columns.few_events import FewEvents
from alloctrace.columns.group_table import SUMS, What, unsigned
from alloctrace.columns.schema import COLUMN_NAMES
from alloctrace.spool import spool
from . import recount, syscalls
from .blocks import Block
from .recorded import NotKept, Recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .recorded import Events
    from collections.abc import Callable
    from typing import Any

    from .history import History

_PHASE_BITS, _PHASE = 8, 0xFF  # of what a row of groups says of phase and region
_CODE = 0xFFFFFFFF  # instead of a syscall's number: the code that posix_memalign returned
_SIGNED = ("bytes", "allocated", "live_bytes", "temporary_bytes", "peak_bytes")
_SUMS_AT = [8 * spool.SumRow._fields.index(name) for name in SUMS]  # bytes in a row


class Builder:
    """Takes the records of a history in C; `finish` puts them into the History."""

    def __init__(self, unmatched: Counter[str], regions: Callable[[], int] = lambda: 0) -> None:
        """`regions`: tells how many regions there are by now."""
        self.recorded = Recorded()
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
        self.recorded.names[fields.number(data, "id")] = (kind, name, impl)

    def nodes(self, record: spool.Nodes) -> None:
        rows = record.rows
        if not self.recorded.stacks.add(
            rows.column("i", 0), rows.column("i", 4), rows.column("Q", 8)
        ):
            self._refuse("stacks")

    def groups(self, record: spool.Groups) -> None:
        numbers = [record.rows.column("I", at) for at in range(0, 20, 4)]
        stack, image = record.rows.column("i", 20), record.rows.column("Q", 24)
        ids, name, pid, phases, within = numbers
        phase = array("I", [value & _PHASE for value in phases])
        region = array("I", [value >> _PHASE_BITS for value in phases])
        if len(record.rows) and not (
            self._are_groups(ids, name, phase, within, stack) and max(region) <= self._regions()
        ):
            self._refuse("groups")
            return
        count = len(self.recorded.sums.groups)
        keys = list(zip(name, pid, phase, image))
        whats = list(map(self._whats.get, keys))
        if None in whats:
            whats = list(map(self._what, keys))
        first = [unsigned(record.rows.column("q", at)) for at in (32, 40)]
        before = record.rows.column("q", 48)
        self.recorded.sums.groups.extend(whats, stack, within, *first, before)
        self.recorded.sums.groups.set_regions(count, region)

    def _are_groups(
        self,
        ids: array[Any],
        name: array[Any],
        phase: array[Any],
        within: array[Any],
        stack: array[Any],
    ) -> bool:
        known, next_ = self.recorded, len(self.recorded.sums.groups) + 1
        return (
            ids == array("I", range(next_, next_ + len(ids)))
            and set(name) <= known.names.keys()
            and max(phase) < len(words.PHASES)
            and all(map(int.__lt__, within, ids))
            and max(stack) <= known.stacks.last
        )

    def _what(self, key: tuple[int, int, int, int]) -> int:
        number = self._whats.get(key)
        if number is None:
            name, pid, phase, image = key
            what = What(*self.recorded.names[name], pid, words.PHASES[phase], image)
            number = self._whats[key] = self.recorded.sums.groups.what_id(what)
        return number

    def arguments(self, record: spool.Arguments) -> None:
        try:
            self.recorded.arguments[record.id] = _arguments(record)
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
        is_next = record.first == len(self.recorded.events)
        if is_known and is_next and 0 < record.count <= columns.CHUNK:
            self.recorded.chunks.append((record.first, record.count, packed))
        else:
            self._refuse("chunks")

    def late(self, record: spool.Late) -> None:
        known = len(self.recorded.events)
        for row in record.rows:
            if row[0] < known and row[1] < len(COLUMN_NAMES):
                self.recorded.late.append(row)
            else:
                self._refuse("late fields")

    def sums(self, record: spool.Sums) -> None:
        groups, ids = self.recorded.sums.groups, record.rows.column("Q", 0)
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
        self.recorded.blocks += [Block(*row[:5]) for row in record.rows]

    def stages(self, record: spool.Stages) -> None:
        known = self.recorded.sums
        for row in record.rows:
            if row[2] > len(known.groups) or row[1] >= columns.SIGN or row[0] >= columns.SIGN:
                self._refuse("stages")
                return
        known.stages += record.rows

    def members(self, record: spool.Members) -> None:
        if self._are_known(record.rows.column("I", 0)):
            self.recorded.sums.groups.set_members(record.rows)
        else:
            self._refuse("members")

    def _are_known(self, ids: array[Any]) -> bool:
        groups = self.recorded.sums.groups
        return 0 < min(ids, default=1) and max(ids, default=0) <= len(groups)

    def peaks(self, record: spool.Peaks) -> None:
        for pid, phase, image, size, seq, t_ns in record.rows:
            if phase >= len(words.PHASES) or seq >= columns.SIGN or t_ns >= columns.SIGN:
                self._refuse("peaks")
                return
            row = {"pid": pid, "image": image, "bytes": size, "seq": seq, "t_ns": t_ns}
            self.recorded.sums.peaks.append(dict(row, phase=words.PHASES[phase]))

    def at_peak(self, record: spool.AtPeak) -> None:
        ids, sizes = record.rows.column("Q", 0), record.rows.column("q", 8)
        if not self._are_known(ids):
            self._refuse("bytes at a peak")
            return
        groups = self.recorded.sums.groups
        groups.make_room()
        own_peak = groups.own_peak
        for id_, size in zip(ids, sizes):
            own_peak[id_ - 1] = size

    def ends(self, data: dict[str, Any]) -> None:
        sums, peak = self.recorded.sums, data.get("peak")
        peak = peak if isinstance(peak, dict) else {}
        index = fields.number(peak, "phase", len(words.PHASES))
        sums.peak = {key: fields.signed(peak, key) for key in ("bytes", "seq", "t_ns")}
        sums.peak["bytes"] = sums.peak["bytes"] or 0
        sums.peak["phase"] = words.PHASES[index] if index < len(words.PHASES) else None
        points: Any = data.get("timeline")
        sums.timeline = [tuple(p) for p in points if _is_point(p)] if _is_list(points) else []
        self.recorded.told = fields.number(data, "events")
        self.recorded.is_whole = data.get("last") is not False

    def finish(self, history: History) -> None:
        """Few events have their columns at hand; of many the History only knows how to iterate."""
        known = self.recorded
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
        history.recorded = known
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
        known = self.recorded
        if not known.keeps_events:
            return NotKept(known.told)
        return known.events if history.has_many() else FewEvents(known)

    def _are_counted(self) -> bool:
        """Whether the groups have as many events as they say."""
        known = self.recorded
        if not isinstance(known.events, FewEvents):
            return True
        found = Counter(known.events.columns["group"])
        counts = enumerate(known.sums.groups.sums["count"], 1)
        return all(found[id_] == count for id_, count in counts)

    def _cut_off(self, history: History) -> None:
        if self.recorded.keeps_events:
            recount.Recount(self.recorded).all()
            return
        history.notes.append(
            "Of the first %d events there are sums; the recorder ended before it told more, and"
            " without a list of the blocks." % self.recorded.told
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
