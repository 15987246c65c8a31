"""A run too long for its page: counts of all its events in bins, and which of them are shown whole.

Shown whole are all of load and init, the events around the peak, the beginning of main, the end,
and the first calls that reached the kernel with their syscalls.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from itertools import compress
from operator import add

from alloctrace import measure
from alloctrace.columns.check import TraceError
from alloctrace.space.changes import Changes
from alloctrace.summary import chosen
from reports.page import cells
from reports.page.fates import Fates

BINS = 4096
EDGE = 1500  # events of each window at most
AROUND = 200  # before and behind the peak
SYSCALLS = 2500
_NAMES = ("group", "tid", "size", "nmemb", "present", "cause", "outer")
_SERIES = ("origin", "phase", "kind", "program", "tid")
_SYSCALL, _TOLD, _MULTIPLIED = (
    bytes(mark >> bit & 1 for mark in range(256)) for bit in range(3)
)  # of marks of groups
PROGRAMS = 100  # with more the bins do not tell them apart
THREADS = 32  # that are told apart, by when they came
KEYS = 1 << 22  # groups * threads, at most
KEPT = 1 << 17  # of which it is kept where they go


def of(summary, trace, wanted):
    """(bins, Cells, tids, [[first seq, last seq]], Changes): one pass over a few columns."""
    groups = trace.sums().groups
    total = sum(groups.sums["count"])
    width = max(1, -(-total // BINS))
    counts = _Counts(groups, wanted, width)
    nodes, at_peak = trace.tree.nodes(groups.stack), chosen.at_peak(summary)
    places = cells.Cells(groups, nodes, wanted, -(-total // width), at_peak)
    fates = Fates(trace, groups, width)
    threads, changes = _Threads(len(groups) + 1), Changes(groups)
    marks = bytes(
        a | b << 1 | c << 2 for a, b, c in zip(counts.syscalls, places.told, places.multiplied)
    )
    for first, chunk in trace.packed_chunks(_NAMES):
        base, group = chunk.above("group")
        above, keys = threads.keys(chunk, base, group)
        marked = chunk.where("group", marks)
        told, multiplied = marked.translate(_TOLD), marked.translate(_MULTIPLIED)
        least, sizes = places.bytes_of(chunk, 1 in multiplied)
        for number, begin, end in _bins(first, len(group), width):
            part = keys[begin:end]
            found = Counter(part)
            if not -above < min(found) <= max(found) < threads.end - above:
                raise TraceError("damaged: an event is of no group")
            counts.add(number, found, above)
            asked = zip(
                compress(part, told[begin:end]), compress(sizes[begin:end], told[begin:end])
            )
            places.add(number, found, above, asked, least)
        syscalls = list(compress(range(len(group)), marked.translate(_SYSCALL)))
        counts.note_reaching(first, chunk, syscalls)
        changes.add(first, group, base, syscalls)
        fates.add(first, chunk, base, group, keys, above, syscalls)
    places.tell(fates)
    tids = threads.tids()
    starts = _starts(groups, wanted)
    ranges = _edges(starts, total, summary["peak"]["seq"]) + counts.reaching
    return {**counts.tables(total, tids), "starts": starts}, places, tids, merged(ranges), changes


def _bins(first, count, width):
    """(number of a bin, the rows of it in a chunk: from, to)."""
    at = 0
    while at < count:
        number = (first + at) // width
        until = min(count, (number + 1) * width - first)
        yield number, at, until
        at = until


def program(one):
    """The page's key of the program that a group or an event is of."""
    return "%d.%d" % (one.pid, one.image)


