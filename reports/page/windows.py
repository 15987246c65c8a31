"""A run too long for its page: counts of all its events in bins, and which of them are shown whole.

Shown whole are all of load and init, the events around the peak, the beginning of main, the end,
and the first calls that reached the kernel with their syscalls.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from alloctrace import measure

BINS = 4096
EDGE = 1500  # events of each window at most
AROUND = 200  # before and behind the peak
SYSCALLS = 2500
_NAMES = ("present", "cause")  # trace_events.mend needs the first
_SERIES = ("origin", "phase", "kind", "program")
PROGRAMS = 100  # with more the bins do not tell them apart


def of(summary, trace, wanted):
    """(bins, [[first seq, last seq]]): one pass over one column of all events."""
    groups = trace.sums().groups
    total = sum(group.count for group in groups)
    counts = _Counts(groups, wanted, max(1, -(-total // BINS)))
    for first, group in trace.group_columns():
        counts.add(first, group)
        if counts.wants_causes(group):
            _, cause = trace.columns_at(first, _NAMES)
            counts.note_reaching(first, group, cause)
    starts = _starts(groups, wanted)
    ranges = _edges(starts, total, summary["peak"]["seq"]) + counts.reaching
    return {**counts.tables(total), "starts": starts}, merged(ranges)


def program(one):
    """The page's key of the program that a group or an event is of."""
    return "%d.%d" % (one.pid, one.image)


class _Counts:
    """Adds up events by bin, origin, phase and kind."""

    def __init__(self, groups, wanted, width):
        self._width = width
        self._series = [None] * (len(groups) + 1)  # group -> what it is counted as
        tells_programs = 1 < len(set(map(program, groups))) <= PROGRAMS
        self._syscalls = set()
        for group in groups:
            if wanted and not wanted(group):
                continue
            if group.kind == "syscall":
                self._syscalls.add(group.id)
            if group.is_counted:
                who = program(group) if tells_programs else ""
                self._series[group.id] = (measure.origin(group), group.phase, group.kind, who)
        self._sums = defaultdict(lambda: defaultdict(int))  # series -> bin -> events
        self.reaching = []  # ranges of syscalls and the calls that made them

    def add(self, first, group):
        at, count = 0, len(group)
        while at < count:
            number = (first + at) // self._width
            until = min(count, (number + 1) * self._width - first)
            for id_, times in Counter(group[at:until]).items():
                series = self._series[id_] if 0 < id_ < len(self._series) else None
                if series:
                    self._sums[series][number] += times
            at = until

    def wants_causes(self, group):
        """Whether there are syscalls in it that have room."""
        return len(self.reaching) < SYSCALLS and not self._syscalls.isdisjoint(group)

    def note_reaching(self, first, group, cause):
        for row, id_ in enumerate(group):
            if id_ in self._syscalls:
                seq = first + row
                distance = cause[row]
                if 0 < distance < AROUND:
                    self.reaching.append((seq - distance, seq))
                else:
                    self.reaching.append((seq, seq))
                    if 0 < distance <= seq:
                        self.reaching.append((seq - distance, seq - distance))
                if len(self.reaching) >= SYSCALLS:
                    return

    def tables(self, total):
        return {
            "width": self._width,
            "total": total,
            "series": [
                dict(zip(_SERIES, series), at=list(bins), n=list(bins.values()))
                for series, bins in sorted(self._sums.items())
            ],
        }


def _starts(groups, wanted):
    """{phase: the first seq of an event in it}, in their order."""
    starts = {}
    for group in groups:
        if wanted is None or wanted(group):
            starts[group.phase] = min(group.first_seq, starts.get(group.phase, group.first_seq))
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
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found
