"""Blocks through time: what happened to each, from the events of a trace, column by column.

The rules are those of history/live_bytes.py: a block that `realloc` moves is ended and begun anew,
an exec ends all blocks of its process, nested calls count only where they end or resize a
block that no call around them works on. In a run of several threads live bytes change when a call
returns, as the recorder counts them.
"""

from __future__ import annotations

from array import array
from heapq import heappop, heappush

from alloctrace.columns.check import TraceError
from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import PRESENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from alloctrace.trace.read import Trace
    from .maker import Told

    # What, t_ns, group of the block, its size, when it was born, tid.
    Happened = tuple[int, int, int, int, int, int]

ALLOCATED, FREED, TEMPORARY, RESIZED = range(4)  # TEMPORARY: freed before its thread asked again
COLUMNS = ("present", "group", "t_ns", "dur_ns", "tid", "size", "nmemb", "ptr", "result", "block",
           "outer")  # fmt: skip
PROCESS = 44  # bits of a block's number: above them is its process
_BLOCK, _NMEMB, _OUTER = PRESENT["block"], PRESENT["nmemb"], PRESENT["outer"]
_SIZE, _ERRNO, _DUR = PRESENT["size"], PRESENT["errno"], PRESENT["dur_ns"]
ROLES = {"FREE": 1, "REALLOC": 2, "OTHER": 3}  # what a call does with blocks; 0: nothing
_FREE, _REALLOC, _OTHER = ROLES.values()
DEEPEST = 100  # calls in one another


def replay(trace: Trace, tell: Callable[[list[int]], object] | None = None) -> Iterator[Happened]:
    """Yield what Happened, in order; of RESIZED the size is the one behind, and in place of the
    begin stands the one before. `tell(groups)` hears before each chunk of which groups blocks may
    begin in it."""
    followed = _Followed(Facts(trace))
    for first, columns in trace.chunk_columns(COLUMNS):
        if tell:
            tell([id_ for id_ in dict.fromkeys(columns[1]) if followed.allocates(id_)])
        yield from followed.chunk(first, columns)
    yield from followed.finish()


class Facts:
    """What is known of the groups: by id what they do, their process, and its program as a number
    from 1. A run of one thread in one process has no calls that overlap."""

    def __init__(self, trace: Trace) -> None:
        groups = trace.sums().groups
        processes: dict[int, int] = {}
        images: dict[tuple[int, int], int] = {}
        whats = [
            (
                _role(what.kind, what.name),
                processes.setdefault(what.pid, len(processes)),
                images.setdefault((what.pid, what.image), len(images) + 1),
            )
            for what in groups.whats
        ]
        of = list(map(whats.__getitem__, groups.what))
        self.roles = bytes([0, *(role for role, _, _ in of)])
        self.process_of = array("I", [0, *(process for _, process, _ in of)])
        self.image_of = array("I", [0, *(image for *_, image in of)])
        self.processes = len(processes)
        self.is_one = not trace.run.get("threads") and len(processes) < 2
        self.watches_execs = len(set(self.image_of[1:])) > len(set(self.process_of[1:]))

    def told(self) -> tuple[Told, ...]:
        """As the program that makes bytes is told them (maker.py)."""
        facts = self.processes, int(self.is_one), int(self.watches_execs), self.roles
        return (*facts, self.process_of, self.image_of)


