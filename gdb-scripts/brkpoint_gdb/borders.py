"""The borders of the phases: load, init, main, exit. docs/architecture.md; facts of each border
are told in `how`. Works on stripped programs: by addresses, not by names."""

from __future__ import annotations

import re

import gdb

from alloctrace.words import BEGAN, MAIN_BY, PHASES

from . import settings, thread_names
from .hooks import Breakpoint
from .process import now

_CALL = re.compile(r"(?:addr32 |bnd |data16 |notrack )*call")  # ld relaxes with prefixes
_TRANSFER = re.compile(r"(?:addr32 |bnd |data16 |notrack )*(?:call|jmp)")
_MAX_STEPS = 64  # from the entry point to the call of __libc_start_main: 10 to 12
_MAX_STEPS_RUST = 64  # from C's main to the call of lang_start


class Border(Breakpoint):
    """Stops for real at `address`; the engine's loop then calls `action(tid, registers)`."""

    def __init__(self, engine, address, action):
        super().__init__(engine, address)
        self.action = action

    def hit(self):
        self.engine.reached.append(self)
        return True


class Once(Breakpoint):
    """Calls `action(t_ns, tid, sp)` at each hit, without stopping."""

    def __init__(self, engine, address, action):
        super().__init__(engine, address)
        self.action = action

    def hit(self):
        tid = self.engine.process.tid()
        self.action(now(), tid, self.engine.process.registers(tid).rsp)
        return False


