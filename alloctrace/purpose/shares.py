"""What each part of a group has of its sums, counted from the events of the parts alone.

The recorder knows when the most was live; what a part held then is what was made before, and was
not freed or moved on. As in the history in C, live bytes change when a call returns, of a free when
it begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from alloctrace import measure
from alloctrace.columns.group_table import SUMS
from alloctrace.columns.schema import PRESENT

_BLOCK = PRESENT["block"]
_HANDED = _BLOCK | PRESENT["errno"]


class Part:
    """Events of a group that are for one thing, and lie in calls that are; `within`: the Part of
    the call around, where that is of several; `members`: indexes of events."""

    def __init__(self, id_, purpose, within):
        self.id, self.purpose, self.within = id_, purpose, within
        self.members = []
        self.sums, self.own_peak = dict.fromkeys(SUMS, 0), 0


def count(recorded, part_of, parts):
    """Fill in the sums of all `parts`; `part_of`: {index of an event: its Part}."""
    events = recorded.events
    for part in parts:
        for index in part.members:
            _add(part.sums, events[index])
    _reached(recorded, part_of)
    lives = _Lives(recorded, part_of)
    lives.follow()
    lives.tell()


def _add(sums, event):
    sums["count"] += 1
    sums["bytes"] += measure.bytes_asked(event)
    sums["failed"] += event.failed
    sums["unfinished"] += event.dur_ns is None
    if measure.hands_out(event):
        sums["allocations"] += 1
        sums["allocated"] += measure.bytes_asked(event)


def _reached(recorded, part_of):
    """Un-nested calls that made a syscall, each counted once."""
    outers, seen = recorded.events.columns["outer"], set()
    for index, distance in enumerate(recorded.events.columns["cause"]):
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

    def holds(self, events, moment):
        if not _is_before(events, self.begun, moment):
            return False
        return self.ended is None or not _is_before(events, self.ended, moment)


class _Lives:
    """Of the blocks that parts handed out."""

    def __init__(self, recorded, part_of):
        self._sums, self._events, self._part_of = recorded.sums, recorded.events, part_of
        self._live, self._all = {}, []  # (pid, image, block) -> _Life; all that were in parts
        self._makers = {}  # the same -> the event that made it; None: it has grown since
        self._gone = []  # (_Life, the event that made its block, the one that freed it)
        self._ends = _ends_of_programs(recorded.sums.groups)

    def follow(self):
        """Through all events of these blocks, in their order."""
        for index in self._of_blocks():
            event = self._events[index]
            key = event.pid, event.image, event.block
            if measure.hands_out(event):
                self._makers[key] = None if self._end(key, event) else event
                self._begin(key, self._part_of.get(index), event)
            elif self._is_for_outer(event):
                continue
            elif measure.frees(event):
                self._free(key, event)
            elif event.outer is not None and not event.failed and key in self._live:
                self._begin(key, self._end(key, event).part, event)

    def _of_blocks(self):
        handed = filter(measure.hands_out, map(self._events.__getitem__, self._part_of))
        blocks, columns = {event.block for event in handed}, self._events.columns
        rows = enumerate(zip(columns["block"], columns["present"]))
        return [at for at, (block, present) in rows if block in blocks and present & _BLOCK]

    def _is_for_outer(self, event):
        """A call around it works on the same block, and tells."""
        block = event.block
        while event.outer is not None:
            event = self._events[event.outer]
            if event.block == block:
                return True
        return False

    def _begin(self, key, part, event):
        life = self._live[key] = _Life(part, measure.bytes_asked(event), _returned(event))
        if part is not None:
            ended = self._ends.get(key[:2], len(self._events))
            life.ended = _begun(self._events[ended]) if ended < len(self._events) else None
            self._all.append(life)

    def _end(self, key, event):
        life = self._live.pop(key, None)
        if life is not None:
            life.ended = _begun(event) if event.name == "free" else _returned(event)
        return life

    def _free(self, key, event):
        life, maker = self._end(key, event), self._makers.pop(key, None)
        if life is not None and life.part is not None and maker is not None:
            self._gone.append((life, maker))

    def tell(self):
        """The parts what they hold, and held."""
        for life in self._all:
            if life.ended is None:
                life.part.sums["live_blocks"] += 1
                life.part.sums["live_bytes"] += life.size
        self._tell_temporary()
        peak = self._moment(self._sums.peak)
        own = {(row["pid"], row["image"]): self._moment(row) for row in self._sums.peaks}
        for life in self._all:
            if peak and life.holds(self._events, peak):
                life.part.sums["peak_bytes"] += life.size
            event = life.begun[0]
            at = own.get((event.pid, event.image))
            if at and life.holds(self._events, at):
                life.part.own_peak += life.size

    def _moment(self, peak):
        seq = peak.get("seq")
        known = seq is not None and 0 <= seq < len(self._events)
        return _returned(self._events[seq]) if known else None

    def _tell_temporary(self):
        """Of the blocks that were freed before their thread's next allocation."""
        handed = self._handed_out({maker.tid for _, maker in self._gone})
        for life, maker in self._gone:
            mine = handed[maker.tid]
            after = bisect_right(mine, maker.seq)
            following = _returned(self._events[mine[after]]) if after < len(mine) else None
            if following is None or not _is_before(self._events, following, life.ended):
                life.part.sums["temporary_blocks"] += 1
                life.part.sums["temporary_bytes"] += life.size

    def _handed_out(self, tids):
        """{tid: seqs of its allocations}."""
        columns, groups, found = self._events.columns, self._sums.groups, defaultdict(list)
        hands = [kind == "call" and name != "free" for kind, name, *_ in groups.whats]
        of_group = [False, *map(hands.__getitem__, groups.what)] if tids else ()
        names = ("group", "tid", "outer", "present", "result")
        for seq, (id_, tid, outer, present, result) in enumerate(zip(*map(columns.get, names))):
            if tid in tids and of_group[id_] and not outer and present & _HANDED == _BLOCK:
                if result or measure.hands_out(self._events[seq]):
                    found[tid].append(seq)
        return found


def _ends_of_programs(groups):
    """{(pid, image): seq of the first event of what the process was next}."""
    firsts = {}
    for program, seq in zip(map(groups.programs().__getitem__, groups.what), groups.first_seq):
        firsts[program] = min(seq, firsts.get(program, seq))
    found, began = {}, {}
    for (pid, image), seq in sorted(firsts.items(), key=lambda item: item[1]):
        if pid in began:
            found[pid, began[pid]] = seq
        began[pid] = image
    return found


# ---- moments: (event, whether it begins) --------------------------------------------------------


def _begun(event):
    return event, True


def _returned(event):
    return event, False


def _is_before(events, a, b):
    """Whether moment `a` was before `b`, or is the same."""
    (one, begins), (other, _) = a, b
    if one.tid != other.tid:
        return (_time(a), one.seq) <= (_time(b), other.seq)
    if one.seq < other.seq:
        return begins or not _lies_in(events, other, one)
    return one.seq == other.seq or _lies_in(events, one, other)


def _lies_in(events, event, call):
    """Whether the call returns only after the event."""
    while event.seq > call.seq and event.outer is not None:
        event = events[event.outer]
    return event.seq == call.seq


def _time(moment):
    event, begins = moment
    return event.t_ns + (0 if begins else event.dur_ns or 0)
