"""A run too long for its page: counts of all its events in bins, and which of them are shown whole.

Shown whole are all of load and init, the events around the peak, the beginning of main, the end,
and the first calls that reached the kernel with their syscalls.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict, namedtuple
from itertools import compress
from operator import add

from alloctrace.columns.check import TraceError
from alloctrace.space.changes import Changes
from alloctrace.summary import chosen
from reports.page import cells
from reports.page.fates import Fates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, NamedTuple

    from alloctrace.columns.events import PackedChunk
    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Event, Group
    from alloctrace.trace.read import Trace
    from reports.page.cells import Wanted

BINS = 4096
EDGE = 1500  # events of each window at most
AROUND = 200  # before and behind the peak
SYSCALLS = 2500
_NAMES = ("group", "tid", "size", "nmemb", "present", "cause", "outer")
_SYSCALL, _TOLD, _MULTIPLIED = (
    bytes(mark >> bit & 1 for mark in range(256)) for bit in range(3)
)  # of marks of groups
PROGRAMS = 100  # with more the bins do not tell them apart
THREADS = 32  # that are told apart, by when they came
KEYS = 1 << 22  # groups * threads, at most

if TYPE_CHECKING:
    Reached = dict[tuple[int, int], Counter[int]]  # (number of a series, thread) -> {bin: events}

    class Windows(NamedTuple):
        bins: dict[str, Any]
        cells: cells.Cells
        tids: list[str | None]
        ranges: list[list[int]]
        changes: Changes

    class _Series(NamedTuple):
        origin: str
        phase: str
        kind: str
        program: str

else:
    # What a bin tells apart, and tids.
    _Series = namedtuple("_Series", "origin phase kind program")
    Windows = namedtuple("Windows", "bins cells tids ranges changes")  # ranges: of seqs


def of(summary: dict[str, Any], trace: Trace, wanted: Wanted) -> Windows:
    """The Windows of a run: one pass over a few columns."""
    groups = trace.sums().groups
    total = sum(groups.sums["count"])
    width = max(1, -(-total // BINS))
    counts = _Counts(groups, wanted, width)
    nodes, at_peak = trace.tree.nodes(groups.stack), chosen.at_peak(summary)
    places = cells.Cells(groups, nodes, wanted, -(-total // width), at_peak)
    fates, changes = Fates(trace, groups, width), Changes(groups)
    marks = [
        a | b << 1 | c << 2 for a, b, c in zip(counts.syscalls, places.told, places.multiplied)
    ]
    classes = _Classes(marks, counts.series_of)
    threads = _Threads(len(groups) + 1, len(classes.all))
    for first, chunk in trace.packed_chunks(_NAMES):
        base, group = chunk.above("group")
        found, marked = classes.of(chunk, base, group)
        above, keys, above_classes, classed = threads.keys(chunk, base, group, found)
        known = classes.among(classed)
        for number, begin, end in _bins(first, len(group), width):
            counts.add(number, _counted(classed, begin, end, known), above_classes)
        told, multiplied = marked.translate(_TOLD), marked.translate(_MULTIPLIED)
        least, sizes = places.bytes_of(chunk, 1 in multiplied)
        asked, keyed, at = list(compress(sizes, told)), list(compress(keys, told)), 0
        for _, begin, end in _bins(first, len(group), width * places.per):
            until = at + told.count(1, begin, end)
            if at < until:
                number = (first + begin) // width
                places.add(number, keyed[at:until], above, asked[at:until], least)
            at = until
        syscalls = _rows(marked.translate(_SYSCALL))
        counts.note_reaching(first, chunk, syscalls)
        changes.add(first, group, base, syscalls)
        fates.add(first, chunk, base, group, keys, above, syscalls)
    places.tell(fates)
    tids = threads.tids()
    starts = _starts(groups, wanted)
    ranges = _edges(starts, total, summary["peak"]["seq"]) + counts.reaching
    tables = counts.tables(total, tids, classes, counts.reached_in(fates, groups))
    return Windows({**tables, "starts": starts}, places, tids, merged(ranges), changes)


class _Classes:
    """What tells events apart in bins, by group: marks and a series. `all`: class -> (mark,
    series); 0 is of no group. Few of them are a byte an event, which is counted fast."""

    FEW = 64

    def __init__(self, marks: list[int], series_of: Sequence[int]) -> None:
        kinds = list(zip(marks, series_of))
        number = {kind: at for at, kind in enumerate(dict.fromkeys(kinds[1:]), 1)}
        self.all = [(0, 0), *number]
        self.are_few = len(self.all) <= self.FEW
        of_group = [0, *map(number.__getitem__, kinds[1:])]
        self._of_group: bytes | list[int] = bytes(of_group) if self.are_few else of_group
        self._marks = bytes(mark for mark, _ in self.all).ljust(256, b"\0")

    def of(
        self, chunk: PackedChunk, base: int, group: Sequence[int]
    ) -> tuple[bytes | list[int], bytes]:
        """(class, mark) of each event. `group`: without `base`."""
        of_group = self._of_group
        if isinstance(of_group, bytes):
            few = chunk.where("group", of_group)
            if 0 not in few:
                return few, few.translate(self._marks)
        elif 0 < min(group) + base <= max(group) + base < len(of_group):
            many = [of_group[one + base] for one in group]
            return many, bytes(map(self._marks_of, many))
        raise TraceError("damaged: an event is of no group")

    def among(self, found: Sequence[int]) -> list[int] | None:
        """The classes that there are, of bytes; None: it is something else."""
        if isinstance(found, bytes):
            return [key for key in range(1, len(self.all)) if key in found]
        return None

    def _marks_of(self, class_: int) -> int:
        return self.all[class_][0]


def _rows(marks: bytes) -> list[int]:
    """Where they are 1: in most chunks in few places."""
    if 16 * marks.count(1) > len(marks):
        return list(compress(range(len(marks)), marks))
    found, row = [], marks.find(1)
    while row >= 0:
        found.append(row)
        row = marks.find(1, row + 1)
    return found


def _counted(
    found: Sequence[int], begin: int, end: int, told: list[int] | None
) -> Iterable[tuple[int, int]]:
    """(key, how many of these events have it); `told`: those that there are, of bytes."""
    if told is not None and isinstance(found, bytes):
        return [(key, found.count(key, begin, end)) for key in told]
    return Counter(found[begin:end]).items()


def _bins(first: int, count: int, width: int) -> Iterator[tuple[int, int, int]]:
    """(number of a bin, the rows of it in a chunk: from, to)."""
    at = 0
    while at < count:
        number = (first + at) // width
        until = min(count, (number + 1) * width - first)
        yield number, at, until
        at = until


def program(one: Event | Group) -> str:
    """The page's key of the program that a group or an event is of."""
    return "%d.%d" % (one.pid, one.image)


