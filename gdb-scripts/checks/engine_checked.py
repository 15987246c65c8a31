"""The engine with a second opinion: every remembered stack is walked again by gdb and compared.

`gdb -x` runs this in place of gdb-scripts/engine.py; its counts come as a note in the spool:
"checked N remembered stacks, M wrong".
"""

import os
import sys

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import main, stacks  # noqa: E402
from brkpoint_gdb.engine import Engine  # noqa: E402


class CheckedStacks(stacks.Stacks):
    checked = wrong = 0

    def at_entry(self, pc, sp, ret, link):
        if link is not None:
            CheckedStacks.checked += 1
            known, self._chains = self._chains, {}  # nothing is remembered: gdb walks to the end
            walked = self._walk_entry(sp, ret)
            self._chains = known
            CheckedStacks.wrong += walked.frames() != link.frames()
        return super().at_entry(pc, sp, ret, link)


class Checked(Engine):
    def finish(self, kind):
        counts = (CheckedStacks.checked, CheckedStacks.wrong)
        self.note("checked %d remembered stacks, %d wrong" % counts)
        super().finish(kind)


stacks.Stacks = CheckedStacks
main.leave(main.main(Checked))
