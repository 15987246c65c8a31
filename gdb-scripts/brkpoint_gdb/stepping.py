"""Going on from a breakpoint without a step of gdb's.

After each stop gdb has the target execute the one instruction under the breakpoint, which is a
second stop, as dear as the first. Where that instruction is one of instructions.py, its work is
done here while the target stands, and it goes on behind it: gdb steps only where the program
counter still stands at a breakpoint (gdb/infrun.c, thread_still_needs_step_over_bp).

Whatever is not certain is left to gdb: then nothing has been changed.
"""

from __future__ import annotations

import gdb

from alloctrace.fields import MASK64

from . import instructions

_NO_PLACE = (b"", b"\xcc")  # to go on at: a breakpoint there, whoever's, must be hit
# gdb forgets the registers that it knows, and asks the kernel; the second since gdb 11.
_FORGET = ("flushregs", "maintenance flush register-cache")


class Stepping:
    def __init__(self, engine):
        self._engine = engine
        self._forget = None  # the command, once one is known
        self._believed = False  # gdb has shown that it takes it
        self.allowed = True  # False: the processor keeps return addresses itself
        self.moved = {}  # tid -> Registers that it went on with last; rescue.py

    def prepare(self):
        """Outside stop(), with a process: find out how this gdb can be told."""
        for command in _FORGET:
            try:
                gdb.execute(command, False, True)
            except gdb.error:
                continue
            self._forget = command
            return

    def read(self, address):
        """The Instruction at `address`, as if gdb's breakpoints were not there; None: gdb's to do."""
        if self._forget is None:
            return None
        for size in (instructions.LONGEST, 1):  # it may be the last of its mapping
            try:
                code = bytes(gdb.selected_inferior().read_memory(address, size))
            except gdb.error:
                continue
            return instructions.read(code)
        return None

    def go_on(self, instruction, regs):
        """The last act of a stop(): `regs` of the thread that stands at `instruction`."""
        if self._forget is None or not (self.allowed and regs.whole):
            return
        before = None if self._believed else regs.copy()
        try:
            if self._act(instruction, regs):
                self.moved[regs.tid] = regs
                if before is not None:
                    self._ask_gdb(before, regs.rip)
        except Exception as error:  # before anything was changed
            self._forget = None
            self._engine.note_once("gdb steps over each breakpoint: %s" % error)

    def _act(self, instruction, regs):
        process, size = self._engine.process, instruction.size
        there = process.read(regs.rip, size + 1)
        if there[:size] != instruction.planted:
            return False
        if not instruction.jumps and there[size:] in _NO_PLACE:
            return False
        if not instruction.act(regs, process.load, process.store):
            return False
        if instruction.jumps and process.read(regs.rip, 1) in _NO_PLACE:
            return False
        gdb.execute(self._forget, False, True)
        return process.set_registers(regs)

    def _ask_gdb(self, before, pc):
        """Once: does gdb take it from the kernel where the thread stands now?"""
        self._believed = _gdb_pc() == pc
        if not self._believed:
            self._engine.process.set_registers(before)
            del self.moved[before.tid]
            raise gdb.error("it does not hear of registers that have changed")


def _gdb_pc():
    try:
        return int(gdb.parse_and_eval("$pc")) & MASK64
    except gdb.error:
        return None
