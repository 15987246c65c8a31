"""Call stacks, cheap and true.

gdb's own walk costs ten times a breakpoint stop, so the last chains seen from the same stack
pointer and return address are remembered, and believed only when every return address still
stands in its slot: one read of the stack, one comparison. Where no chain fits, gdb walks until
the rest is a remembered one. A frame is accepted only when a call instruction stands before its
return address (code.Map.supports); else the stack is cut and says why.
"""

from __future__ import annotations

import struct

import gdb

from alloctrace.words import CUT_DEEP, CUT_UNREADABLE, CUT_UNSUPPORTED, CUT_UNWINDER

from . import prologues

MAX_FRAMES = 256
_MAX_STEPS = 16
_MAX_SPAN = 1 << 18
_MAX_CHAINS = 64  # remembered for one key

_SKIP = (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME)


class Link:
    """One return address in its slot, and the rest of the chain outside it."""

    __slots__ = ("pc", "slot", "outer", "cut", "depth", "_check", "steady")

    def __init__(self, pc, slot, outer, cut):
        self.pc, self.slot, self.outer = pc, slot, outer
        self.cut = outer.cut if outer else cut
        self.depth = 1 + (outer.depth if outer else 0)
        self.steady = slot != 0 and (outer is None or (outer.steady and outer.slot > slot))
        self._check = None

    def frames(self):
        link, frames = self, []
        while link is not None and len(frames) < MAX_FRAMES:
            frames.append((link.pc, link.slot))
            link = link.outer
        return frames

    def holds(self, process):
        """Whether memory still has every return address of this chain in its slot."""
        if self._check is None:
            self._check = self._make_check()
        size, unpack, expected = self._check
        if unpack is None:
            return False
        data = process.read(self.slot, size)
        return len(data) == size and unpack(data) == expected

    def _make_check(self):
        frames = self.frames()
        span = frames[-1][1] - self.slot + 8
        if not self.steady or span > _MAX_SPAN:
            return 0, None, None
        layout, at = ["<"], self.slot
        for _, slot in frames:
            layout.append("%dxQ" % (slot - at))
            at = slot + 8
        return span, struct.Struct("".join(layout)).unpack, tuple(pc for pc, _ in frames)


