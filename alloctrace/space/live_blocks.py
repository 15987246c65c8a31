"""Which blocks were live right before some events of a run that is too long to be replayed. Pure.

An event of the first half, and of a short run any, is reached from the run's beginning; one of the
second half from its end: what is left, and what is freed or moved later though it was there before.
Numbers of blocks grow with time, so most of what comes later need not be looked at one by one.
"""

from __future__ import annotations

from array import array
from collections import deque
from itertools import compress, repeat

from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import PRESENT
from alloctrace.plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alloctrace.model import Group
    from alloctrace.trace.read import Trace

READ = 6000000  # events on each side, at most: beyond them nothing is known
FEW = 1500000  # events that are read from the beginning, whatever is asked
NUMBERS = 1 << 24  # blocks that are followed
CHUNKS = 300  # in which blocks are looked up
_NEW, _MOVED, _ENDED = 1, 2, 4  # marks of groups
_MOVING = ("realloc", "reallocarray")
_KNOWN = bytes(
    255 if has & PRESENT["block"] and not has & PRESENT["errno"] else 0
    for has in range(max(PRESENT.values()) * 4)
)
_HANDS = bytes(mark & (_NEW | _MOVED) for mark in range(256))
_ENDS = bytes(mark & _ENDED for mark in range(256))


@plain
class Held:
    """A block that is live at a moment, as the call left it that handed it out or moved it last."""

    number: int
    address: int
    size: int
    made: int  # seq of that call
    group: int | None  # of that call; None: it was not looked up


class _Unknown(Exception):
    pass