class _Threads:
    """Numbers threads as they come; what comes late is one together, None.

    A key is a group, or a class, and a thread: the group plus the thread's number times how many
    groups there are.
    """

    def __init__(self, groups: int, classes: int) -> None:
        self._groups, self._classes = groups, classes
        # Tid -> number * groups; number * classes.
        self._numbers: dict[int, int] = {}
        self._above: dict[int, int] = {}
        self._most = max(1, min(THREADS, KEYS // groups))

    def keys(
        self, chunk: PackedChunk, base: int, groups: Sequence[int], classes: Sequence[int]
    ) -> tuple[int, Sequence[int], int, Sequence[int]]:
        """(base, the key of each event without it), and the same with classes."""
        tid = chunk.constant("tid")
        if tid is not None:
            self._number(tid)
            return base + self._numbers[tid], groups, self._above[tid], classes
        tids = chunk.column("tid")
        for tid in dict.fromkeys(tids):
            self._number(tid)
        keys = list(map(add, groups, map(self._numbers.__getitem__, tids)))
        return base, keys, 0, list(map(add, classes, map(self._above.__getitem__, tids)))

    def _number(self, tid: int) -> None:
        if tid not in self._numbers:
            number = min(len(self._numbers), self._most)
            self._numbers[tid], self._above[tid] = number * self._groups, number * self._classes

    def tids(self) -> list[str | None]:
        """By number. One thread alone is not told."""
        numbers: dict[int, str | None] = {
            number // self._groups: str(tid) for tid, number in self._numbers.items()
        }
        if len(self._numbers) > self._most:
            numbers[self._most] = None
        return [""] if len(self._numbers) < 2 else [numbers[at] for at in range(len(numbers))]


class _Counts:
    """Adds up events by bin, origin, phase, kind, program and thread."""

    def __init__(self, groups: GroupTable, wanted: Wanted, width: int) -> None:
        self._width = width
        series: dict[_Series, int] = {}
        self.syscalls = bytearray(len(groups) + 1)  # by group whether it is wanted ones
        self.series_of = array("I", [0])  # group -> what it is counted as; 0: it is not
        tells_programs = 1 < len(set(groups.programs())) <= PROGRAMS
        origins = [verdict.origin if verdict else "unknown" for verdict in groups.verdicts]
        # What tells groups apart here -> (number of a series, whether it is wanted syscalls).
        alike: dict[tuple[int, str, bool], tuple[int, bool]] = {}
        rows = zip(groups.what, groups.verdict, groups.within)
        for id_, (what, verdict, within) in enumerate(rows, 1):
            key = what, origins[verdict], bool(within)
            if key not in alike:
                group = groups.bare(id_ - 1)
                who = program(group) if tells_programs else ""
                shared = _Series(key[1], group.phase, group.kind, who)
                is_wanted = not wanted or wanted(group)
                counts = is_wanted and group.is_counted
                number = series.setdefault(shared, len(series) + 1) if counts else 0
                alike[key] = number, is_wanted and group.kind == "syscall"
            number, self.syscalls[id_] = alike[key]
            self.series_of.append(number)
        self._series = [_Series("", "", "", ""), *series]
        # Key -> bin -> events.
        self._sums: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
        self.reaching: list[tuple[int, int]] = []  # ranges of syscalls and the calls that made them

    def add(self, bin_: int, counted: Iterable[tuple[int, int]], above: int) -> None:
        """`counted`: (key, events) by class and thread, without what it is `above`."""
        sums = self._sums
        for key, times in counted:
            if times:
                sums[key + above][bin_] += times

    def note_reaching(self, first: int, chunk: PackedChunk, rows: list[int]) -> None:
        """The first syscalls, with the calls that made them."""
        if len(self.reaching) >= SYSCALLS or not rows:
            return
        for row, distance in zip(rows, chunk.column("cause", rows)):
            seq = first + row
            if 0 < distance < AROUND:
                self.reaching.append((seq - distance, seq))
            else:
                self.reaching.append((seq, seq))
                if 0 < distance <= seq:
                    self.reaching.append((seq - distance, seq - distance))
            if len(self.reaching) >= SYSCALLS:
                return

    def reached_in(self, fates: Fates, groups: GroupTable) -> Reached | None:
        """Of the calls that reached the kernel, and of the syscalls that calls made; None where it
        is not known."""
        kernel = fates.kernel
        if kernel is None:
            return None
        found: Reached = {}
        left: Counter[int] = Counter()
        for index, (number, reached) in enumerate(zip(self.series_of[1:], groups.sums["reached"])):
            made = groups.sums["count"][index] if groups.within[index] else 0
            is_call = number and self._series[number].kind == "call"
            left[number] += reached if is_call else made
        for key, bins in [*kernel.reached.items(), *kernel.caused.items()]:
            thread, group = divmod(key, len(groups) + 1)
            number = self.series_of[group]
            sums = found.setdefault((number, thread), Counter())
            sums.update(bins)
            left[number] -= sum(bins.values())
        is_sound = not any(left[number] for number in range(1, len(self._series)))
        return found if is_sound else None

    def tables(
        self, total: int, tids: list[str | None], classes: _Classes, reached: Reached | None
    ) -> dict[str, Any]:
        by_series: Reached = {}  # several classes may be one series
        for key, bins in self._sums.items():
            thread, class_ = divmod(key, len(classes.all))
            number = classes.all[class_][1]
            if number:
                by_series.setdefault((number, thread), Counter()).update(bins)
        return {
            "width": self._width,
            "total": total,
            "series": [
                dict(
                    self._series[number]._asdict(),
                    tid=tids[thread],
                    **_columns(bins),
                    reached=_known(reached, (number, thread)),
                )
                for (number, thread), bins in sorted(by_series.items(), key=self._order)
            ],
        }

    def _order(self, item: tuple[tuple[int, int], Counter[int]]) -> tuple[Any, ...]:
        (number, thread), _ = item
        return (*self._series[number], thread)


def _known(reached: Reached | None, key: tuple[int, int]) -> dict[str, list[int]] | None:
    return None if reached is None else _columns(reached.get(key, {}))


def _columns(bins: Mapping[int, int]) -> dict[str, list[int]]:
    return {"at": sorted(bins), "n": [bins[bin_] for bin_ in sorted(bins)]}


def _starts(groups: GroupTable, wanted: Wanted) -> dict[str, int]:
    """{phase: the first seq of an event in it}, in their order."""
    starts: dict[str, int] = {}
    wants: dict[int, bool] = {}
    for index, (what, seq) in enumerate(zip(groups.what, groups.first_seq)):
        if what not in wants:
            wants[what] = wanted is None or wanted(groups.bare(index))
        if wants[what]:
            phase = groups.whats[what].phase
            starts[phase] = min(seq, starts.get(phase, seq))
    return dict(sorted(starts.items(), key=lambda item: item[1]))


def _edges(starts: dict[str, int], total: int, peak: int | None) -> list[tuple[int, int]]:
    """The windows that need no look at the events: phases, the peak, the end."""
    ranges = [(start, start + EDGE - 1) for start in starts.values()]
    ranges.append((total - EDGE, total - 1))
    if peak is not None:
        ranges.append((peak - AROUND, peak + AROUND))
    return [(max(0, first), min(total - 1, last)) for first, last in ranges]


def merged(ranges: Iterable[Iterable[int]]) -> list[list[int]]:
    """Sorted, and joined where they touch."""
    found: list[list[int]] = []
    for first, last in sorted([*one] for one in ranges):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found
