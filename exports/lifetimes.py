"""Blocks through time: what happened to each, from the events of a trace, column by column.

The rules are those of history/live_bytes.py: a block that `realloc` moves is ended and begun anew,
an exec ends all blocks of its process, nested calls count only where they end or resize a
block that no call around them works on. In a run of several threads live bytes change when a call
returns, as the recorder counts them.
"""

from __future__ import annotations

from collections import namedtuple
from heapq import heappop, heappush

from alloctrace.columns.check import TraceError, checked
from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import PRESENT

# What happened, of which group the block is, and which thread asked for it. `born`: when the block
# began; of RESIZED it is the size before, and `size` the one behind.
Happened = namedtuple("Happened", "what t_ns group size born tid")
ALLOCATED, FREED, TEMPORARY, RESIZED = range(4)  # TEMPORARY: freed before its thread asked again
_COLUMNS = ("present", "group", "t_ns", "dur_ns", "tid", "size", "nmemb", "ptr", "result", "block",
            "outer")  # fmt: skip
_PROCESS = 44  # bits of a block's number: above them is its process
_BLOCK, _NMEMB, _OUTER = PRESENT["block"], PRESENT["nmemb"], PRESENT["outer"]
_SIZE, _ERRNO, _DUR = PRESENT["size"], PRESENT["errno"], PRESENT["dur_ns"]
_FREE, _REALLOC, _OTHER = 1, 2, 3
_DEEPEST = 100  # calls in one another


def replay(trace):
    """Yield tuples as Happened, in order."""
    followed = _Followed(trace)
    with checked():
        for first, columns in trace.chunk_columns(_COLUMNS):
            yield from followed.chunk(first, columns)
        yield from followed.finish()


class _Followed:
    def __init__(self, trace):
        groups = trace.sums().groups
        self._roles, self._of = [0], [(0, 0)]  # by group: what it does; (process, its program)
        processes = {}
        whats = [
            (_role(kind, name), processes.setdefault(pid, len(processes)) << _PROCESS, image)
            for kind, name, _, pid, _, image in groups.whats
        ]
        self._roles += [whats[what][0] for what in groups.what]
        self._of += [whats[what][1:] for what in groups.what]
        self._is_one = not trace.run.get("threads") and len(processes) < 2
        self._images = {}  # process -> its program, where that may change
        self._watches_execs = len(set(self._of[1:])) > len(processes)
        self._live = {}  # block -> (group, size, t_ns, tid)
        self._latest = {}  # tid -> the block of its latest allocation, if that was its first
        self._returning = []  # calls that hand out a block when they return: a heap
        self._before = 0, ()  # the chunk before

    def chunk(self, first, columns):
        present, groups, begun, *_ = columns
        if min(groups) < 1 or max(groups) >= len(self._roles):
            raise TraceError("damaged: an event behind %d is of no group" % first)
        blocks, is_one, roles, of = columns[9], self._is_one, self._roles, self._of
        live, latest = self._live, self._latest
        for at, (has, group, t_ns, block) in enumerate(zip(present, groups, begun, blocks)):
            if self._watches_execs:
                yield from self._exec(group, t_ns)
            if not has & _BLOCK:
                continue
            if self._returning:
                yield from self._returned(t_ns)
            role, block = roles[group], block + of[group][0]
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

    def finish(self):
        yield from self._returned(None)

    def _returned(self, until):
        """The calls that have returned until then; None: all."""
        waiting = self._returning
        while waiting and (until is None or waiting[0][0] <= until):
            _, _, *more = heappop(waiting)
            yield from self._allocate(*more)

    def _allocate(self, t_ns, group, block, size, tid):
        grown = self._live.pop(block, None)
        if grown:
            yield (FREED, t_ns, *grown)
        self._live[block] = group, size, t_ns, tid
        self._latest[tid] = None if grown else block
        yield ALLOCATED, t_ns, group, size, t_ns, tid

    def _free(self, t_ns, block):
        if block not in self._live and self._returning:
            yield from self._returned(None)  # clocks are coarse: it was handed out before
        gone = self._live.pop(block, None)
        if gone:
            group, size, born, tid = gone
            is_temporary = self._latest.get(tid) == block
            yield TEMPORARY if is_temporary else FREED, t_ns, group, size, born, tid

    def _nested(self, first, columns, at, block, size, is_end):
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

    def _blocks_around(self, first, columns, at):
        """Those that the calls work on in which an event lies."""
        found, seq = set(), first + at
        for _ in range(_DEEPEST):
            begin, held = (first, columns) if seq >= first else self._before
            row = seq - begin
            if row < 0 or not held[0][row] & _OUTER:
                break
            seq -= held[10][row]
            begin, held = (first, columns) if seq >= first else self._before
            if seq < begin:
                break
            if held[0][seq - begin] & _BLOCK:
                found.add(held[9][seq - begin] + self._of[held[1][seq - begin]][0])
        return found

    def _exec(self, group, t_ns):
        process, image = self._of[group]
        if self._images.setdefault(process, image) == image:
            return
        self._images[process] = image
        yield from self._returned(None)
        for block in [b for b in self._live if b >> _PROCESS == process >> _PROCESS]:
            gone, size, born, tid = self._live.pop(block)
            if self._latest.get(tid) == block:
                del self._latest[tid]
            yield FREED, t_ns, gone, size, born, tid


def _role(kind, name):
    if kind != "call":
        return 0
    return _FREE if name == "free" else _REALLOC if name.startswith("realloc") else _OTHER


def _bytes(columns, at, has):
    """Bytes asked for, as much as 64 bits hold."""
    if not has & _SIZE:
        return 0
    size = columns[5][at] & MASK64
    return min(size * (columns[6][at] & MASK64), MASK64) if has & _NMEMB else size


def _is_end(columns, at, has, size):
    """A realloc of a block to no bytes, which returned nothing."""
    return not size and bool(columns[7][at]) and not columns[8][at]
