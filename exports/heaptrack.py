"""heaptrack's interpreted data, version 3: each allocation and its end, in their order.

github.com/KDE/heaptrack, src/analyze/accumulatedtracedata.cpp reads it: lines of a letter and
hexadecimal numbers. Strings, places (`i`) and stacks (`t`) count from 1, allocations (`a`: size and
stack) from 0; `+` and `-` name one of the latter.
"""

from __future__ import annotations

import struct

from . import lifetimes, maker, regions, stacks
from .dhat import differing
from .formats import Format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, BinaryIO

    from alloctrace.model import Frame, Group
    from alloctrace.trace.read import Trace
    from .formats import Choice

    Borders = list[tuple[int, str]]  # when, and the line that says so

FORMAT = Format(
    title="every allocation and its end, for heaptrack's tools",
    ending=".heaptrack",
    keeps="allocations, peak, leaked, temporary, by stack, phase, origin, region; milliseconds",
    loses="threads, processes, purposes, syscalls; which functions are inlined",
    opens="heaptrack_print --disable-builtin-suppressions FILE, heaptrack_gui FILE",
    is_binary=False,
    needs_events=True,
)
# A free right behind its allocation is temporary there; with us, one before its thread's next
# allocation. What is so by our meaning alone is counted under this name: there is no other way.
_TEMPORARY = "[temporary: other threads or other frees lay between]"
# Its stacks end at these names, and phase and origin would be out of sight.
_ENDS = ("main", "__libc_start_main", "__static_initialization_and_destruction_0")
MOST_KNOWN = 1 << 18  # kinds of allocations that are remembered
_TOGETHER = 1 << 14  # lines
_PAGE, _MS = 4096, 1_000_000


def write(out: BinaryIO, trace: Trace, _: Choice) -> list[str]:
    file = _File(out, trace)
    is_resized = file.blocks()
    said = ["a nested call resized a block: it is one allocation more there"] if is_resized else []
    return said + differing(file.peak, trace)


class _Numbers(dict[int, int]):
    """{size: number of `a`} of a stack; of ~size the number of a twin."""

    def __init__(self, stack: int) -> None:
        super().__init__()
        self.stack = stack