class Stacks:
    """Numbers the stacks of one program image and writes each new one to the spool once."""

    def __init__(self, process, spool, code, before=None):
        """`code`: the code.Map that says what stands behind a step outwards.

        `before`: the stacks of the image that this one replaces, whose numbers go on.
        """
        self._process, self._spool, self._code = process, spool, code
        self._chains = {}  # (slot, return address) -> [Link]
        self._last = {}  # (function, slot) -> the Link found there last
        self._links = {}  # interned: (pc, slot, id of the outer link, cut) -> Link
        self._ids = {}  # (pc, Link) -> stack id
        self._read = {}  # pc -> what prologues.read says
        self._next = before._next if before else 1
        self.walks = before.walks if before else 0
        self.hits = before.hits if before else 0
        self.thread_starts = ()  # (low, high) ranges of code that nothing called

    def forget(self):
        """After code was mapped or unmapped the same values may mean other functions."""
        self._chains.clear()
        self._last.clear()
        self._links.clear()
        self._ids.clear()
        self._read.clear()

    def top(self, pc, sp):
        """At a function's first instruction: (its return address, the remembered Link or None)."""
        link = self._last.get((pc, sp))
        if link is not None and link.holds(self._process):
            chains = self._chains.get((sp, link.pc))
            if chains and chains[0] is link:  # the one that _remembered would have tried first
                self.hits += 1
                return link.pc, link
        ret = self._process.word(sp)
        link = None if ret is None else self._remembered(sp, ret)
        if link is not None:
            self._last[pc, sp] = link
        return ret, link

    def at_entry(self, pc, sp, ret, link):
        """At a function's first instruction: `ret` and `link` are what top() found."""
        if ret is None:
            return self._number(pc, None, CUT_UNREADABLE)
        if link is None:
            link = self._walk_entry(sp, ret)
        return self._number(pc, link, 0)

    def at_pc(self, pc):
        """At any instruction (a syscall): gdb has to find the first return address."""
        if self._is_start(pc):
            return self._number(pc, None, 0)
        links = []
        rest, cut = self._outwards(_innermost(), pc, links)
        return self._number(pc, self._build(links, rest, cut), cut)

    def _remembered(self, slot, ret):
        for link in self._chains.get((slot, ret), ()):
            if link.holds(self._process):
                self.hits += 1
                return link
        return None

    def _walk_entry(self, sp, ret):
        self.walks += 1
        frame = _innermost()
        caller = _caller(frame)
        if caller is None or caller.pc() != ret:  # gdb was led astray; the ABI is right
            return self._build([(ret, sp)], None, CUT_UNWINDER)
        links = [(ret, sp)]
        if self._is_start(ret):
            return self._build(links, None, 0)
        rest, cut = self._outwards(caller, ret, links)
        return self._build(links, rest, cut)

    def _outwards(self, frame, pc, links):
        """Append the callers of `frame`; (the remembered rest or None, why it is cut or 0)."""
        rest = self._walk(frame, pc, links)
        if not isinstance(rest, int):
            return rest, 0
        if rest and links:
            self._step_by_prologues(links)
        return None, rest

    def _step_by_prologues(self, links):
        """Out of functions without an unwind table, up to the first that has one."""
        pc, slot = links[-1]
        while slot and len(links) < _MAX_STEPS and self._code.extent(pc - 1) is None:
            told = self._told(pc)
            slot = slot + 8 + told[0] if told else 0
            ret = self._process.word(slot) if slot else None
            if not ret or not self._code.supports(pc, ret):
                return
            links.append((ret, slot))
            pc = ret

    def _walk(self, frame, pc, links):
        """Append (return address, slot) of callers of `frame`; the remembered rest, or a cut."""
        while len(links) < MAX_FRAMES:
            caller = _caller(frame)
            if caller is None:
                clean = frame.unwind_stop_reason() == gdb.FRAME_UNWIND_OUTERMOST
                return 0 if clean and self._code.ends(pc) else self._cut(frame, pc, CUT_UNWINDER)
            ret = caller.pc()
            signal_frame = frame.type() == gdb.SIGTRAMP_FRAME
            if ret == 0:
                return 0 if self._code.ends(pc) else self._cut(frame, pc, CUT_UNWINDER)
            if not signal_frame and not self._code.supports(pc, ret):
                return CUT_UNSUPPORTED
            slot = 0 if signal_frame else _stack_pointer(caller) - 8
            if slot and not self._is_told(frame, pc, slot):
                return CUT_UNSUPPORTED
            if slot and self._process.word(slot) != ret:
                return self._cut(frame, pc, CUT_UNREADABLE)
            rest = self._remembered(slot, ret) if slot else None
            if rest is not None:
                return rest
            links.append((ret, slot))
            if self._is_start(ret):
                return 0
            frame, pc = caller, ret
        return CUT_DEEP

    def _told(self, pc):
        if pc not in self._read:
            self._read[pc] = prologues.read(pc)
        return self._read[pc]

    def _is_told(self, frame, pc, slot):
        """Whether an unwind table led gdb to `slot`, or the function's first instructions do."""
        if not self._code.is_guessed(_place(frame, pc)):
            return True
        size, has_frame = self._told(pc) or (None, False)
        return has_frame or (size is not None and slot == _stack_pointer(frame) + size)

    def _cut(self, frame, pc, why):
        """Without an unwind table that is why, whatever gdb made of the words it guessed at."""
        return why if self._code.extent(_place(frame, pc)) else CUT_UNSUPPORTED

    def _build(self, links, rest, cut):
        for pc, slot in reversed(links):
            key = (pc, slot, id(rest), cut)
            link = self._links.get(key)
            if link is None:
                link = self._links[key] = Link(pc, slot, rest, cut)
                chains = self._chains.setdefault((slot, pc), [])
                chains.insert(0, link)
                del chains[_MAX_CHAINS:]
            rest = link
        return rest

    def _number(self, pc, link, cut):
        key = (pc, link, cut if link is None else 0)
        number = self._ids.get(key)
        if number is None:
            number = self._ids[key] = self._next
            self._next += 1
            self._write(number, pc, link, cut)
        return number

    def _write(self, number, pc, link, cut):
        outer = link.frames() if link else []
        if link is not None:
            cut = CUT_DEEP if link.depth >= MAX_FRAMES else link.cut
        pcs = [pc] + [ret for ret, _ in outer]
        slots = [slot for _, slot in outer] + [0]
        self._spool.stack(number, cut, zip(pcs, slots))

    def _is_start(self, pc):
        return any(low <= pc < high for low, high in self.thread_starts)


def _innermost():
    """The newest frame that has a return slot: the pc may lie in an inlined function (mmap)."""
    frame = gdb.newest_frame()
    while frame.type() in _SKIP and frame.older() is not None:
        frame = frame.older()
    return frame


def _caller(frame):
    """The next frame that has a return slot of its own."""
    older = frame.older()
    while older is not None and older.type() in _SKIP:
        older = older.older()
    return older


def _place(frame, pc):
    """An address in the instruction that the frame is at: its call, or where a signal came."""
    inner = frame.newer()
    return pc if inner is not None and inner.type() == gdb.SIGTRAMP_FRAME else pc - 1


def _stack_pointer(frame):
    return int(frame.read_register("rsp")) & 0xFFFFFFFFFFFFFFFF
