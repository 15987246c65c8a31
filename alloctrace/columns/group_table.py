"""Groups in columns. A run may have as many groups as events: as objects they would cost too much.

A Group is made of a row when somebody asks for one. Sums beyond 2^63 stay at the largest number.
"""

from __future__ import annotations

import sys
from array import array
from collections import namedtuple
from collections.abc import Sequence
from operator import attrgetter, sub

from alloctrace import kernels, words
from alloctrace.model import Event, Group
from alloctrace.spool.rows import layout
from . import members
from .schema import to_signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, NamedTuple, overload

    from alloctrace.model import Purpose, Verdict
    from alloctrace.spool.table import Table

    class _What(NamedTuple):
        kind: str
        name: str
        impl: str | None
        pid: int
        phase: str
        image: int

else:
    _What = namedtuple("What", "kind name impl pid phase image")

MAX_INT = (1 << 63) - 1
SUMS = (
    "count bytes failed unfinished reached allocations allocated"
    " live_blocks live_bytes temporary_blocks temporary_bytes peak_bytes"
).split()
_MEMBERS = layout("members")
FIRST = ("first_seq", "first_t", "before")  # before: -1 for None
sums_of = attrgetter(*SUMS)


class What(_What):
    """What the events of many groups are."""

    __slots__ = ()

    @property
    def program(self) -> tuple[int, int]:
        """(pid, image)"""
        return self.pid, self.image