class _File:
    def __init__(self, out: BinaryIO, trace: Trace) -> None:
        self._out = out
        self._lines = ["v 10400 3", "X " + self._command(trace.run), "I %x 0" % _PAGE]
        self._strings = {"": 0}
        self._places: dict[tuple[int, ...], int] = {}
        self._stacks: dict[tuple[int, int], int] = {}
        self._of_group: dict[int, _Numbers] = {}  # by id
        self._of_stack: dict[int, _Numbers] = {}
        self._count = self._known = 0  # of `a`; of those in _Numbers
        self._latest = 0  # as its reader has it: `+` sets it, `-` makes it 0
        self._merged = stacks.Merged(trace.tree, self._frame, self._text)
        self._named = regions.Named(trace)
        self.peak = 0
        self._trace = trace
        self._allocation(_Numbers(self._stack(self._text(_TEMPORARY), 0)), 0)  # number 0

    @staticmethod
    def _command(run: dict[str, Any]) -> str:
        return stacks.short(" ".join(map(str, run.get("command") or ())))

    def blocks(self) -> bool:
        """Whether a block was resized in a way that the format has no word for."""
        known = [(b.t_ns, b.rss_bytes) for b in self._trace.borders if b.rss_bytes is not None]
        borders = [(t_ns, "R %x" % (rss // _PAGE)) for t_ns, rss in sorted(known)]
        told: list[int | bytes] = []
        for t_ns, line in borders:
            told += [t_ns, (line + "\n").encode()]
        facts = lifetimes.Facts(self._trace).told()
        self._flush()
        with maker.started(
            self._trace, self._out, "heaptrack", *facts, len(borders), *told
        ) as made:
            if made is not None:
                made.follow(lifetimes.COLUMNS, self._stacks_of)
                (result,) = made.results()
                self.peak, resized, said = maker.numbers(result)
                is_resized = bool(resized)
            else:
                is_resized, said = self._follow(borders)
        self._lines += [line for _, line in borders[said:]]
        self._flush()
        return is_resized

    def _stacks_of(self, groups: list[int]) -> bytes:
        """What the program that makes bytes asks for."""
        found = [self._numbers(id_).stack for id_ in groups]
        self._flush()
        return struct.pack("<%dQ" % len(found), *found)

    def _follow(self, borders: Borders) -> tuple[bool, int]:
        """(as `blocks`, how many of the borders were told)."""
        live = peak = said = 0
        next_ns = _MS  # when the next millisecond begins
        is_resized, lines, allocated = False, self._lines, lifetimes.ALLOCATED
        put, of_group = lines.append, self._of_group

        def tell(groups: Iterable[int]) -> None:
            for id_ in groups:
                if id_ not in of_group:
                    self._numbers(id_)

        for what, t_ns, group, size, born, _ in lifetimes.replay(self._trace, tell):
            if t_ns >= next_ns:
                while said < len(borders) and borders[said][0] <= t_ns:
                    put(borders[said][1])
                    said += 1
                put("c %x" % (t_ns // _MS))
                next_ns = (t_ns // _MS + 1) * _MS
            numbers = of_group.get(group)
            if numbers is None:
                numbers = self._numbers(group)
            if what == allocated:
                live += size
            elif what == lifetimes.RESIZED:
                is_resized = True
                live += size - born
                self._end(numbers, born, False)
            else:
                live -= size
                self._end(numbers, size, what == lifetimes.TEMPORARY)
                continue
            number = numbers.get(size)
            if number is None:
                number = self._allocation(numbers, size)
            put("+ %x" % number)
            self._latest = number
            if live > peak:
                peak = live
            if len(lines) > _TOGETHER:
                self._flush()
        self.peak = peak
        return is_resized, said

    def _end(self, numbers: _Numbers, size: int, is_temporary: bool) -> None:
        number = numbers.get(size)
        if number is None:
            number = self._allocation(numbers, size)
        if number == self._latest and not is_temporary:
            # Another block of the kind, or realloc: a second number for the same is not mistaken.
            number = numbers.get(~size)
            if number is None:
                number = self._allocation(numbers, size, ~size)
        self._lines.append("- %x" % number)
        if is_temporary and number != self._latest:
            self._lines.append("- 0")  # behind a `-` this counts one temporary, and nothing else
        self._latest = 0

    def _allocation(self, numbers: _Numbers, size: int, key: int | None = None) -> int:
        if self._known >= MOST_KNOWN:
            self._known = 0
            for each in self._of_stack.values():
                each.clear()  # the same kind may have several numbers
        number = numbers[size if key is None else key] = self._count
        self._known += 1
        self._count += 1
        self._lines.append("a %x %x" % (size, numbers.stack))
        return number

    def _flush(self) -> None:
        self._out.write("".join(line + "\n" for line in self._lines).encode())
        self._lines.clear()

    # stacks

    def _numbers(self, id_: int) -> _Numbers:
        """The _Numbers of the stack of a group."""
        if len(self._of_group) >= MOST_KNOWN:
            self._of_group.clear()
        stack = self._made(self._trace.sums().groups.bare(id_ - 1))
        numbers = self._of_group[id_] = self._of_stack.setdefault(stack, _Numbers(stack))
        return numbers

    def _made(self, group: Group) -> int:
        stack = 0
        roots = stacks.roots(group.phase, group.verdict)
        for text in (*roots, *self._named.frames(group.region)):
            stack = self._stack(self._text(text), stack)
        for place in reversed(self._merged.outwards(self._merged.at(self._node(group)))):
            stack = self._stack(place, stack)
        return stack

    def _node(self, group: Group) -> int:
        return self._trace.tree.node(group.stack)

    def _stack(self, place: int, parent: int) -> int:
        number = self._stacks.get((place, parent))
        if number is None:
            number = self._stacks[place, parent] = len(self._stacks) + 1
            self._lines.append("t %x %x" % (place, parent))
        return number

    def _frame(self, frame: Frame) -> int:
        name = stacks.name(frame)
        name += "()" if name in _ENDS else ""
        file = self._string(stacks.short(frame.file)) if frame.file else 0
        return self._place(frame.pc, stacks.short(frame.path), name, file, frame.line or 0)

    def _text(self, text: str) -> int:
        return self._place(0, "", text, 0, 0)

    def _place(self, pc: int, path: str, name: str, file: int, line: int) -> int:
        key = pc, self._string(path), self._string(name), file, line
        number = self._places.get(key)
        if number is None:
            number = self._places[key] = len(self._places) + 1
            self._lines.append("i %x %x %x %x %x" % key)
        return number

    def _string(self, text: str) -> int:
        number = self._strings.get(text)
        if number is None:
            number = self._strings[text] = len(self._strings)
            self._lines.append("s %x %s" % (len(text.encode()), text))
        return number
