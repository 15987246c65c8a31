"""What each part of a group has of its sums, counted from the events of the parts alone.

The recorder knows when the most was live; what a part held then is what was made before, and was
not freed or moved on. As in the history in C, live bytes change when a call returns, of a free when
it begins. What is asked of an event is in its columns: an Event of each costs more than the counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from alloctrace import measure
from alloctrace.columns import asked
from alloctrace.columns.group_table import SUMS
from alloctrace.columns.schema import PRESENT

_BLOCK, _ERRNO, _DUR = PRESENT["block"], PRESENT["errno"], PRESENT["dur_ns"]
_HANDED = _BLOCK | _ERRNO
_SYSCALL, _CALL, _FREE, _MOVE = range(4)
_FREES = bytes(kind == _FREE for kind in range(256))


class Part:
    """Events of a group that are for one thing, and lie in calls that are; `within`: the Part of
    the call around, where that is of several; `members`: indexes of events."""

    def __init__(self, id_, purpose, within):
        self.id, self.purpose, self.within = id_, purpose, within
        self.members = []
        self.sums, self.own_peak = dict.fromkeys(SUMS, 0), 0


def count(packed, part_of, parts):
    """Fill in the sums of all `parts`; `part_of`: {index of an event: its Part}."""
    rows = _Rows(packed)
    for part in parts:
        _add(part.sums, rows, part.members)
    _reached(rows.outer, packed.events.columns["cause"], part_of)
    lives = _Lives(packed.sums, rows, part_of)
    lives.follow()
    lives.tell()


class _Rows:
    """By the index of an event, as alloctrace/measure.py says of an Event: columns; as a byte each
    its `kind`, whether it `frees` or is `handed`, an allocation. What few events are asked is made
    when it is asked: a list of all would be larger than their columns."""

    def __init__(self, packed):
        columns, groups = packed.events.columns, packed.sums.groups
        self.tid, self.outer, self.present = map(columns.get, ("tid", "outer", "present"))
        self.t_ns, self.dur_ns, self.block = map(columns.get, ("t_ns", "dur_ns", "block"))
        self._columns, self._group_of = columns, columns["group"]
        self._programs, self._what = groups.programs(), groups.what
        kinds = list(map(_kind, groups.whats))
        of_group = bytes([0, *map(kinds.__getitem__, groups.what)])
        self.kind = bytes(map(of_group.__getitem__, self._group_of))
        frees = bytearray(self.kind.translate(_FREES))
        index = self.kind.find(_MOVE)
        while index >= 0:
            if not self.asked(index):
                frees[index] = self._only_ends(index)
            index = self.kind.find(_MOVE, index + 1)
        self.frees = bytes(frees)
        rows = zip(self.kind, self.frees, self.outer, self.present)
        self.handed = bytes(
            kind > 0 and not frees and not outer and present & _HANDED == _BLOCK
            for kind, frees, outer, present in rows
        )

    def program(self, index):
        """(pid, image)"""
        return self._programs[self._what[self._group_of[index] - 1]]

    def asked(self, index):
        """Its bytes."""
        columns = self._columns
        return asked.bytes_asked(
            self.present[index], columns["size"][index], columns["nmemb"][index]
        )

    def _only_ends(self, index):
        """A block that is moved to no bytes."""
        columns = self._columns
        return asked.only_ends(self.present[index], columns["ptr"][index], columns["result"][index])

    def __len__(self):
        return len(self.kind)

    def is_for_outer(self, index):
        """A call around it works on the same block, and tells."""
        block = self.block[index]
        while self.outer[index]:
            index -= self.outer[index]
            if self.block[index] == block and self.present[index] & _BLOCK:
                return True
        return False

    def is_before(self, a, b):
        """Whether moment `a` was before `b`, or is the same."""
        (one, begins), (other, _) = a, b
        if self.tid[one] != self.tid[other]:
            return (self._time(a), one) <= (self._time(b), other)
        if one < other:
            return begins or not self._lies_in(other, one)
        return one == other or self._lies_in(one, other)

    def _lies_in(self, index, call):
        """Whether the call returns only after the event."""
        while index > call and self.outer[index]:
            index -= self.outer[index]
        return index == call

    def _time(self, moment):
        index, begins = moment
        lasts = not begins and self.present[index] & _DUR
        return self.t_ns[index] + (self.dur_ns[index] if lasts else 0)


def _kind(what):
    kind, name = what[:2]
    if name == "free":
        return _FREE
    return _SYSCALL if kind != "call" else _MOVE if name in measure.MOVES else _CALL


def _add(sums, rows, members):
    present = rows.present
    handed = [index for index in members if rows.handed[index]]
    sums["count"] += len(members)
    sums["bytes"] += sum(map(rows.asked, members))
    sums["failed"] += sum([present[index] & _ERRNO != 0 for index in members])
    sums["unfinished"] += sum([not present[index] & _DUR for index in members])
    sums["allocations"] += len(handed)
    sums["allocated"] += sum(map(rows.asked, handed))


def _reached(outers, causes, part_of):
    """Un-nested calls that made a syscall, each counted once."""
    seen = set()
    for index, distance in enumerate(causes):
        if distance:
            index -= distance
            while outers[index]:
                index -= outers[index]
            seen.add(index)
    for index in seen & part_of.keys():
        part_of[index].sums["reached"] += 1


class _Life:
    """Bytes that a block had for a time, in one part. `begun`, `ended`: moments, or None."""

    __slots__ = ("part", "size", "begun", "ended")

    def __init__(self, part, size, begun):
        self.part, self.size, self.begun, self.ended = part, size, begun, None

    def holds(self, rows, moment):
        if not rows.is_before(self.begun, moment):
            return False
        return self.ended is None or not rows.is_before(self.ended, moment)


class _Lives:
    """Of the blocks that parts handed out. A moment: (index of an event, whether it begins)."""

    def __init__(self, sums, rows, part_of):
        self._sums, self._rows, self._part_of = sums, rows, part_of
        self._live, self._all = {}, []  # (program, block) -> _Life; all that were in parts
        self._makers = {}  # the same -> the event that made it; None: it has grown since
        self._gone = []  # (_Life, the event that made its block)
        self._ends = sums.groups.ends_of_programs()

    def follow(self):
        """Through all events of these blocks, in their order."""
        rows = self._rows
        for index in self._of_blocks():
            key = rows.program(index), rows.block[index]
            if rows.handed[index]:
                self._makers[key] = None if self._end(key, index) else index
                self._begin(key, self._part_of.get(index), index)
            elif rows.is_for_outer(index):
                continue
            elif rows.frees[index]:
                self._free(key, index)
            elif rows.outer[index] and not rows.present[index] & _ERRNO and key in self._live:
                self._begin(key, self._end(key, index).part, index)

    def _of_blocks(self):
        rows = self._rows
        blocks = {rows.block[index] for index in self._part_of if rows.handed[index]}
        all_ = enumerate(zip(rows.block, rows.present))
        return [at for at, (block, present) in all_ if block in blocks and present & _BLOCK]

    def _begin(self, key, part, index):
        life = self._live[key] = _Life(part, self._rows.asked(index), (index, False))
        if part is not None:
            ended = self._ends.get(key[0], len(self._rows))
            life.ended = (ended, True) if ended < len(self._rows) else None
            self._all.append(life)

    def _end(self, key, index):
        life = self._live.pop(key, None)
        if life is not None:
            life.ended = index, self._rows.kind[index] == _FREE
        return life

    def _free(self, key, index):
        life, maker = self._end(key, index), self._makers.pop(key, None)
        if life is not None and life.part is not None and maker is not None:
            self._gone.append((life, maker))

    def tell(self):
        """The parts what they hold, and held."""
        for life in self._all:
            if life.ended is None:
                life.part.sums["live_blocks"] += 1
                life.part.sums["live_bytes"] += life.size
        self._tell_temporary()
        rows, peak = self._rows, self._moment(self._sums.peak)
        own = {(row["pid"], row["image"]): self._moment(row) for row in self._sums.peaks}
        for life in self._all:
            if peak and life.holds(rows, peak):
                life.part.sums["peak_bytes"] += life.size
            at = own.get(rows.program(life.begun[0]))
            if at and life.holds(rows, at):
                life.part.own_peak += life.size

    def _moment(self, peak):
        seq = peak.get("seq")
        known = seq is not None and 0 <= seq < len(self._rows)
        return (seq, False) if known else None

    def _tell_temporary(self):
        """Of the blocks that were freed before their thread's next allocation."""
        rows = self._rows
        handed = self._handed_out({rows.tid[maker] for _, maker in self._gone})
        for life, maker in self._gone:
            mine = handed[rows.tid[maker]]
            after = bisect_right(mine, maker)
            following = (mine[after], False) if after < len(mine) else None
            if following is None or not rows.is_before(following, life.ended):
                life.part.sums["temporary_blocks"] += 1
                life.part.sums["temporary_bytes"] += life.size

    def _handed_out(self, tids):
        """{tid: indexes of its allocations}."""
        rows, found = self._rows, defaultdict(list)
        for index, (tid, handed) in enumerate(zip(rows.tid, rows.handed) if tids else ()):
            if handed and tid in tids:
                found[tid].append(index)
        return found