class GroupTable(Sequence[Group]):
    """`table[id - 1]` is a Group. `verdicts`, `purposes`: index 0 is None. The columns are public,
    to be read.
    """

    def __init__(self) -> None:
        self.whats: list[What] = []
        self._what_ids: dict[What, int] = {}
        self.verdicts: list[Verdict | None] = [None]
        self.purposes: Sequence[Purpose | None] = [None]
        self.what, self.within = array("I"), array("I")
        self.verdict, self.purpose = array("I"), array("I")
        self.stack = array("q")
        self.first_seq, self.first_t, self.before = (array("q") for _ in FIRST)
        self.sums = {name: array("q") for name in SUMS}
        self.own_peak = array("q")  # bytes live at the peak of its own program
        self.region = array("I")
        self.members_rows = bytearray()  # as a recorder tells them, by index; 0, or missing: none

    @classmethod
    def of(cls, groups: Sequence[Group]) -> GroupTable:
        """The same of Group objects, numbered from 1 in their order."""
        if isinstance(groups, cls):
            return groups
        made, verdicts, purposes = cls(), Indexed(), Indexed()
        made.extend(
            [made.what_id(What(g.kind, g.name, g.impl, g.pid, g.phase, g.image)) for g in groups],
            [g.stack for g in groups],
            [g.within for g in groups],
            [g.first_seq for g in groups],
            [g.first_t for g in groups],
            [-1 if g.before is None else g.before for g in groups],
        )
        made.verdict = array("I", [verdicts.of(g.verdict) for g in groups])
        made.purpose = array("I", [purposes.of(g.purpose) for g in groups])
        made.set_sums(0, list(zip(*map(sums_of, groups))))
        made.set_own_peaks(0, [g.own_peak_bytes for g in groups])
        made.region = array("I", [g.region for g in groups])
        made.verdicts, made.purposes = verdicts.values, purposes.values
        return made

    def picked(self, indexes: Sequence[int]) -> GroupTable:
        """A table of these rows of it, with the same verdicts and purposes."""
        made = GroupTable()
        made.whats, made._what_ids = self.whats, self._what_ids
        made.verdicts, made.purposes = self.verdicts, self.purposes
        rows = array("i", indexes)
        for name, column in vars(self).items():
            if isinstance(column, array):
                setattr(made, name, _gathered(column, rows, getattr(made, name).typecode))
        for name, column in self.sums.items():
            made.sums[name] = _gathered(column, rows, "q")
        return made

    def what_id(self, what: What) -> int:
        if what not in self._what_ids:
            self._what_ids[what] = len(self.whats)
            self.whats.append(what)
        return self._what_ids[what]

    def extend(
        self,
        whats: Sequence[int],
        stacks: Iterable[int],
        withins: Iterable[int],
        *firsts: Sequence[int],
    ) -> None:
        """Append rows without verdicts and sums: lists of one length."""
        self.what.extend(whats)
        self.stack.extend(iter(stacks))
        self.within.extend(iter(withins))
        for name, values in zip(FIRST, firsts):
            getattr(self, name).extend(clamped(values))
        for column in (self.verdict, self.purpose, self.region):
            column.frombytes(bytes(4 * len(whats)))

    def make_room(self) -> None:
        """For the sums of all rows: of many a few come at a time, and each column would grow."""
        zeros = bytes(8 * (len(self) - len(self.own_peak)))
        for column in (*self.sums.values(), self.own_peak) if zeros else ():
            column.frombytes(zeros)

    def set_sums(self, first: int, columns: Iterable[Sequence[int]]) -> None:
        """Sums of the groups from index `first` on: a list for each of SUMS.

        Calls that contradict each other (a block that is freed twice) may lead below zero.
        """
        self.make_room()
        for name, values in zip(SUMS, columns):
            if name != "bytes" and has_negative(values):  # a `brk` may give back
                values = [max(0, value) for value in values]
            self.sums[name][first : first + len(values)] = clamped(values)

    def set_row(self, index: int, sums: Mapping[str, int], own_peak: int) -> None:
        """The same of one group: `sums` by name."""
        for name, value in sums.items():
            self.sums[name][index] = _clamp(value if value >= 0 or name == "bytes" else 0)
        self.own_peak[index] = _clamp(own_peak)

    def set_own_peaks(self, first: int, values: Sequence[int]) -> None:
        """Of the groups from index `first` on."""
        self.make_room()
        self.own_peak[first : first + len(values)] = clamped(values)

    def set_regions(self, first: int, values: Sequence[int]) -> None:
        """Of the groups from index `first` on."""
        self.region[first : first + len(values)] = array("I", values)

    def set_members(self, rows: Table) -> None:
        """What is true of each event of groups: a spool.Table, of groups that are there."""
        size, ids = _MEMBERS.size, rows.column("I", 0)
        is_row = ids and ids == array("I", range(ids[0], ids[0] + len(ids)))
        if is_row and size * (ids[0] - 1) == len(self.members_rows):
            self.members_rows += rows.payload
            return
        self.members_rows.extend(bytes(size * len(self) - len(self.members_rows)))
        if is_row:
            first = size * (ids[0] - 1)
            self.members_rows[first : first + size * len(ids)] = rows.payload
            return
        for id_, row in zip(ids, rows.packed()):
            self.members_rows[size * (id_ - 1) : size * id_] = row

    def forget_members(self) -> None:
        """They are large, and nobody asks any more."""
        self.members_rows = bytearray()

    def members_of(self, id_: int) -> members.Members | None:
        """The Members of a group, or None."""
        row = self._members_at(id_ - 1)
        name, count = self.whats[self.what[id_ - 1]].name, self.sums["count"][id_ - 1]
        return members.of_row(name, count, row[1:]) if row else None

    def _members_at(self, index: int) -> tuple[int, ...] | None:
        row = _MEMBERS
        if row.size * (index + 1) > len(self.members_rows):
            return None
        found = row.unpack_from(self.members_rows, row.size * index)
        return found if found[0] else None

    def __len__(self) -> int:
        return len(self.what)

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Group:
            ...

        @overload
        def __getitem__(self, index: slice) -> list[Group]:
            ...

    def __getitem__(self, index: int | slice) -> Group | list[Group]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        made = self.bare(range(len(self))[index])
        made.members = self.members_of(made.id) if self.members_rows else None
        return made

    def __iter__(self) -> Iterator[Group]:
        """The same of all, row by row: to ask for one after the other costs twice as much."""
        self.make_room()
        for id_, row in enumerate(zip(*self._columns()), 1):
            made = self._group(id_, row)
            made.members = self.members_of(id_) if self.members_rows else None
            yield made

    def bare(self, index: int) -> Group:
        """The Group without its members, which are dear: for who does not ask for them."""
        return self._group(index + 1, [column[index] for column in self._columns()])

    def _columns(self) -> tuple[array[int], ...]:
        numbers = self.what, self.stack, self.within, self.verdict, self.purpose
        begun = self.first_seq, self.first_t, self.before
        return (*numbers, *begun, self.own_peak, self.region, *self.sums.values())

    def _group(self, id_: int, row: Sequence[int]) -> Group:
        what, stack, within, verdict, purpose, seq, t_ns, before, own_peak, region, *sums = row
        kind, name, impl, pid, phase, image = self.whats[what]
        return Group(  # type: ignore[misc]  # mypy cannot count the sums
            id_,
            pid,
            kind,
            name,
            impl,
            phase,
            image,
            stack,
            within,
            self.verdicts[verdict],
            self.purposes[purpose],
            seq,
            t_ns,
            None if before < 0 else before,
            *sums,  # type: ignore[arg-type]
            own_peak_bytes=own_peak,
            region=region,
        )

    def alike(self, index: int) -> tuple[Any, ...]:
        """What all events of a group have in common: events.ALIKE of it."""
        kind, name, impl, pid, phase, image = self.whats[self.what[index]]
        judged = self.verdicts[self.verdict[index]], self.purposes[self.purpose[index]]
        what = pid, kind, name, impl, phase, image, self.stack[index]
        return (*what, *judged, self.region[index])

    def example(self, index: int) -> Event:
        """An Event of what all events of a group have in common."""
        kind, name, impl, pid, phase, image = self.whats[self.what[index]]
        made = Event(0, 0, pid, pid, kind, name, impl, phase=phase, image=image)
        made.stack, made.verdict = self.stack[index], self.verdicts[self.verdict[index]]
        return made

    def most_telling(self, limit: int, indexes: list[int]) -> list[int]:
        """`limit` of these indexes of groups, in their order: those of loader and runtimes, of
        which most can be told, then those with the most events."""
        if len(indexes) <= limit:
            return indexes
        is_users = [verdict is None or verdict.origin == "user" for verdict in self.verdicts]
        behind = [2 * MAX_INT * is_user for is_user in is_users]
        ranks = list(map(sub, map(behind.__getitem__, self.verdict), self.sums["count"]))
        return sorted(sorted(indexes, key=ranks.__getitem__)[:limit])

    def counts(self, kind: str) -> Iterator[tuple[int, int]]:
        """Yield (id, number of events) of the groups of that kind."""
        wanted = [what.kind == kind for what in self.whats]
        for id_, (what, count) in enumerate(zip(self.what, self.sums["count"]), 1):
            if wanted[what]:
                yield id_, count

    def whats_of(self) -> Iterator[What]:
        """Of each group its one of `whats`."""
        return map(self.whats.__getitem__, self.what)

    def ends_of_programs(self) -> dict[tuple[int, int], int]:
        """{(pid, image): seq of the first event of what the process was next}"""
        of_what: dict[int, int] = {}
        for what, seq in zip(self.what, self.first_seq):
            if seq < of_what.get(what, MAX_INT + 1):
                of_what[what] = seq
        firsts: dict[tuple[int, int], int] = {}
        for what, seq in of_what.items():
            program = self.whats[what].program
            firsts[program] = min(seq, firsts.get(program, seq))
        found: dict[tuple[int, int], int] = {}
        began: dict[int, int] = {}
        for (pid, image), seq in sorted(firsts.items(), key=lambda item: item[1]):
            if pid in began:
                found[pid, began[pid]] = seq
            began[pid] = image
        return found

    def programs(self) -> list[tuple[int, int]]:
        """(pid, image) of each of `whats`."""
        return [what.program for what in self.whats]

    def origin(self, id_: int) -> str:
        """Of a group by its id: one of words.ORIGINS."""
        verdict = self.verdicts[self.verdict[id_ - 1]]
        return verdict.origin if verdict else "unknown"

    def rows(
        self,
        names: Sequence[int],
        nodes: Iterable[int],
        verdicts: Sequence[int],
        purposes: Sequence[int],
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the table `groups` of a trace, but for their ids, which count from 1.
        `names`, `verdicts`, `purposes`: the number there of each of ours; `nodes`: of each
        stack."""
        whats = [_what_row(what, name) for what, name in zip(self.whats, names)]
        columns = list(zip(*whats)) or [()] * 4
        name, pid, phase, image = (map(column.__getitem__, self.what) for column in columns)
        judged = map(verdicts.__getitem__, self.verdict), map(purposes.__getitem__, self.purpose)
        begun = self.first_seq, self.first_t
        sums = *self.sums.values(), self.own_peak
        return zip(name, pid, phase, image, nodes, self.within, *judged, *begun, *sums, self.region)


class Indexed:
    """Objects that are shared, numbered by identity; 0 is None."""

    def __init__(self) -> None:
        self.values: list[Any] = [None]
        self._ids = {id(None): 0}

    def of(self, value: Any) -> int:
        number = self._ids.get(id(value))
        if number is None:
            number = self._ids[id(value)] = len(self.values)
            self.values.append(value)  # kept: or its identity would be used again
        return number


def _gathered(column: array[int], rows: array[int], code: str) -> array[int]:
    """These rows of a column, which may be narrower, as an array of that type."""
    width, count = column.itemsize, len(rows)
    if count >= kernels.FEWEST and column.typecode == code:
        made = array(code, bytes(width * count))
        failed = kernels.run("gather", column, len(column), rows, count, width, made)
        if failed is not None and failed >= 0:
            return made
    return array(code, map(column.__getitem__, rows))


def _what_row(what: What, name: int) -> tuple[Any, ...]:
    return name, to_signed(what.pid), words.PHASES.index(what.phase), to_signed(what.image)


def clamped(values: Iterable[int]) -> array[int]:
    """As an array: sums of a hostile spool may pass 2^63."""
    if isinstance(values, array) and values.typecode == "q":
        return values
    try:
        return array("q", values)
    except OverflowError:
        return array("q", map(_clamp, values))


def unsigned(values: array[int]) -> array[int]:
    """The same array, of numbers without a sign that were read as if they had one."""
    return clamped([v if v >= 0 else MAX_INT for v in values]) if has_negative(values) else values


def has_negative(values: Sequence[int]) -> bool:
    """Whether any is less than 0: of an array its bytes tell, and no number is made."""
    if isinstance(values, array) and values.typecode == "q" and sys.byteorder == "little":
        return not values.tobytes()[7::8].isascii()
    return min(values, default=0) < 0


def _clamp(value: int) -> int:
    return max(-MAX_INT, min(value, MAX_INT))