def before(
    trace: Trace, wanted: Callable[[Group], bool] | None, moments: Sequence[int], most: int
) -> dict[int, list[Held] | int | None]:
    """{seq: [Held], how many where these are more than `most`, or None: not known}

    `wanted(group)`: whether its events count; they must be of one program.
    """
    found = dict.fromkeys(moments)
    groups = trace.sums().groups
    programs = {what[3::2] for what in _of_calls(groups, wanted)}
    if len(programs) != 1:
        return found
    reader = _Reader(trace, groups, wanted)
    half = max(FEW, reader.count // 2) if reader.has_one_program else reader.count
    early = [seq for seq in moments if seq <= half and seq <= READ]
    late = [seq for seq in moments if seq > half and seq >= reader.count - READ]
    made = {}
    for look, seqs in ((_from_the_beginning, early), (_from_the_end, late)):
        try:
            made.update(look(reader, seqs) if seqs else {})
        except _Unknown:
            continue
    told = {seq: len(blocks) for seq, blocks in made.items()}
    few = {seq: blocks for seq, blocks in made.items() if len(blocks) <= most}
    told.update(reader.looked_up(few))
    found.update(told)
    return found


def _of_calls(groups, wanted):
    """What the wanted groups of calls are: (kind, name, impl, pid, phase, image)."""
    whats = {}
    for index, what in enumerate(groups.what):
        if what not in whats:
            group = groups.bare(index)
            whats[what] = group.kind == "call" and (wanted is None or wanted(group))
    return [groups.whats[what] for what, counts in whats.items() if counts]


class _Reader:
    """Chunks with what happens to blocks in them."""

    def __init__(self, trace, groups, wanted):
        self.trace, self.count = trace, trace.run.get("events") or 0
        self._marks = _marks(groups, _of_calls(groups, wanted))
        pids = {what[3::2] for what in _of_calls(groups, None)}
        self.has_one_program = len(pids) == 1  # else the trace does not say whose blocks are left
        self._late = trace.late_values(("block", "errno"))

    def chunks(self, seq=0, step=1):
        """Yield (first seq, marks of rows, numbers of blocks)."""
        for first, chunk in self.trace.packed_chunks(("present", "group", "block"), seq, step):
            yield (first, *self._of(first, chunk))

    def _of(self, first, chunk):
        marks, known = chunk.where("group", self._marks), chunk.where("present", _KNOWN)
        numbers = chunk.column("block")
        late = [row for row in self._late if first <= row[0] < first + len(numbers)]
        if late:
            known = bytearray(known)
            for seq, name, value in late:
                known[seq - first] = 255 if name == "block" else 0
                if name == "block":
                    numbers[seq - first] = value
        both = int.from_bytes(marks, "little") & int.from_bytes(known, "little")
        return both.to_bytes(len(marks), "little"), numbers

    def looked_up(self, blocks_at):
        """{seq: [Held]} of {seq: {number: seq that made it, or a Held}}; None: too far apart."""
        makers = [made for blocks in blocks_at.values() for made in blocks.values()]
        held = self._facts(sorted({made for made in makers if isinstance(made, int)}))
        found = {}
        for at, blocks in blocks_at.items():
            row = [held.get(m) if isinstance(m, int) else m for m in blocks.values()]
            found[at] = None if None in row else sorted(row, key=lambda one: one.address)
        return found

    def _facts(self, seqs):
        """{seq: Held}"""
        found, at, looked = {}, 0, 0
        names = ("present", "group", "size", "nmemb", "result", "block")
        late = {(seq, name): value for seq, name, value in self.trace.late_values(names)}
        for first, chunk in self.trace.packed_chunks(names) if seqs else ():
            begin = at
            while at < len(seqs) and seqs[at] < first + chunk.count:
                at += 1
            if begin == at:
                continue
            looked += 1
            if looked > CHUNKS:
                break
            rows = [seq - first for seq in seqs[begin:at]]
            columns = [chunk.column(name, rows) for name in names]
            for seq, *values in zip(seqs[begin:at], *columns):
                given = zip(names, values)
                has, group, size, times, result, number = (
                    late.get((seq, name), value) for name, value in given
                )
                size = (size & MASK64) * ((times & MASK64) if has & PRESENT["nmemb"] else 1)
                found[seq] = Held(number, result & MASK64, size, seq, group)
            if at == len(seqs):
                break
        return found


def _marks(groups, whats):
    """By group what its events do to blocks."""
    calls, marks = set(whats), bytearray(len(groups) + 1)
    for id_, (what, within) in enumerate(zip(groups.what, groups.within), 1):
        told = groups.whats[what]
        if told not in calls:
            continue
        moves = told[1] in _MOVING
        if told[1] == "free":
            outer = groups.whats[groups.what[within - 1]][1] if within else None
            marks[id_] = 0 if outer in _MOVING else _ENDED
        elif not within:
            marks[id_] = _MOVED if moves else _NEW
    return bytes(marks)


def _from_the_beginning(reader, moments):
    """{seq: {number: seq that made it}}"""
    found, since = {}, array("q")  # by number: the seq that made it, plus 1; 0: it is not live
    for first, marks, numbers in reader.chunks():
        if first > moments[-1]:
            break
        at, until = 0, first + len(numbers)
        for seq in moments:
            if first <= seq < until or seq == until == reader.count:
                _apply(since, first, marks, numbers, at, seq - first)
                at = seq - first
                live = compress(range(len(since)), since)
                found[seq] = {number: since[number] - 1 for number in live}
        _apply(since, first, marks, numbers, at, len(numbers))
    return found


def _apply(since, first, marks, numbers, at, until):
    """Rows `at` to `until` of a chunk. No block is handed out again after it has ended."""
    part, ids = marks[at:until], numbers[at:until]
    hands = part.translate(_HANDS)
    made = list(compress(ids, hands))
    if made and max(made) >= len(since):
        if max(made) >= NUMBERS:
            raise _Unknown
        since.frombytes(bytes(8 * (max(made) + 4096 - len(since))))
    if made and min(made) < 0:
        raise _Unknown
    seqs = compress(range(first + at + 1, first + until + 1), hands)
    deque(map(since.__setitem__, made, seqs), maxlen=0)
    ended = list(compress(ids, part.translate(_ENDS)))
    if ended and (min(ended) < 0 or max(ended) >= len(since)):
        ended = [number for number in ended if 0 <= number < len(since)]
    deque(map(since.__setitem__, ended, repeat(0)), maxlen=0)


def _from_the_end(reader, moments):
    """{seq: {number: seq that made it, or a Held}}"""
    bounds = {seq: _highest_before(reader, seq) for seq in moments}
    old = {seq: set() for seq in moments}  # live then, because something happens to them later
    fresh = {seq: set() for seq in moments}  # numbered out of order: they come later
    for first, marks, numbers in reader.chunks(moments[0]):
        touched = list(compress(numbers, marks))
        least = min(touched, default=0)
        for seq, bound in bounds.items():
            if seq >= first + len(numbers) or least > bound:
                continue
            rows = range(max(0, seq - first), len(numbers))
            for row in rows:
                number = numbers[row]
                if marks[row] and number <= bound:
                    if marks[row] == _NEW and number not in old[seq]:
                        fresh[seq].add(number)
                    elif number not in fresh[seq]:
                        old[seq].add(number)
    left = list(reader.trace.blocks())
    return {seq: _with_makers(reader, seq, old[seq], left) for seq in moments}


def _with_makers(reader, seq, old, left):
    found, sought = {}, set(old)
    for block in left:
        if block.seq < seq and block.last < seq:
            found[block.number] = Held(block.number, block.address, block.size, block.last, None)
            sought.discard(block.number)
        elif block.seq < seq:
            sought.add(block.number)
    for first, marks, numbers in reader.chunks(seq, -1) if sought else ():
        if first < seq - READ:
            raise _Unknown
        hands = marks.translate(_HANDS)[: max(0, seq - first)]
        seqs = dict(zip(compress(numbers, hands), compress(range(first, seq), hands)))
        here = sought & seqs.keys()
        found.update((number, seqs[number]) for number in here)
        sought -= here
        if not sought:
            break
    if sought:
        raise _Unknown
    return found


def _highest_before(reader, seq):
    """The highest number of a block that was handed out before."""
    for first, marks, numbers in reader.chunks(seq, -1):
        part = marks.translate(_HANDS)[: max(0, seq - first)]
        made = list(compress(numbers, part))
        if made:
            return max(made)
    return -1
