"""Of a run too long for its page: what each place asked for, by thread and part of the run.

A part is some bins. A call is counted in the part in which it began. Only groups of which every
event handed out memory can be told so; the stacks with the most bytes are told apart.

Of what became of it is told what all or none of a row's calls came to; else, where fates.py knows,
part by part.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from operator import add

from alloctrace import measure, words
from alloctrace.columns import asked as columns_asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import Any, Optional, Union

    from alloctrace.columns.events import PackedChunk
    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Group
    from reports.page.fates import Fates

    Alike = tuple[str, str, int, int]  # origin, phase, process, image
    Leaf = tuple[int, int, str, str, str]  # site, node, origin, phase, program
    Told = Union[int, Alike]
    Wanted = Optional[Callable[[Any], bool]]  # of an event, or what else is of a program

LARGEST_SUM = (1 << 63) - 1  # in an array
PARTS = 512
LEAVES = 500  # stacks that are told apart
CELLS = 100000  # with more of them a part is twice as long
KEPT = 1 << 17  # keys of which it is kept where they go
# Of a group; as a page has them.
FATES = ("peak_bytes", "live_bytes", "temporary_bytes", "reached", "syscalls")
ALL, NONE, UNKNOWN = 1, 0, None
_COUNTED = {name for name, given in words.SIGNATURES.items() if "nmemb" in given}


class _Program:
    """What `wanted` asks of a group."""

    def __init__(self, key: tuple[int, int]) -> None:
        self.pid, self.image = key


def allocating(groups: GroupTable, wanted: Wanted) -> Iterator[Group]:
    """Yield the groups that handed out memory and are `wanted`. A GroupTable may have a million, of
    which most handed out none."""
    for index, allocations in enumerate(groups.sums["allocations"]):
        if allocations:
            group = groups.bare(index)
            if not wanted or wanted(group):
                yield group


def syscalls_made(groups: GroupTable) -> list[int]:
    """By id of a group how many memory syscalls its un-nested calls made, those of the calls nested
    in them as well."""
    made, within, counts = [0] * (len(groups) + 1), groups.within, groups.sums["count"]
    for index, what in enumerate(groups.what):
        if groups.whats[what].kind == "syscall" and within[index]:
            call = within[index]
            while within[call - 1]:
                call = within[call - 1]
            made[call] += counts[index]
    return made


def largest(nodes: array[int], values: Iterable[int], most: int) -> set[int]:
    """The `most` nodes with the largest sums of `values`. `nodes`: where the stacks of groups
    begin; there may be a million."""
    sums = array("q", bytes(8 * (max(nodes, default=0) + 1)))
    for node, value in zip(nodes, values):
        if node > 0:
            sums[node] = min(LARGEST_SUM, sums[node] + value)
    return set(heapq.nlargest(most, range(1, len(sums)), key=sums.__getitem__))


class Cells:
    """Takes events piece by piece. `groups`: of the trace; `nodes`: where their stacks begin."""

    def __init__(
        self,
        groups: GroupTable,
        nodes: array[int],
        wanted: Wanted,
        bins: int,
        at_peak: Callable[[Group], int],
    ) -> None:
        self.per = max(1, -(-bins // PARTS))  # bins
        self.left_out = [0, 0]  # bytes, allocations of groups that cannot be told so
        self._count = len(groups) + 1
        # What groups are told as: the id of the first of them, or an origin … Of 0 nothing.
        self._told: list[Told] = [0]
        self._keys = array("I", bytes(4 * self._count))  # group -> its place there
        self._asked = array("q", bytes(8 * self._count))  # group -> bytes of all its events
        self.multiplied = bytearray(self._count)  # by group: its events have a number of elements
        self._adds_up = True
        self._at_peak, self._made = at_peak, syscalls_made(groups)
        # By place there: bytes, allocations, FATES of all its events.
        self._whole: list[list[int]] = [[]]
        # One of FATES -> {(what, thread): {bin: value}}.
        self._parts_of: dict[str, dict[tuple[Told, int], dict[int, int]]] = {}
        self._choose(groups, nodes, wanted)
        self.told = bytes(map(bool, self._keys))  # by group whether its bytes are added
        self._held: list[int] = []  # by key, zero between two pieces
        # (what, thread) -> {part: [bytes, allocations]}
        self._sums: dict[tuple[Told, int], dict[int, list[int]]] = {}
        self._parts: dict[int, dict[int, list[int]]] = {}  # key -> its parts there
        self._size = 0

    def _choose(self, groups: GroupTable, nodes: array[int], wanted: Wanted) -> None:
        """The stacks with the most bytes are told apart, others by origin, phase and program."""
        large = self._largest(groups, nodes, wanted)
        known: dict[tuple[Any, ...], int] = {}
        for group in allocating(groups, wanted):
            if group.allocations != group.count:
                self.left_out[0] += group.allocated
                self.left_out[1] += group.allocations
                continue
            who, node = (group.phase, group.pid, group.image), nodes[group.id - 1]
            alike = measure.origin(group), *who
            key: tuple[Any, ...] = alike
            what: Told = alike
            if node in large:
                key, what = (node, id(group.verdict), *who), group.id
            if key not in known:
                known[key] = len(self._told)
                self._told.append(what)
                self._whole.append([0] * (2 + len(FATES)))
            whole = self._whole[known[key]]
            whole[:] = map(add, whole, self._sums_of(group))
            self._asked[group.id], self._keys[group.id] = group.allocated, known[key]
            if group.name in _COUNTED:
                self.multiplied[group.id] = 1

    def _sums_of(self, group: Group) -> tuple[int, ...]:
        came_to = group.live_bytes, group.temporary_bytes, group.reached, self._made[group.id]
        return (group.allocated, group.allocations, self._at_peak(group) or 0, *came_to)

    @staticmethod
    def _largest(groups: GroupTable, nodes: array[int], wanted: Wanted) -> set[int]:
        sums = groups.sums
        is_wanted = [wanted is None or wanted(what) for what in map(_Program, groups.programs())]
        rows = zip(groups.what, sums["allocations"], sums["count"], sums["allocated"])
        values = (
            size if allocations == count and is_wanted[what] else 0
            for what, allocations, count, size in rows
        )
        return largest(nodes, values, LEAVES)

    @staticmethod
    def bytes_of(chunk: PackedChunk, has_multiplied: bool) -> tuple[int, Sequence[int]]:
        """(least, what each event of a chunk asked for beyond that)."""
        if not has_multiplied:
            return chunk.above("size")
        return 0, columns_asked.each(*map(chunk.column, ("present", "size", "nmemb")))

    def add(
        self, number: int, keys: Sequence[int], above: int, asked: Sequence[int], least: int
    ) -> None:
        """A piece of a part that begins in the bin `number`. `keys`: of its events of groups that
        are `told`, without what they are `above`; `asked`: their bytes, beyond `least`."""
        part, found = number // self.per, Counter(keys)
        if max(found) - min(0, min(found)) >= len(self._held):  # a list counts from its end as well
            self._held = [0] * (max(found) - min(0, min(found)) + 1)
        held, parts_of = self._held, self._parts
        for key, size in zip(keys, asked):
            held[key] += size
        for key, times in found.items():
            parts = parts_of.get(key + above)
            if parts is None:
                parts = self._parts_of_key(key + above)
            size, held[key] = held[key] + least * times, 0
            try:
                self._asked[(key + above) % self._count] -= size
            except OverflowError:  # of a stranger's events
                self._adds_up = False
            sums = parts.get(part)
            if sums is None:
                sums = parts[part] = [0, 0]
                self._size += 1
            sums[0] += size
            sums[1] += times
        while self._size > CELLS and self.per < 1 << 20:
            self._halve()

    def _parts_of_key(self, key: int) -> dict[int, list[int]]:
        if len(self._parts) >= KEPT:
            self._parts.clear()
        thread, group = divmod(key, self._count)
        found = self._sums.setdefault((self._told[self._keys[group]], thread), {})
        self._parts[key] = found
        return found

    def tell(self, fates: Fates) -> None:
        """What became of the events; what does not add up to what the groups say is not told."""
        kernel = fates.kernel
        told = (
            ("live_bytes", fates.left),
            ("reached", kernel and kernel.reached),
            ("syscalls", kernel and kernel.made),
        )
        for name, found in told:
            sums = [0] * len(self._told)
            by_what: dict[tuple[Told, int], dict[int, int]] = {}
            for key, bins in (found or {}).items():
                thread, group = divmod(key, self._count)
                place = self._keys[group]
                sums[place] += sum(bins.values())
                known = by_what.setdefault((self._told[place], thread), {})
                for number, value in bins.items():
                    known[number] = known.get(number, 0) + value
            at = 2 + FATES.index(name)
            if sums[1:] == [whole[at] for whole in self._whole[1:]]:
                self._parts_of[name] = by_what

    def _halve(self) -> None:
        self.per *= 2
        for parts in self._sums.values():
            old = list(parts.items())
            parts.clear()
            for part, sums in old:
                held = parts.setdefault(part // 2, [0, 0])
                held[0] += sums[0]
                held[1] += sums[1]
        self._size = sum(map(len, self._sums.values()))

    def tables(
        self, leaf: Callable[[int], Leaf], threads: Sequence[str | None]
    ) -> dict[str, Any] | None:
        """For the page; None where the events do not add up to what the groups say. `leaf`: of the
        id of a group (site, node, origin, phase, program); `threads`: numbers -> tids."""
        if any(self._asked) or not self._adds_up:
            return None
        # (site, node, origin, phase, program, tid) -> _Row
        rows: dict[tuple[Any, ...], _Row] = {}
        places = {what: place for place, what in enumerate(self._told)}
        for (what, thread), parts in self._sums.items():
            key = (leaf(what) if isinstance(what, int) else _folded(what)) + (threads[thread],)
            row = rows.setdefault(key, _Row())
            row.whole = list(map(add, row.whole, self._whole[places[what]]))
            row.add(0, parts, 0)
            row.add(1, parts, 1)
            for at, name in enumerate(FATES, 2):
                found = self._parts_of.get(name, {}).get((what, thread), {})
                for number, value in found.items():
                    row.add_one(at, number // self.per, value)
        return {
            "per": self.per,
            "left_out": self.left_out,
            "rows": [
                [*key, *row.columns(self._parts_of)]
                for key, row in sorted(rows.items(), key=_largest)
            ],
        }


class _Row:
    """Sums of one place and thread by part: bytes, allocations, and of FATES."""

    def __init__(self) -> None:
        self.whole = [0] * (2 + len(FATES))
        self._sums: dict[int, list[int]] = {}

    def add(self, at: int, parts: dict[int, list[int]], of: int) -> None:
        for part, sums in parts.items():
            self.add_one(at, part, sums[of])

    def add_one(self, at: int, part: int, value: int) -> None:
        self._sums.setdefault(part, [0] * len(self.whole))[at] += value

    @property
    def bytes(self) -> int:
        return sum(sums[0] for sums in self._sums.values())

    def columns(self, known: Collection[str]) -> list[Any]:
        """[parts], [bytes], [allocations], and of each of FATES ALL, NONE, UNKNOWN or a list."""
        order = sorted(self._sums)
        columns = [[self._sums[part][at] for part in order] for at in range(len(self.whole))]
        return [order, *columns[:2]] + [
            self._fate(at, columns[at] if name in known else UNKNOWN)
            for at, name in enumerate(FATES, 2)
        ]

    def _fate(self, at: int, column: list[int] | None) -> list[int] | int | None:
        if not self.whole[at]:
            return NONE
        all_ = {"reached": self.whole[1], "syscalls": None}.get(FATES[at - 2], self.whole[0])
        return ALL if self.whole[at] == all_ else column


def _largest(item: tuple[tuple[Any, ...], _Row]) -> int:
    return -item[1].bytes


def _folded(what: Alike) -> Leaf:
    origin, phase, pid, image = what
    return -1, -1, origin, phase, "%d.%d" % (pid, image)
