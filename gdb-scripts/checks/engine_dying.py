"""The engine in a gdb that dies where the target stands at a breakpoint: for tests.

How is in the file `dying` beside the target: exit, abort or fault; with `bare` nothing of ours is
there to let the target go; error: gdb throws instead. killed: the target dies first; unsaid:
nothing asks then whether it did. behind: it dies when the target stands behind the breakpoint's
instruction already; unknown: and nobody has written that down.
"""

import ctypes
import os
import signal
import sys

import gdb

_HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
sys.path[:0] = [_HERE, os.path.dirname(_HERE)]

from brkpoint_gdb import hooks, main  # noqa: E402
from brkpoint_gdb.engine import Engine  # noqa: E402


class Entry(hooks.Entry):
    """Inside stop() gdb's breakpoints are in the target's code."""

    def hit(self):
        stops = super().hit()
        if self.engine.borders.phase == "main" and "behind" not in self.engine.how():
            self.engine.die()
        return stops

    def stop(self):
        stops = super().stop()
        if self.engine.borders.phase == "main":
            if "unknown" in self.engine.how():
                self.engine.stepping.moved.clear()
            self.engine.die()
        return stops


class Dying(Engine):
    Entry = Entry

    def _act_on_reached(self):
        super()._act_on_reached()
        if self.borders.phase == "main" and "error" in self.how():
            raise gdb.error("PC not\nsaved")

    def how(self):
        folder = os.path.dirname(self.process.executable())
        with open(os.path.join(folder, "dying"), encoding="ascii") as file:
            return file.read().split()

    def die(self):
        how, libc = self.how(), ctypes.CDLL(None)
        if "bare" in how:
            self._rescue.armed = False
        if "killed" in how:
            os.kill(self.process.pid, signal.SIGKILL)
        if "unsaid" in how:
            self._rescue.gdb_died = lambda: None
        if "exit" in how:
            libc.exit(1)
        if "abort" in how:
            libc.abort()
        if "fault" in how:
            ctypes.string_at(8)


main.leave(main.main(Dying))
