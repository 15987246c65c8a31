"""Which blocks were live right before some events of a run that is too long to be replayed. Pure.

An event of the first fifth, and of a short run any, is reached from the run's beginning; a later
one from its end: what is left, and what is freed or moved later though it was there before. Numbers
of blocks grow with time, so most of what comes later need not be looked at one by one: that is four
times as fast. Of several programs all is read from the beginning.
"""

from __future__ import annotations

from array import array
from collections import deque, namedtuple
from itertools import compress, repeat
from operator import add, attrgetter

from alloctrace import measure
from alloctrace.columns import asked
from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import PRESENT
from alloctrace.plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import NamedTuple, Union

    from alloctrace.columns.events import PackedChunk
    from alloctrace.columns.group_table import GroupTable, What
    from alloctrace.history.blocks import Block
    from alloctrace.model import Group
    from alloctrace.trace.read import Trace

    class _Piece(NamedTuple):
        first: int
        marks: bytes
        numbers: Sequence[int]
        base: int
        chunk: PackedChunk

    _Made = Mapping[int, Union[int, "Held"]]  # by number of a block: the seq that made it, or more
    _Look = Callable[["_Reader", Sequence[int]], Iterator[tuple[int, _Made]]]

else:
    _Piece = namedtuple("_Piece", "first marks numbers base chunk")
# Of a chunk. first: the seq of its first row; marks: what each row does to a block; numbers: of
# these blocks, each less `base`.

READ = 12000000  # events on each side, at most: beyond them nothing is known
BACK = 6000000  # events in which the makers of blocks are looked for
FEW = 1000000  # events that are read from the beginning, whatever is asked
NUMBERS = 1 << 24  # blocks that are followed
LIVE = 1 << 20  # blocks of several programs that are live at once
OVERLAP = 1024  # events that a call may overlap with, mostly
CHUNKS = 300  # in which blocks are looked up
_NEW, _MOVED, _ENDED, _INNER = 1, 2, 4, 8  # marks of groups; the last: only where it ends a block
_BITS = 40  # of a number, above them the program's
_KNOWN = bytes(
    255 if has & PRESENT["block"] and not has & PRESENT["errno"] else 0
    for has in range(max(PRESENT.values()) * 4)
)
_HANDS = bytes(mark & (_NEW | _MOVED) for mark in range(256))
_ENDS = bytes(mark & _ENDED for mark in range(256))
_MAY_END = bytes(mark & (_MOVED | _INNER) for mark in range(256))
_NOT_INNER = bytes(mark & ~_INNER for mark in range(256))


@plain
class Held:
    """A block that is live at a moment, as the call left it that handed it out or moved it last."""

    program: tuple[int, int]  # (pid, image) that has it
    number: int
    address: int
    size: int
    made: int  # seq of that call
    group: int | None  # of that call; None: it was not looked up


