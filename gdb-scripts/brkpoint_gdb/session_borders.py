"""The borders of the phases in a person's session: without stopping, and from any place on."""

from __future__ import annotations

import gdb

from alloctrace import position
from alloctrace.words import BEGAN, MAIN_BY

from . import borders, main_finder
from .hooks import Breakpoint
from .process import now

_MAX_FRAMES = 256


class Border(Breakpoint):
    """Acts inside stop(), once, and lets the program run on."""

    dead = False

    def __init__(self, session, address, action):
        super().__init__(session, address)
        self.action = action

    def hit(self):
        if not self.dead:
            tid = self.engine.process.tid()
            self.action(tid, self.engine.process.registers(tid))
        return False


class SessionBorders(borders.Borders):
    def __init__(self, session):
        super().__init__(session)
        self._mains = set()  # addresses of C's main
        self._user_main = None
        self._program = None

    def begin_here(self, codes, executable, phase):
        """Where the program stands now; `phase`: as the user says. Raises gdb.GdbError."""
        program = next((c for c in codes if c.is_program), None)
        program = program or next((c for c in codes if c.path == executable), None)
        if program is not None and program.file is not None and program.role != "loader":
            self._know(program)
        at_start = self._at_first_instruction(codes)
        if phase is None and not at_start:
            phase, evidence = position.decide(self._frames(codes), self._user_main is not None)
            if phase is None:
                text = "alloc: the phase cannot be told here: %s. Say it: alloc trace start --phase"
                raise gdb.GdbError(text % evidence)
            self._cross(phase, now(), "the recording began here: " + evidence)
            self._engine.note("The recording began in phase %s: nothing before was seen." % phase)
        elif at_start:
            self._begin_at_start(codes)
        else:
            self._cross(phase, now(), "the recording began here, as the user said")
        self._watch_from_here(codes)

    def _begin_at_start(self, codes):
        if any(code.role == "loader" for code in codes):
            self._cross("load", now(), BEGAN["loader"])
        elif self._mains:
            self._cross("init", now(), BEGAN["no_loader"])
        else:
            self._cross("main", now(), BEGAN["no_libc"])

    def _at_first_instruction(self, codes):
        """gdb stops there with `starti`: at the loader's entry point, or a static program's."""
        pc = self._engine.process.registers(self._engine.process.tid()).rip
        first = [code for code in codes if code.role == "loader"] or [self._program]
        return any(code and code.file and pc == code.bias + code.file.entry for code in first)

    def _watch_from_here(self, codes):
        if self.phase == "load":
            self.watch_initialisers([code for code in codes if code.role != "loader"])
        if self._program is not None and self.phase in ("load", "init"):
            self._watch_program()

    def program_arrived(self, codes):
        """`ld-linux PROGRAM`: the program is mapped later, as a library would be."""
        program = next((c for c in codes if c.is_program), None)
        if self._program is None and program is not None:
            self._know(program)
            self._watch_program()

    def _know(self, program):
        """Find main and Rust's main in the program's code."""
        self._program = program
        symbol = program.file.function("main")
        process = self._engine.process
        if symbol is not None:
            main, how = program.bias + symbol.value, MAIN_BY["symbol"]
        else:
            entry = program.bias + program.file.entry
            main = main_finder.find_main(process, entry, self._is_program_code)
            how = "read from the code at the entry point"
        if main is None:
            return
        self._mains.add(main)
        if program.file.looks_like_rust():
            self._user_main = main_finder.find_user_main(process, main, self._is_program_code)
            how = "read from the code of C's main" if self._user_main else how
        self._engine.spool.info("main", address=main, user_main=self._user_main, how=how)

    def _is_program_code(self, address):
        return self._is_code_of(self._program, address)

    def _watch_program(self):
        words = BEGAN["rust_main"] if self._user_main else BEGAN["main"]
        for address in [self._user_main] if self._user_main else self._mains:
            self._plant(address, lambda tid, regs: self._main_begins(regs.rsp, words))
        if self.phase == "load":
            self._plant(self._program.bias + self._program.file.entry, self._at_entry_point)

    def _at_entry_point(self, tid, regs):
        if self._mains:
            self._cross("init", now(), BEGAN["no_initialiser"])
        else:
            self._cross("main", now(), "entry point: main was not found")

    def main_ranges(self):
        """[(low, high)] of the function that gdb takes for main, where it is known."""
        mains = [self._user_main] if self._user_main else sorted(self._mains)
        return [extent for extent in map(self._engine.map.extent, mains) if extent]

    # -- overridden: nothing here stops the program

    def _plant(self, address, action):
        def act(tid, regs):
            self._engine.planted.remove(breakpoint_)
            action(tid, regs)

        breakpoint_ = Border(self._engine, address, act)
        process = self._engine.process
        if process.registers(process.tid()).rip == address:
            breakpoint_.hit()  # already there: it would be missed
        return breakpoint_

    def _plant_initialiser(self, code, vaddr):
        name = code.path.decode("utf-8", "replace").rsplit("/", 1)[-1]

        def reached(tid, regs):
            self._cross("init", now(), BEGAN["initialiser"] % name)
            for breakpoint_ in self._initialisers:
                self._engine.planted.remove(breakpoint_)
            self._initialisers = []

        return Border(self._engine, code.bias + vaddr, reached)

    # -- where the program stands

    def _frames(self, codes):
        """[(role of the module, kind)] of the main thread, innermost first: position.decide."""
        known = self._known(codes)
        return [self._describe(pc, known) for pc in _pcs(self._engine.process.pid)]

    def _describe(self, pc, known):
        code = self._engine.map.at(pc)
        extent = self._engine.map.extent(pc) or self._engine.map.extent(pc - 1)
        return (code.role if code else ""), known.get(extent[0] if extent else None, "")

    def _known(self, codes):
        """{address: kind} of functions that tell a phase."""
        known = {}
        for code in codes:
            if code.file is not None and code.role != "loader":
                known.update((code.bias + v, "initialiser") for v in code.file.initialisers())
                symbol = code.file.function("exit")
                known.update({code.bias + symbol.value: "exit"} if symbol else {})
        if self._program is not None:
            known[self._program.bias + self._program.file.entry] = "entry"
        known.update((address, "main") for address in self._mains)
        if self._user_main:
            known[self._user_main] = "user_main"
        return known


def _pcs(pid):
    """Program counters of the main thread's stack, innermost first; the selection stays."""
    before, frame = gdb.selected_thread(), gdb.selected_frame()
    main = next((t for t in gdb.selected_inferior().threads() if t.ptid[1] == pid), before)
    main.switch()
    try:
        found, at = [], gdb.newest_frame()
        while at is not None and len(found) < _MAX_FRAMES:
            if at.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                found.append(at.pc())
            at = at.older()
        return found
    finally:
        before.switch()
        if frame.is_valid():
            frame.select()
