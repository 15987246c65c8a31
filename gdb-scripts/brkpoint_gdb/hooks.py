"""Breakpoints on allocator functions: the entry, and the ends of each call.

stop() records and returns False. gdb forbids making or deleting breakpoints inside it, so where
one is needed it returns True and the engine's loop does the work while the target is stopped.
"""

from __future__ import annotations

import gdb

from . import returns
from .process import Elsewhere, now


_REGISTERS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")  # that arguments come in


class Breakpoint(gdb.Breakpoint):
    """At a raw address, unseen by `info breakpoints`; `hit()` does the work of stop()."""

    called = None  # of an entry: the function's name
    goes_on = False  # often hit: does the work of its instruction, where that is possible

    def __init__(self, engine, address):
        super().__init__("*%#x" % address, internal=True)
        self.engine, self.address = engine, address
        self.instruction = engine.stepping.read(address) if self.goes_on else None
        engine.planted.add(self)

    def begin_anew(self):
        """The same of ours, with another of gdb's behind it."""
        enabled = self.enabled
        self.delete()
        super().__init__("*%#x" % self.address, internal=True)
        self.enabled = enabled

    def stop(self):
        self.engine.stops += 1
        try:
            if self.hit():
                return True
            if self.instruction is not None:
                self.engine.stepping.go_on(self, self.engine.process.regs)
            return False
        except Elsewhere:
            return False
        except Exception as error:  # an error here would stop the target for good
            self.engine.lose(1, "%s: %s" % (type(self).__name__, error))
            return False


class Entry(Breakpoint):
    """The first instruction of an allocator function: the arguments are in their registers."""

    goes_on = True

    def __init__(self, engine, address, ids):
        """`ids`: {allocators.Named: hook id}, several for aliases, which are read alike."""
        super().__init__(engine, address)
        self.by_caller = True  # its ends are not clear: watch its callers
        self._ids = ids
        self._called = {named.name: named for named in ids}
        self._default = next(iter(ids))
        self.called = self._default.name
        self._registers = [_REGISTERS[place] for place in self._default.places]
        self._names = {}  # return address -> the name that its call site uses

    def hit(self):
        engine = self.engine
        t_ns, tid = now(), engine.process.tid()
        regs = engine.process.registers(tid)
        ret, link = engine.stacks.top(self.address, regs.rsp)
        named = self._default if len(self._ids) == 1 else self._name_at(ret)
        stack = engine.stacks.at_entry(self.address, regs.rsp, ret, link)
        args = [getattr(regs, register) for register in self._registers]
        args += [0] * (3 - len(args))
        engine.spool.enter(t_ns, tid, self._ids[named], regs.rsp, args, stack)
        out = args[0] if named.point == "posix_memalign" else None
        engine.calls.opened(tid, regs.rsp, ret, (self._ids[named], out))
        return self.by_caller and engine.calls.caller_missing(ret)

    def _name_at(self, ret):
        """Which of its aliases was called: the call site knows, the address does not."""
        if ret not in self._names:
            called = self.engine.map.called_name(ret) if ret else None
            self._names[ret] = self._called.get(called, self._default)
        return self._names[ret]


class Return(Breakpoint):
    """A `ret` instruction: the stack pointer is again what it was at the entry."""

    goes_on = True
    offset = 0

    def hit(self):
        engine = self.engine
        t_ns, tid = now(), engine.process.tid()
        regs = engine.process.registers(tid)
        engine.calls.closed(t_ns, tid, regs.rsp - self.offset, regs.rax)
        return False


class CallerReturn(Return):
    """A caller's return address: the `ret` has popped it."""

    offset = 8


class Calls:
    """The open calls of all threads, and the breakpoints that end them."""

    def __init__(self, engine):
        self._engine = engine
        self._open = {}  # (tid, sp) -> (return address, call) of the outermost there
        self._ends = {}  # address -> Return
        self._callers = {}  # address -> CallerReturn
        self.wanted = set()

    def opened(self, tid, sp, ret, call):
        """`call`: (hook id, where it stores the pointer, or None).

        A call that is open there and returns to `ret` as well is the outer one of a tail jump;
        one that returns elsewhere was left by longjmp.
        """
        known = self._open.get((tid, sp))
        if known is None or known[0] != ret:
            self._open[tid, sp] = (ret, call)

    def closed(self, t_ns, tid, sp, result):
        _, call = self._open.pop((tid, sp), (None, None))
        if call is None:  # a return of something that nobody watches, through a shared tail
            return
        hook_id, out = call
        engine = self._engine
        if out is not None and result & 0xFFFFFFFF == 0:
            engine.spool.info("memptr", tid=tid, value=engine.process.word(out))
        engine.spool.leave(t_ns, tid, hook_id, sp, result)

    def caller_missing(self, address):
        if address is None or address in self._callers:
            return False
        self.wanted.add(address)
        return True

    def plant_wanted(self):
        """Outside stop(): watch the return addresses that calls asked for."""
        for address in self.wanted:
            self._callers[address] = CallerReturn(self._engine, address)
        self.wanted.clear()

    def plant_ends(self, address, extent):
        """Watch the ends of the function at `address`; False where they are not clear."""
        ends = returns.ends_of(address, extent)
        if ends.clear:
            for end in ends.returns:
                if end not in self._ends:
                    self._ends[end] = Return(self._engine, end)
        return ends.clear

    def forget(self, breakpoint_):
        """Its code is gone; what comes to lie there may need one of its own."""
        for table in (self._ends, self._callers):
            if table.get(breakpoint_.address) is breakpoint_:
                del table[breakpoint_.address]


def watch(engine, item, entry_class):
    """Breakpoints on the allocator functions of a file."""
    entries = []
    for names, impl, address in item.hooks(engine.options.get("symbols", True), engine.watched):
        ids = {named: _announce(engine, item, named, impl, address) for named in names}
        entries.append(entry_class(engine, address, ids))
    for entry in entries:  # gdb asks in the order of making: a lone `ret` is entry, then end
        entry.by_caller = not engine.calls.plant_ends(entry.address, engine.map.extent)


def _announce(engine, item, named, impl, address):
    facts = {"id": engine.new_hook(), "module": item.id, "name": named.point, "address": address}
    facts.update({"returns": "size"} if named.returns_size else {})
    arguments = " ".join(named.arguments)
    engine.spool.info("hook", impl=impl or named.name, arguments=arguments, **facts)
    return facts["id"]