class Borders:
    def __init__(self, engine):
        self._engine = engine
        self._initialisers = []
        self._main_sp = None
        self._names = []  # of threads that an exec will end, if it succeeds
        self.phase = None

    # -- one program image begins

    def begin(self, t_ns, program, dynamic):
        """At the first instruction. `program`: the Code whose main is meant, None if not known."""
        self.phase = None
        self._initialisers = []
        if dynamic:
            self._cross("load", t_ns, BEGAN["loader"])
        elif self._find_main(program):
            self._cross("init", t_ns, BEGAN["no_loader"])
        else:
            self._cross("main", t_ns, BEGAN["no_libc"])

    def program_known(self, program):
        """The program is mapped: watch its entry point, where its main can be found."""
        entry = program.bias + program.file.entry

        def at_entry(tid, regs):
            if not self._find_main(program):
                self._cross("main", now(), BEGAN["no_main"])
            elif self.phase == "load":
                self._cross("init", now(), BEGAN["no_initialiser"])

        self._plant(entry, at_entry)

    def watch_initialisers(self, codes):
        """The first of them to run ends the phase load."""
        if self.phase != "load":
            return
        for code in codes:
            if code.file is None or code.role == "loader":
                continue
            for vaddr in code.file.initialisers():
                self._initialisers.append(self._plant_initialiser(code, vaddr))

    def _plant_initialiser(self, code, vaddr):
        def reached(tid, regs):
            name = code.path.decode("utf-8", "replace").rsplit("/", 1)[-1]
            self._cross("init", now(), BEGAN["initialiser"] % name)
            for breakpoint_ in self._initialisers:
                self._engine.planted.remove(breakpoint_)
            self._initialisers = []

        return Border(self._engine, code.bias + vaddr, reached)

    def _plant(self, address, action):
        def act(tid, regs):
            self._engine.planted.remove(breakpoint_)
            action(tid, regs)

        breakpoint_ = Border(self._engine, address, act)
        if self._engine.process.registers(self._engine.process.tid()).rip == address:
            self._engine.reached.append(breakpoint_)  # already there: it would be missed
        return breakpoint_

    # -- main

    def _find_main(self, program):
        """Watch main; False where the program has none."""
        if program is None:  # no code of its file is mapped
            return False
        symbol = program.file and program.file.function("main")
        if symbol is not None:
            address, how = program.bias + symbol.value, MAIN_BY["symbol"]
        else:
            address, how = (
                self._step_to_main(program),
                MAIN_BY["argument"],
            )
        if address is None:
            return False
        self._main_how = how
        self._engine.spool.info("main", address=address, user_main=None, how=how)
        self._plant(address, lambda tid, regs: self._at_main(program, address, tid, regs))
        return True

    def _step_to_main(self, program):
        """Step from the entry point to the first call or jump whose first argument is code.

        A `syscall` instruction first means that there is no main.
        """
        for _ in range(_MAX_STEPS):
            text = _instruction()
            if text.startswith("syscall"):
                return None
            if _TRANSFER.match(text):
                candidate = self._engine.process.registers(self._engine.process.tid()).rdi
                if self._is_code_of(program, candidate):
                    return candidate
            if not self._step():
                return None
        return None

    def _step(self):
        """False where gdb cannot: it does not believe an unwind table of the program's."""
        try:
            settings.do("stepi")
            return True
        except gdb.error as error:
            self._engine.note_once("main was not looked for any further: gdb: %s" % error)
            return False

    def _is_code_of(self, program, address):
        return any(
            m.start <= address < m.end and "x" in m.perms and m.path == program.path
            for m in self._engine.process.mappings()
        )

    def _at_main(self, program, address, tid, regs):
        user_main = None
        if program.file.looks_like_rust():
            user_main = self._step_to_user_main(program)
        if user_main is None:
            self._main_begins(regs.rsp, BEGAN["main"])
            return
        self._engine.spool.info(
            "main", address=address, user_main=user_main, how=MAIN_BY["lang_start"]
        )
        self._plant(user_main, lambda tid, regs: self._main_begins(regs.rsp, BEGAN["rust_main"]))

    def _step_to_user_main(self, program):
        """At the first call of C's main, Rust's main is its argument, or what that points to."""
        process = self._engine.process
        for _ in range(_MAX_STEPS_RUST):
            if _CALL.match(_instruction()):
                rdi = process.registers(process.tid()).rdi
                for candidate in (rdi, process.word(rdi)):
                    if candidate and self._is_code_of(program, candidate):
                        return candidate
                return None
            if not self._step():
                return None
        return None

    def _main_begins(self, sp, how):
        self._cross("main", now(), how)
        self._main_sp = sp
        ret = self._engine.process.word(sp)
        if ret:
            Once(self._engine, ret, self._after_main)

    def _after_main(self, t_ns, tid, sp):
        if sp == self._main_sp + 8:
            self._cross("exit", t_ns, BEGAN["returned"])

    # -- the end

    def watch_exit(self, code):
        """exit(3) may come from anywhere, before main returns."""
        symbol = code.file and code.file.function("exit")
        if symbol is not None:
            Once(self._engine, code.bias + symbol.value, self._at_exit)

    def _at_exit(self, t_ns, tid, sp):
        self._cross("exit", t_ns, BEGAN["exit"])

    def execing(self, begins):
        """At the entry of an exec, and where it has failed."""
        self._names = thread_names.seen(self._engine) if begins else []

    def executed(self, t_ns):
        thread_names.tell(self._engine, t_ns, self._names)

    def ending(self, t_ns, tid, name):
        """At the entry of exit or exit_group: the last look at the process before it is gone."""
        names = thread_names.seen(self._engine, None if name == "exit_group" else tid)
        thread_names.tell(self._engine, t_ns, names)
        if name == "exit_group" or tid == self._engine.process.pid:
            self._cross("exit", t_ns, BEGAN["syscall"] % name)
            self._engine.last_state = dict(self._engine.process.state(), t_ns=t_ns)

    def _cross(self, phase, t_ns, how):
        """Phases never go back."""
        if self.phase is not None and PHASES.index(phase) <= PHASES.index(self.phase):
            return
        self.phase = phase
        state = self._engine.process.state()
        self._engine.spool.info(
            "phase", phase=phase, t_ns=t_ns, how=how, image=self._engine.image, **state
        )


def _instruction():
    frame_pc = int(gdb.parse_and_eval("$pc"))
    listing = gdb.selected_inferior().architecture().disassemble(frame_pc, frame_pc)
    return listing[0]["asm"]
