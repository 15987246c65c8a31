"""Going on from a breakpoint without a step of gdb's.

After each stop gdb has the target execute the one instruction under the breakpoint, which is a
second stop, as dear as the first. Where that instruction is one of instructions.py, its work is
done here while the target stands, and it goes on behind it: gdb steps only where the program
counter still stands at a breakpoint (gdb/infrun.c, thread_still_needs_step_over_bp).

Whatever is not certain is left to gdb: then nothing has been changed.
"""

from __future__ import annotations

import gdb

from . import instructions

_NO_PLACE = (b"", b"\xcc")  # to go on at: a breakpoint there, whoever's, must be hit
# gdb forgets the registers that it knows, and asks the kernel; the second before gdb 11.
_FORGET = ("maintenance flush register-cache", "flushregs")


class Stepping:
    def __init__(self, engine):
        self._engine = engine
        self._forget = None  # the command, once one is known
        self.allowed = True  # False: the processor keeps return addresses itself
        self.count = 0  # of the stops after which gdb had not to step
        self.moved = {}  # tid -> Registers that it went on with last; rescue.py

    def prepare(self):
        """At the first instruction of a 64-bit program: find out how this gdb can be told."""
        self.allowed = True
        process = self._engine.process
        regs = process.registers(process.tid())
        self._forget = next((c for c in _FORGET if regs.whole and self._is_heard(c, regs)), None)

    def _is_heard(self, command, regs):
        """Whether gdb then asks the kernel again for a register that it knows."""
        try:
            known = _r11()
            self._flip(regs)
            try:
                gdb.execute(command, False, True)
                return _r11() != known
            finally:
                self._flip(regs)
                gdb.execute(command, False, True)
        except gdb.error:
            return False

    def _flip(self, regs):
        regs.r11 ^= 1
        self._engine.process.set_registers(regs)

    def read(self, address):
        """The Instruction at `address`, whatever gdb has planted there; None: gdb shall step."""
        if self._forget is None:
            return None
        process = self._engine.process
        code = process.code(address, instructions.LONGEST) or process.code(address, 1)
        return instructions.read(code)  # of one byte at the end of its mapping

    def go_on(self, breakpoint_, regs):
        """The last act of a stop(): `regs` of the thread that stands at the breakpoint."""
        if self._forget is None or not self.allowed:
            return
        if not regs.whole or regs.rip != breakpoint_.address:
            return
        try:
            if self._act(breakpoint_.instruction, regs):
                self.moved[regs.tid] = regs
                self.count += 1
        except Exception as error:  # nothing has been changed
            self._forget = None
            self._engine.note_once("gdb steps over each breakpoint: %s" % error)

    def _act(self, instruction, regs):
        process, size = self._engine.process, instruction.size
        if not instruction.jumps or size > 1:
            there = process.read(regs.rip, size + 1)
            if there[:size] != instruction.planted:
                return False
            if there[size:] in _NO_PLACE and not instruction.jumps:
                return False
        if not instruction.act(regs, process.load, process.store):
            return False
        if instruction.jumps and process.read(regs.rip, 1) in _NO_PLACE:
            return False
        gdb.execute(self._forget, False, True)
        return process.set_registers(regs)


def _r11():
    return int(gdb.parse_and_eval("$r11"))
