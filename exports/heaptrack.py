"""heaptrack's interpreted data, version 3: each allocation and its end, in their order.

github.com/KDE/heaptrack, src/analyze/accumulatedtracedata.cpp reads it: lines of a letter and
hexadecimal numbers. Strings, places (`i`) and stacks (`t`) count from 1, allocations (`a`: size and
stack) from 0; `+` and `-` name one of the latter.
"""

from __future__ import annotations

from . import lifetimes, stacks
from .dhat import told
from .formats import Format

FORMAT = Format(
    title="every allocation and its end, for heaptrack's tools",
    ending=".heaptrack",
    keeps="allocations, peak, leaked, temporary, by stack with lines, phase, origin; milliseconds",
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
_MOST_KNOWN = 1 << 18  # kinds of allocations that are remembered
_TOGETHER = 1 << 14  # lines
_PAGE = 4096


def write(out, trace, _):
    file = _File(out, trace)
    is_resized = file.blocks()
    said = ["a nested call resized a block: it is one allocation more there"] if is_resized else []
    return said + told(file.peak, trace)


class _File:
    def __init__(self, out, trace):
        self._out = out
        self._lines = ["v 10400 3", "X " + self._command(trace.run), "I %x 0" % _PAGE]
        self._strings, self._places, self._stacks, self._allocations = {"": 0}, {}, {}, {}
        self._count = 0  # of `a`
        self._latest = 0  # as its reader has it: `+` sets it, `-` makes it 0
        self._merged = stacks.Merged(trace.tree, self._frame, self._text)
        self._of_node = {}
        self.peak = 0
        self._trace = trace
        self._allocation(0, self._stack(self._text(_TEMPORARY), 0))  # number 0

    @staticmethod
    def _command(run):
        return stacks.short(" ".join(map(str, run.get("command") or ())))

    def blocks(self):
        """Whether a block was resized in a way that the format has no word for."""
        trace = self._trace
        borders = [(b.t_ns, b.rss_bytes) for b in trace.borders if b.rss_bytes is not None]
        borders.sort(reverse=True)
        live = time = 0
        is_resized, lines = False, self._lines
        for what, t_ns, group, size, born in lifetimes.replay(trace):
            if t_ns // 1000000 > time:
                while borders and borders[-1][0] <= t_ns:
                    lines.append("R %x" % (borders.pop()[1] // _PAGE))
                time = t_ns // 1000000
                lines.append("c %x" % time)
            stack = self._of_group(group)
            if what == lifetimes.ALLOCATED:
                self._begin(size, stack)
                live += size
            elif what == lifetimes.RESIZED:
                is_resized = True
                self._end(born, stack, False)
                self._begin(size, stack)
                live += size - born
            else:
                self._end(size, stack, what == lifetimes.TEMPORARY)
                live -= size
            if live > self.peak:
                self.peak = live
            if len(lines) > _TOGETHER:
                self._flush()
        lines += ["R %x" % (rss // _PAGE) for _, rss in reversed(borders)]
        self._flush()
        return is_resized

    def _begin(self, size, stack):
        number = self._allocations.get((size, stack))
        if number is None:
            number = self._allocation(size, stack)
        self._lines.append("+ %x" % number)
        self._latest = number

    def _end(self, size, stack, is_temporary):
        number = self._allocations.get((size, stack))
        if number is None:
            number = self._allocation(size, stack)
        if not is_temporary and self._latest == number:
            # Another block of the kind, or realloc: a second number for the same is not mistaken.
            number = self._allocations.get((size, stack, "twin"))
            if number is None:
                number = self._allocation(size, stack, "twin")
        is_told = self._latest == number
        self._lines.append("- %x" % number)
        if is_temporary and not is_told:
            self._lines.append("- 0")  # behind a `-` this counts one temporary, and nothing else
        self._latest = 0

    def _allocation(self, size, stack, *more):
        if len(self._allocations) >= _MOST_KNOWN:
            self._allocations.clear()  # the same kind may have several numbers
        number = self._allocations[(size, stack, *more)] = self._count
        self._count += 1
        self._lines.append("a %x %x" % (size, stack))
        return number

    def _flush(self):
        self._out.write(("\n".join(self._lines) + "\n").encode())
        self._lines.clear()

    # stacks

    def _of_group(self, id_):
        stack = self._of_node.get(id_)
        if stack is None:
            if len(self._of_node) >= _MOST_KNOWN:
                self._of_node.clear()
            stack = self._of_node[id_] = self._made(self._trace.sums().groups.bare(id_ - 1))
        return stack

    def _made(self, group):
        stack = 0
        for text in stacks.roots(group.phase, group.verdict):
            stack = self._stack(self._text(text), stack)
        for place in reversed(self._merged.outwards(self._merged.at(self._node(group)))):
            stack = self._stack(place, stack)
        return stack

    def _node(self, group):
        return self._trace.tree.node(group.stack)

    def _stack(self, place, parent):
        number = self._stacks.get((place, parent))
        if number is None:
            number = self._stacks[place, parent] = len(self._stacks) + 1
            self._lines.append("t %x %x" % (place, parent))
        return number

    def _frame(self, frame):
        name = stacks.name(frame)
        name += "()" if name in _ENDS else ""
        file = self._string(stacks.short(frame.file)) if frame.file else 0
        return self._place(frame.pc, stacks.short(frame.path), name, file, frame.line or 0)

    def _text(self, text):
        return self._place(0, "", text, 0, 0)

    def _place(self, pc, path, name, file, line):
        key = pc, self._string(path), self._string(name), file, line
        number = self._places.get(key)
        if number is None:
            number = self._places[key] = len(self._places) + 1
            self._lines.append("i %x %x %x %x %x" % key)
        return number

    def _string(self, text):
        number = self._strings.get(text)
        if number is None:
            number = self._strings[text] = len(self._strings)
            self._lines.append("s %x %s" % (len(text.encode()), text))
        return number
