"""What each part of a group has of its sums, counted from the events of the parts alone.

The recorder knows when the most was live; what a part held then is what was made before, and was
not freed or moved on. As in the history in C, live bytes change when a call returns, of a free when
it begins. What is asked of an event is in its columns: an Event of each costs more than the counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import compress

from alloctrace import measure
from alloctrace.columns import asked
from alloctrace.columns.group_table import SUMS
from alloctrace.columns.schema import PRESENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from alloctrace.columns.group_table import GroupTable, What
    from alloctrace.history.groups import Sums
    from alloctrace.history.packed import PackedHistory

    Program = tuple[int, int]  # (pid, image)
    Moment = tuple[int, bool]  # (index of an event, whether it begins)
    _Key = tuple[Program, int]  # a block by its number

_BLOCK, _ERRNO, _DUR = PRESENT["block"], PRESENT["errno"], PRESENT["dur_ns"]
_HANDED = _BLOCK | _ERRNO
_SYSCALL, _CALL, _FREE, _MOVE = range(4)
_FREES = bytes(kind == _FREE for kind in range(256))


class Part:
    """Events of a group that are for one thing, and lie in calls that are; `within`: the Part of
    the call around, where that is of several; `members`: indexes of events."""

    def __init__(self, id_: int, purpose: int, within: Part | None) -> None:
        self.id, self.purpose, self.within = id_, purpose, within
        self.members: list[int] = []
        self.sums, self.own_peak = dict.fromkeys(SUMS, 0), 0


def count(packed: PackedHistory, part_of: Mapping[int, Part], parts: Iterable[Part]) -> None:
    """Fill in the sums of all `parts`; `part_of`: {index of an event: its Part}."""
    rows = _Rows(packed)
    for part in parts:
        _add(part.sums, rows, part.members)
    _reached(rows.outer, rows.cause, part_of)
    lives = _Lives(packed.sums, rows, part_of)
    lives.follow()
    lives.tell()


class _Rows:
    """By the index of an event, as alloctrace/measure.py says of an Event: columns; as a byte each
    its `kind`, whether it `frees` or is `handed`, an allocation. What few events are asked is made
    when it is asked: a list of all would be larger than their columns."""

    def __init__(self, packed: PackedHistory) -> None:
        events: Any = packed.events  # FewEvents: of a run that is not too long
        columns: dict[str, list[int]] = events.columns
        groups: GroupTable = packed.sums.groups
        self.tid, self.outer, self.cause = columns["tid"], columns["outer"], columns["cause"]
        self.t_ns, self.dur_ns = columns["t_ns"], columns["dur_ns"]
        self.present, self.block = columns["present"], columns["block"]
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

    def program(self, index: int) -> Program:
        """(pid, image)"""
        return self._programs[self._what[self._group_of[index] - 1]]

    def asked(self, index: int) -> int:
        """Its bytes."""
        columns = self._columns
        return asked.bytes_asked(
            self.present[index], columns["size"][index], columns["nmemb"][index]
        )

    def _only_ends(self, index: int) -> bool:
        """A block that is moved to no bytes."""
        columns = self._columns
        return asked.only_ends(self.present[index], columns["ptr"][index], columns["result"][index])

    def __len__(self) -> int:
        return len(self.kind)

    def is_for_outer(self, index: int) -> bool:
        """A call around it works on the same block, and tells."""
        block = self.block[index]
        while self.outer[index]:
            index -= self.outer[index]
            if self.block[index] == block and self.present[index] & _BLOCK:
                return True
        return False

    def is_before(self, a: Moment, b: Moment) -> bool:
        """Whether moment `a` was before `b`, or is the same."""
        (one, begins), (other, _) = a, b
        if self.tid[one] != self.tid[other]:
            return (self._time(a), one) <= (self._time(b), other)
        if one < other:
            return begins or not self._lies_in(other, one)
        return one == other or self._lies_in(one, other)

    def _lies_in(self, index: int, call: int) -> bool:
        """Whether the call returns only after the event."""
        while index > call and self.outer[index]:
            index -= self.outer[index]
        return index == call

    def _time(self, moment: Moment) -> int:
        index, begins = moment
        lasts = not begins and self.present[index] & _DUR
        return self.t_ns[index] + (self.dur_ns[index] if lasts else 0)


def _kind(what: What) -> int:
    if what.name == "free":
        return _FREE
    if what.kind != "call":
        return _SYSCALL
    return _MOVE if what.name in measure.MOVES else _CALL


def _add(sums: dict[str, int], rows: _Rows, members: list[int]) -> None:
    present = rows.present
    handed = [index for index in members if rows.handed[index]]
    sums["count"] += len(members)
    sums["bytes"] += sum(map(rows.asked, members))
    sums["failed"] += sum([present[index] & _ERRNO != 0 for index in members])
    sums["unfinished"] += sum([not present[index] & _DUR for index in members])
    sums["allocations"] += len(handed)
    sums["allocated"] += sum(map(rows.asked, handed))


def _reached(outers: Sequence[int], causes: Sequence[int], part_of: Mapping[int, Part]) -> None:
    """Un-nested calls that made a syscall, each counted once."""
    roots: dict[int, int] = {}  # of nested calls
    for index, distance in compress(enumerate(outers), outers):
        roots[index] = roots.get(index - distance, index - distance)
    made = [index - distance for index, distance in compress(enumerate(causes), causes)]
    seen = {roots.get(index, index) for index in made}
    for index in seen & part_of.keys():
        part_of[index].sums["reached"] += 1


class _Life:
    """Bytes that a block had for a time, in one part."""

    __slots__ = ("part", "size", "begun", "ended")

    def __init__(self, part: Part | None, size: int, begun: Moment) -> None:
        self.part, self.size, self.begun = part, size, begun
        self.ended: Moment | None = None

    def holds(self, rows: _Rows, moment: Moment) -> bool:
        if not rows.is_before(self.begun, moment):
            return False
        return self.ended is None or not rows.is_before(self.ended, moment)


class _Lives:
    """Of the blocks that parts handed out."""

    def __init__(self, sums: Sums, rows: _Rows, part_of: Mapping[int, Part]) -> None:
        self._sums, self._rows, self._part_of = sums, rows, part_of
        self._live: dict[_Key, _Life] = {}
        self._all: list[tuple[Part, _Life]] = []  # that were in parts
        self._makers: dict[_Key, int | None] = {}  # the event; None: it has grown since
        self._gone: list[tuple[Part, _Life, int]] = []  # with the event that made its block
        self._ends = sums.groups.ends_of_programs()

    def follow(self) -> None:
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
            elif rows.outer[index] and not rows.present[index] & _ERRNO:
                moved = self._end(key, index)
                if moved is not None:
                    self._begin(key, moved.part, index)

    def _of_blocks(self) -> list[int]:
        rows = self._rows
        blocks = {rows.block[index] for index in self._part_of if rows.handed[index]}
        all_ = enumerate(zip(rows.block, rows.present))
        return [at for at, (block, present) in all_ if block in blocks and present & _BLOCK]

    def _begin(self, key: _Key, part: Part | None, index: int) -> None:
        life = self._live[key] = _Life(part, self._rows.asked(index), (index, False))
        if part is not None:
            ended = self._ends.get(key[0], len(self._rows))
            life.ended = (ended, True) if ended < len(self._rows) else None
            self._all.append((part, life))

    def _end(self, key: _Key, index: int) -> _Life | None:
        life = self._live.pop(key, None)
        if life is not None:
            life.ended = index, self._rows.kind[index] == _FREE
        return life

    def _free(self, key: _Key, index: int) -> None:
        life, maker = self._end(key, index), self._makers.pop(key, None)
        if life is not None and life.part is not None and maker is not None:
            self._gone.append((life.part, life, maker))

    def tell(self) -> None:
        """The parts what they hold, and held."""
        for part, life in self._all:
            if life.ended is None:
                part.sums["live_blocks"] += 1
                part.sums["live_bytes"] += life.size
        self._tell_temporary()
        rows, peak = self._rows, self._moment(self._sums.peak)
        own = {(row["pid"], row["image"]): self._moment(row) for row in self._sums.peaks}
        for part, life in self._all:
            if peak and life.holds(rows, peak):
                part.sums["peak_bytes"] += life.size
            at = own.get(rows.program(life.begun[0]))
            if at and life.holds(rows, at):
                part.own_peak += life.size

    def _moment(self, peak: Mapping[str, Any]) -> Moment | None:
        seq = peak.get("seq")
        return (seq, False) if seq is not None and 0 <= seq < len(self._rows) else None

    def _tell_temporary(self) -> None:
        """Of the blocks that were freed before their thread's next allocation."""
        rows = self._rows
        handed = self._handed_out({rows.tid[maker] for _, _, maker in self._gone})
        for part, life, maker in self._gone:
            mine = handed[rows.tid[maker]]
            after = bisect_right(mine, maker)
            following = (mine[after], False) if after < len(mine) else None
            if following is None or life.ended and not rows.is_before(following, life.ended):
                part.sums["temporary_blocks"] += 1
                part.sums["temporary_bytes"] += life.size

    def _handed_out(self, tids: set[int]) -> dict[int, list[int]]:
        """{tid: indexes of its allocations}."""
        rows = self._rows
        found: dict[int, list[int]] = defaultdict(list)
        for index, (tid, handed) in enumerate(zip(rows.tid, rows.handed) if tids else ()):
            if handed and tid in tids:
                found[tid].append(index)
        return found