class _Threads:
    """Numbers threads as they come; what comes late is one together, None.

    A key is a group and a thread: the group plus the thread's number times how many groups are.
    """

    def __init__(self, groups):
        self._groups = groups
        self._numbers = {}  # tid -> number * groups
        self._most = max(1, min(THREADS, KEYS // groups))

    def keys(self, chunk, base, groups):
        """(base, the key of each event without it)"""
        tid = chunk.constant("tid")
        if tid is not None:
            return base + self._number(tid), groups
        tids = chunk.column("tid")
        for tid in dict.fromkeys(tids):
            self._number(tid)
        return base, list(map(add, groups, map(self._numbers.__getitem__, tids)))

    def _number(self, tid):
        if tid not in self._numbers:
            self._numbers[tid] = self._groups * min(len(self._numbers), self._most)
        return self._numbers[tid]

    @property
    def end(self):
        """No key is so large."""
        return self._groups * (1 + min(len(self._numbers), self._most))

    def tids(self):
        """By number. One thread alone is not told."""
        numbers = {number // self._groups: str(tid) for tid, number in self._numbers.items()}
        if len(self._numbers) > self._most:
            numbers[self._most] = None
        return [""] if len(self._numbers) < 2 else [numbers[at] for at in range(len(numbers))]


class _Counts:
    """Adds up events by bin, origin, phase, kind, program and thread."""

    def __init__(self, groups, wanted, width):
        self._width = width
        series, self.syscalls = {}, bytearray(len(groups) + 1)  # by group whether it is wanted ones
        self._series_of = array("I", [0])  # group -> what it is counted as; 0: it is not
        tells_programs = 1 < len(set(groups.programs())) <= PROGRAMS
        origins = [verdict.origin if verdict else "unknown" for verdict in groups.verdicts]
        alike = {}  # what tells groups apart here -> number of a series
        rows = zip(groups.what, groups.verdict, groups.within)
        for id_, (what, verdict, within) in enumerate(rows, 1):
            key = what, origins[verdict], bool(within)
            if key not in alike:
                group = groups.bare(id_ - 1)
                who = program(group) if tells_programs else ""
                shared = key[1], group.phase, group.kind, who
                is_wanted = not wanted or wanted(group)
                counts = is_wanted and group.is_counted
                number = series.setdefault(shared, len(series) + 1) if counts else 0
                alike[key] = number, is_wanted and measure.is_syscall(group)
            number, self.syscalls[id_] = alike[key]
            self._series_of.append(number)
        self._series = [None, *series]
        self._sums = defaultdict(lambda: defaultdict(int))  # series -> bin -> events
        self._bins_of = {}  # key -> the bins that its events are added to
        self._not_told = defaultdict(int)
        self.reaching = []  # ranges of syscalls and the calls that made them

    def add(self, bin_, found, above):
        """`found`: how many events of each key, without what it is above."""
        bins_of = self._bins_of
        for key, times in found.items():
            bins = bins_of.get(key + above)
            if bins is None:
                if len(bins_of) >= KEPT:
                    bins_of.clear()
                thread, group = divmod(key + above, len(self._series_of))
                number = self._series_of[group]
                bins = self._sums[self._series[number], thread] if number else self._not_told
                bins_of[key + above] = bins
            bins[bin_] += times

    def note_reaching(self, first, chunk, rows):
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

    def tables(self, total, tids):
        by_series = sorted((*series, thread) for series, thread in self._sums)
        return {
            "width": self._width,
            "total": total,
            "series": [
                dict(zip(_SERIES, (*series, tids[thread])), at=list(bins), n=list(bins.values()))
                for *series, thread in by_series
                for bins in (self._sums[tuple(series), thread],)
            ],
        }


def _starts(groups, wanted):
    """{phase: the first seq of an event in it}, in their order."""
    starts, wants = {}, {}
    for index, (what, seq) in enumerate(zip(groups.what, groups.first_seq)):
        if what not in wants:
            wants[what] = wanted is None or wanted(groups.bare(index))
        if wants[what]:
            phase = groups.whats[what][4]
            starts[phase] = min(seq, starts.get(phase, seq))
    return dict(sorted(starts.items(), key=lambda item: item[1]))


def _edges(starts, total, peak):
    """The windows that need no look at the events: phases, the peak, the end."""
    ranges = [(start, start + EDGE - 1) for start in starts.values()]
    ranges.append((total - EDGE, total - 1))
    if peak is not None:
        ranges.append((peak - AROUND, peak + AROUND))
    return [(max(0, first), min(total - 1, last)) for first, last in ranges]


def merged(ranges):
    """Sorted, and joined where they touch."""
    found = []
    for first, last in sorted(map(list, ranges)):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found