class _Followed:
    def __init__(self, facts: Facts) -> None:
        self._roles, self._image_of = facts.roles, facts.image_of
        self._process_of = [process << PROCESS for process in facts.process_of]
        self._is_one, self._watches_execs = facts.is_one, facts.watches_execs
        self._images: dict[int, int] = {}  # process -> its program, where that may change
        self._live: dict[int, tuple[int, int, int, int]] = {}  # block -> (group, size, t_ns, tid)
        # Tid -> the block of its latest allocation, if that was its first.
        self._latest: dict[int, int | None] = {}
        # Calls that hand out a block when they return: a heap.
        self._returning: list[tuple[int, int, int, int, int, int, int]] = []
        self._before: tuple[int, Sequence[list[int]]] = 0, ()  # the chunk before

    def allocates(self, group: int) -> bool:
        return self._roles[group] in (_REALLOC, _OTHER)

    def chunk(self, first: int, columns: list[list[int]]) -> Iterator[Happened]:
        present, groups, begun, *_ = columns
        blocks, is_one, roles, process_of = columns[9], self._is_one, self._roles, self._process_of
        if max(blocks) >> PROCESS:
            _check_blocks(first, present, blocks)
        live, latest = self._live, self._latest
        for at, (has, group, t_ns, block) in enumerate(zip(present, groups, begun, blocks)):
            if self._watches_execs:
                yield from self._exec(group, t_ns)
            if not has & _BLOCK:
                continue
            if self._returning:
                yield from self._returned(t_ns)
            role, block = roles[group], block + process_of[group]
            if role == _FREE and is_one and not has & _OUTER:  # as _free: most are so
                gone = live.pop(block, None)
                if gone:
                    owner, size, born, tid = gone
                    is_temporary = latest.get(tid) == block
                    yield TEMPORARY if is_temporary else FREED, t_ns, owner, size, born, tid
                continue
            size = _bytes(columns, at, has)
            is_end = role == _FREE or (role == _REALLOC and _is_end(columns, at, has, size))
            if has & _OUTER:
                yield from self._nested(first, columns, at, block, size, is_end)
            elif is_end:
                yield from self._free(t_ns, block)
            elif not has & _ERRNO:
                tid = columns[4][at]
                if is_one:
                    yield from self._allocate(t_ns, group, block, size, tid)
                else:
                    ended = t_ns + (columns[3][at] if has & _DUR else 0)
                    row = (ended, first + at, t_ns, group, block, size, tid)
                    heappush(self._returning, row)
        self._before = first, columns

    def finish(self) -> Iterator[Happened]:
        yield from self._returned(None)

    def _returned(self, until: int | None) -> Iterator[Happened]:
        """The calls that have returned until then; None: all."""
        waiting = self._returning
        while waiting and (until is None or waiting[0][0] <= until):
            _, _, *more = heappop(waiting)
            yield from self._allocate(*more)

    def _allocate(
        self, t_ns: int, group: int, block: int, size: int, tid: int
    ) -> Iterator[Happened]:
        grown = self._live.pop(block, None)
        if grown:
            yield (FREED, t_ns, *grown)
        self._live[block] = group, size, t_ns, tid
        self._latest[tid] = None if grown else block
        yield ALLOCATED, t_ns, group, size, t_ns, tid

    def _free(self, t_ns: int, block: int) -> Iterator[Happened]:
        if block not in self._live and self._returning:
            yield from self._returned(None)  # clocks are coarse: it was handed out before
        gone = self._live.pop(block, None)
        if gone:
            group, size, born, tid = gone
            is_temporary = self._latest.get(tid) == block
            yield TEMPORARY if is_temporary else FREED, t_ns, group, size, born, tid

    def _nested(
        self, first: int, columns: list[list[int]], at: int, block: int, size: int, is_end: bool
    ) -> Iterator[Happened]:
        """A call inside another one: it is not counted, but what it ends is gone."""
        if block in self._blocks_around(first, columns, at):
            return
        t_ns = columns[2][at]
        if is_end:
            yield from self._free(t_ns, block)
        elif not columns[0][at] & _ERRNO and block in self._live:
            group, before, born, tid = self._live[block]
            self._live[block] = group, size, born, tid
            yield RESIZED, t_ns, group, size, before, tid

    def _blocks_around(self, first: int, columns: list[list[int]], at: int) -> set[int]:
        """Those that the calls work on in which an event lies."""
        found: set[int] = set()
        seq = first + at
        for _ in range(DEEPEST):
            begin, held = (first, columns) if seq >= first else self._before
            row = seq - begin
            if row < 0 or not held[0][row] & _OUTER:
                break
            seq -= held[10][row]
            begin, held = (first, columns) if seq >= first else self._before
            if seq < begin:
                break
            if held[0][seq - begin] & _BLOCK:
                found.add(held[9][seq - begin] + self._process_of[held[1][seq - begin]])
        return found

    def _exec(self, group: int, t_ns: int) -> Iterator[Happened]:
        process, image = self._process_of[group], self._image_of[group]
        if self._images.setdefault(process, image) == image:
            return
        self._images[process] = image
        yield from self._returned(None)
        for block in [b for b in self._live if b >> PROCESS == process >> PROCESS]:
            gone, size, born, tid = self._live.pop(block)
            if self._latest.get(tid) == block:
                del self._latest[tid]
            yield FREED, t_ns, gone, size, born, tid


def _check_blocks(first: int, present: Iterable[int], blocks: Iterable[int]) -> None:
    if any(has & _BLOCK and block >> PROCESS for has, block in zip(present, blocks)):
        raise TraceError("damaged: block of an event behind %d" % first)


def _role(kind: str, name: str) -> int:
    if kind != "call":
        return 0
    return _FREE if name == "free" else _REALLOC if name.startswith("realloc") else _OTHER


def _bytes(columns: Sequence[list[int]], at: int, has: int) -> int:
    """Bytes asked for, as much as 64 bits hold."""
    if not has & _SIZE:
        return 0
    size = columns[5][at] & MASK64
    return min(size * (columns[6][at] & MASK64), MASK64) if has & _NMEMB else size


def _is_end(columns: Sequence[list[int]], at: int, has: int, size: int) -> bool:
    """A realloc of a block to no bytes, which returned nothing."""
    return not size and bool(columns[7][at]) and not columns[8][at]
