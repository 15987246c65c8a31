"""Every breakpoint of ours, and when they must leave the target's memory: munmap and execve.

gdb cannot take a breakpoint out of code that is gone, so both are prepared at the entry of the
system call; where it then fails, the breakpoints come back.
"""

from __future__ import annotations

import os

import gdb

_INT3 = b"\xcc"
_WRITABLE = (
    "the program made writable the entry of %s in %s%s: calls while it had something else"
    " written there were not seen"
)
_OVERWRITTEN = "the program wrote over the entry of %s in %s%s: calls from then on were not seen"


class Planted:
    def __init__(self, engine):
        self._engine = engine
        self._all = set()  # every Breakpoint of hooks.py and borders.py
        self._first = {}  # address -> the first Breakpoint there
        self._under = {}  # address -> the byte that gdb's own replaces there
        self._unmapping = {}  # tid -> the breakpoints that its munmap takes away
        self._waiting = []  # what to do once the target stands still

    @property
    def waits(self):
        """Whether the target was stopped for something that act() does."""
        return bool(self._waiting)

    def act(self):
        while self._waiting:
            self._waiting.pop(0)()

    def wait(self, action):
        """Inside stop(): `action` is for when the target stands still, which it shall do now."""
        self._waiting.append(action)
        return True

    def add(self, breakpoint_):
        self._all.add(breakpoint_)
        first = self._first.setdefault(breakpoint_.address, breakpoint_)
        if first is breakpoint_:
            self._under[first.address] = self._engine.process.read(first.address, 1)
        if first is not breakpoint_:  # both must find the program where it stands
            first.instruction = breakpoint_.instruction = None

    def remove(self, breakpoint_):
        self._all.discard(breakpoint_)
        if self._first.get(breakpoint_.address) is breakpoint_:
            del self._first[breakpoint_.address], self._under[breakpoint_.address]
        self._engine.calls.forget(breakpoint_)
        if breakpoint_.is_valid():
            breakpoint_.delete()

    def remove_all(self):
        self._unmapping.clear()
        self._remove(list(self._all))

    def remove_unreadable(self):
        """Those in memory that is gone; whether there were any."""
        read = self._engine.process.read
        gone = [b for b in self._all if not read(b.address, 1)]
        self._remove(gone)
        return bool(gone)

    def mend(self):
        """Where the target stands still: what gdb has forgotten is put right.

        When a namespace of the loader's goes (dlclose after dlmopen), gdb takes the loader itself
        for unloaded, and believes that what it wrote there is gone (breakpoint.c,
        disable_breakpoints_in_unloaded_shlib). It would then write its byte over its own, and
        execute that in place of the instruction, again and again.
        """
        target = gdb.selected_inferior()
        for address, byte in self._under.items():
            if byte != _INT3 and _shown(target, address) == _INT3:
                target.write_memory(address, byte)
                for breakpoint_ in [b for b in self._all if b.address == address]:
                    breakpoint_.begin_anew()

    def enable(self, on):
        """All, around an execve, but for those that a munmap takes away."""
        busy = {b for taken in self._unmapping.values() for b in taken}
        _enable(self._all - busy, on)

    def munmap_begins(self, tid, address, size):
        """Inside stop(): does it take breakpoints away? Then the target must stop for act()."""
        end = address + size
        if not any(address < code.end and code.start < end for code in self._engine.map.all):
            return False
        taken = [b for b in self._all if address <= b.address < end]
        if not taken:
            return False
        self._unmapping[tid] = taken
        return self.wait(lambda: _enable(taken, False))

    def munmap_ended(self, tid, failed):
        """As munmap_begins: they go for good, or come back where the code is still there."""
        taken = self._unmapping.pop(tid, None)
        if taken is None:
            return False
        still = [b for b in taken if b in self._all]
        return self.wait(lambda: _enable(still, True) if failed else self._remove(still))

    def made_writable(self, address, size):
        """What the program may write over entries: it is left as it is, and said."""
        if any(address < code.end and code.start < address + size for code in self._engine.map.all):
            self._tell(self._entries(address, address + size), _WRITABLE)

    def _entries(self, low, high):
        return [b for b in self._all if b.called and low <= b.address < high]

    def _tell(self, entries, text):
        first = min(entries, key=lambda b: b.address, default=None)
        code = first and self._engine.map.at(first.address)
        if code is not None:
            others = " (and %d more)" % (len(entries) - 1) if len(entries) > 1 else ""
            name = os.fsdecode(code.path).rsplit("/", 1)[-1]
            self._engine.unseen("overwritten", text % (first.called, name, others))

    def _tell_overwritten(self):
        """gdb's own bytes are gone where the program wrote; all are where gdb took them out."""
        entries = self._entries(0, 1 << 64)
        there = [b for b in entries if self._engine.process.read(b.address, 1) == _INT3]
        if there:
            self._tell([b for b in entries if b not in there], _OVERWRITTEN)

    def program_ends(self):
        """Inside stop(), at exit_group. As munmap_begins.

        Other threads may die while gdb steps them over a breakpoint, which it takes for an error.
        """
        self._tell_overwritten()
        several = self._engine.process.threads > 1
        return several and self.wait(lambda: self.enable(False))

    def must_let_go(self):
        """As program_ends: from here on the program can only run unwatched."""
        self._waiting.append(self._engine.let_go)
        return True

    def _remove(self, breakpoints):
        for breakpoint_ in breakpoints:
            self.remove(breakpoint_)


def _shown(target, address):
    """The byte as gdb shows it: without what it knows to have written."""
    try:
        return bytes(target.read_memory(address, 1))
    except gdb.MemoryError:
        return b""


def _enable(breakpoints, on):
    for breakpoint_ in breakpoints:
        breakpoint_.enabled = on