def before(
    trace: Trace, wanted: Callable[[Group], bool] | None, moments: Sequence[int], most: int
) -> dict[int, list[Held] | int | None]:
    """{seq: [Held], how many where these are more than `most`, or None: not known}

    `wanted(group)`: whether its events count. An exec ends what its process had.
    """
    found: dict[int, list[Held] | int | None] = dict.fromkeys(moments)
    reader = _Reader(trace, trace.sums().groups, wanted)
    if not reader.programs:
        return found
    if reader.has_one_program:
        soon = max(FEW, reader.count // 5)
        early = [seq for seq in moments if seq <= min(soon, READ)]
        late = [seq for seq in moments if seq > soon and seq >= reader.count - READ]
    else:
        early, late = [seq for seq in moments if seq <= READ], []
    from_the_beginning = _from_the_beginning if len(reader.programs) == 1 else _of_several
    few: dict[int, _Made] = {}
    looks: list[tuple[_Look, list[int]]] = [(from_the_beginning, early), (_from_the_end, late)]
    for look, seqs in looks:
        for seq, blocks in look(reader, seqs) if seqs else ():
            found[seq] = len(blocks)
            if len(blocks) <= most:
                few[seq] = blocks
    found.update(reader.looked_up(few))
    return found


def _of_calls(groups: GroupTable, wanted: Callable[[Group], bool] | None) -> list[What]:
    """What the wanted groups of calls are."""
    whats: dict[int, bool] = {}
    for index, what in enumerate(groups.what):
        if what not in whats:
            group = groups.bare(index)
            whats[what] = group.kind == "call" and (wanted is None or wanted(group))
    return [groups.whats[what] for what, counts in whats.items() if counts]


class _Reader:
    """Chunks with what happens to blocks in them."""

    def __init__(
        self, trace: Trace, groups: GroupTable, wanted: Callable[[Group], bool] | None
    ) -> None:
        self.trace, self.groups, self.count = trace, groups, trace.run.get("events") or 0
        calls = _of_calls(groups, wanted)
        self._marks = _marks(groups, calls)
        self._may_end = any(self._marks.translate(_MAY_END))
        programs = groups.programs()
        # By group; there is none with number 0.
        self.program_of = [(-1, -1), *map(programs.__getitem__, groups.what)]
        self.programs = sorted({what.program for what in calls})
        pids = {what.program for what in _of_calls(groups, None)}
        self.has_one_program = len(pids) == 1  # else the trace does not say whose blocks are left
        self._late = trace.late_values(("block", "errno"))
        self._late_results = {seq for seq, _, value in trace.late_values(("result",)) if value}

    def chunks(self, seq: int = 0, step: int = 1, most: int | None = None) -> Iterator[_Piece]:
        """Yield a _Piece of each chunk; not where all numbers are higher than `most`."""
        names: tuple[str, ...] = ("present", "group", "block")
        if self._may_end:
            names += ("size", "nmemb", "ptr", "result")
        for first, chunk in self.trace.packed_chunks(names, seq, step):
            found = self._of(first, chunk, most)
            if found is not None:
                yield found

    def _of(self, first: int, chunk: PackedChunk, most: int | None) -> _Piece | None:
        marks, (base, numbers) = chunk.where("group", self._marks), chunk.above("block")
        late = [row for row in self._late if first <= row[0] < first + len(numbers)]
        if most is not None and not late:
            if base + min(compress(numbers, marks), default=0) > most:
                return None
        known = chunk.where("present", _KNOWN)
        if late:
            mended, all_ = bytearray(known), [base + number for number in numbers]
            for seq, name, value in late:
                mended[seq - first] = 255 if name == "block" else 0
                if name == "block":
                    all_[seq - first] = value
            known, numbers, base = bytes(mended), all_, 0
        both = int.from_bytes(marks, "little") & int.from_bytes(known, "little")
        marks = both.to_bytes(len(marks), "little")
        if self._may_end:
            marks = self._with_ends(first, chunk, marks)
        return _Piece(first, marks, numbers, base, chunk)

    def _with_ends(self, first: int, chunk: PackedChunk, marks: bytes) -> bytes:
        """A realloc to no bytes hands out nothing where it returned nothing: it ends its block."""
        rows = list(compress(range(len(marks)), marks.translate(_MAY_END)))
        found = bytearray(marks.translate(_NOT_INNER))
        sized = zip(rows, *(chunk.column(name, rows) for name in ("present", "size", "nmemb")))
        empty = [row for row, *how in sized if not asked.bytes_asked(*how)]
        columns = [chunk.column(name, empty) for name in ("present", "ptr", "result")]
        for row, *how in zip(empty, *columns):
            if asked.only_ends(*how) and first + row not in self._late_results:
                found[row] = _ENDED
        return bytes(found)

    def looked_up(self, blocks_at: Mapping[int, _Made]) -> dict[int, list[Held] | None]:
        """{seq: [Held]} of {seq: {number: seq that made it, or a Held}}; None: too far apart."""
        makers = [made for blocks in blocks_at.values() for made in blocks.values()]
        held = self._facts(sorted({made for made in makers if isinstance(made, int)}))
        found: dict[int, list[Held] | None] = {}
        for at, blocks in blocks_at.items():
            row = [held.get(m) if isinstance(m, int) else m for m in blocks.values()]
            known = [block for block in row if block is not None]
            is_all = len(known) == len(row)
            found[at] = sorted(known, key=attrgetter("address")) if is_all else None
        return found

    def _facts(self, seqs: list[int]) -> dict[int, Held]:
        """{seq: Held}"""
        found: dict[int, Held] = {}
        at = looked = 0
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
                size = asked.bytes_asked(has, size, times)
                program = self.program_of[group]
                found[seq] = Held(program, number, result & MASK64, size, seq, group)
            if at == len(seqs):
                break
        return found


def _marks(groups: GroupTable, whats: Iterable[What]) -> bytes:
    """By group what its events do to blocks."""
    calls, marks = set(whats), bytearray(len(groups) + 1)
    for id_, (what, within) in enumerate(zip(groups.what, groups.within), 1):
        told = groups.whats[what]
        if told not in calls:
            continue
        outer = groups.whats[groups.what[within - 1]].name if within else None
        if outer in measure.MOVES:
            continue  # that call tells
        if told.name == "free":
            marks[id_] = _ENDED
        elif told.name in measure.MOVES:
            marks[id_] = _INNER if within else _MOVED
        elif not within:
            marks[id_] = _NEW
    return bytes(marks)


def _from_the_beginning(
    reader: _Reader, moments: Sequence[int]
) -> Iterator[tuple[int, dict[int, int]]]:
    """Yield (seq, {number: seq that made it}) as far as they are known."""
    since = array("q")  # by number: the seq that made it, plus 1; 0: it is not live
    for first, marks, numbers, base, _ in reader.chunks():
        if first > moments[-1]:
            break
        numbers = [base + number for number in numbers]
        at, until = 0, first + len(numbers)
        for seq in moments:
            if first <= seq < until or seq == until == reader.count:
                if not _apply(since, first, marks, numbers, at, seq - first):
                    return
                at = seq - first
                live = compress(range(len(since)), since)
                yield seq, {number: since[number] - 1 for number in live}
        if not _apply(since, first, marks, numbers, at, len(numbers)):
            return


def _apply(
    since: array[int], first: int, marks: bytes, numbers: Sequence[int], at: int, until: int
) -> bool:
    """Rows `at` to `until` of a chunk; whether they can be followed. No block is handed out again
    after it has ended."""
    part, ids = marks[at:until], numbers[at:until]
    hands = part.translate(_HANDS)
    made = list(compress(ids, hands))
    if made and not 0 <= min(made) <= max(made) < NUMBERS:
        return False
    if made and max(made) >= len(since):
        since.frombytes(bytes(8 * (max(made) + 4096 - len(since))))
    seqs = compress(range(first + at + 1, first + until + 1), hands)
    deque(map(since.__setitem__, made, seqs), maxlen=0)
    ended = list(compress(ids, part.translate(_ENDS)))
    if ended and (min(ended) < 0 or max(ended) >= len(since)):
        ended = [number for number in ended if 0 <= number < len(since)]
    deque(map(since.__setitem__, ended, repeat(0)), maxlen=0)
    return True


def _of_several(reader: _Reader, moments: Sequence[int]) -> Iterator[tuple[int, dict[int, int]]]:
    """As _from_the_beginning, of several programs, whose blocks may have the same numbers."""
    place = {program: at for at, program in enumerate(reader.programs)}
    above = [place.get(program, 0) << _BITS for program in reader.program_of]
    ends = reader.groups.ends_of_programs()
    live: dict[int, int] = {}
    for first, marks, numbers, base, chunk in reader.chunks():
        if first > moments[-1]:
            break
        low, groups = chunk.above("group")
        here = above[low:] if low >= 0 else [0] * -low + above
        sums = map(add, compress(numbers, marks), map(here.__getitem__, compress(groups, marks)))
        keys = list(map(add, sums, repeat(base)) if base else sums)
        seqs = list(compress(range(first, first + len(marks)), marks))
        part, at, until = marks.translate(None, b"\0"), 0, first + len(marks)
        for seq in moments:
            if first <= seq < until or seq == until == reader.count:
                end = seq - first - marks.count(0, 0, seq - first)
                _change(live, keys[at:end], part[at:end], seqs[at:end])
                at, over = end, {place[p] for p, end in ends.items() if p in place and end < seq}
                yield seq, {key: made for key, made in live.items() if key >> _BITS not in over}
        _change(live, keys[at:], part[at:], seqs[at:])
        if len(live) > LIVE:
            return


def _change(live: dict[int, int], keys: Iterable[int], part: bytes, seqs: Iterable[int]) -> None:
    """As _apply: `live` by program and number."""
    hands = part.translate(_HANDS)
    live.update(zip(compress(keys, hands), compress(seqs, hands)))
    end: Callable[[int, None], object] = live.pop
    deque(map(end, compress(keys, part.translate(_ENDS)), repeat(None)), maxlen=0)


def _from_the_end(
    reader: _Reader, moments: Sequence[int]
) -> Iterator[tuple[int, dict[int, int | Held]]]:
    """Yield (seq, {number: seq that made it, or a Held}) of those that are known."""
    bounds = {seq: _highest_before(reader, seq) for seq in moments}
    # Live then, as something happens to them later; and numbered out of order: they come later.
    old: dict[int, set[int]] = {seq: set() for seq in moments}
    fresh: dict[int, set[int]] = {seq: set() for seq in moments}
    most = max(bounds.values())
    for first, marks, numbers, base, _ in reader.chunks(moments[0], most=most):
        least = base + min(compress(numbers, marks), default=0)
        for seq, bound in bounds.items():
            if seq >= first + len(numbers) or least > bound:
                continue
            rows = range(max(0, seq - first), len(numbers))
            for row in rows:
                number = base + numbers[row]
                if marks[row] and number <= bound:
                    if marks[row] == _NEW and number not in old[seq]:
                        fresh[seq].add(number)
                    elif number not in fresh[seq]:
                        old[seq].add(number)
    left = list(reader.trace.blocks())
    for seq in moments:
        found = _with_makers(reader, seq, old[seq], left)
        if found is not None:
            yield seq, found


def _with_makers(
    reader: _Reader, seq: int, old: set[int], left: Iterable[Block]
) -> dict[int, int | Held] | None:
    """None: not known."""
    found: dict[int, int | Held] = {}
    sought = set(old)
    for block in left:
        if block.seq < seq and block.last < seq:
            told = block.number, block.address, block.size, block.last
            found[block.number] = Held(reader.programs[0], *told, None)
            sought.discard(block.number)
        elif block.seq < seq:
            sought.add(block.number)
    for first, marks, numbers, base, _ in reader.chunks(seq, -1) if sought else ():
        if first < seq - BACK:
            return None
        numbers = [base + number for number in numbers]
        hands = marks.translate(_HANDS)[: max(0, seq - first)]
        seqs = dict(zip(compress(numbers, hands), compress(range(first, seq), hands)))
        here = sought & seqs.keys()
        found.update((number, seqs[number]) for number in here)
        sought -= here
        if not sought:
            break
    return None if sought else found


def _highest_before(reader: _Reader, seq: int) -> int:
    """The highest number of a block that was handed out before: what only moved may be an old one,
    so that it takes a piece in which something new was handed out; calls of several threads that
    overlap are numbered as they return."""
    highest = -1
    for first, marks, numbers, base, _ in reader.chunks(seq, -1):
        marks = marks[: max(0, seq - first)]
        highest = max(highest, base + max(compress(numbers, marks.translate(_HANDS)), default=-1))
        if _NEW in marks and first <= seq - OVERLAP:
            break
    return highest
