"""The engine without the care that stepping.py takes: it goes on wherever that leads, and writes
where the program itself may not.

It shows that the tests of tests/test_engine_steps.py can fail.
"""

import os
import sys

sys.dont_write_bytecode = True
_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import main, process, stepping  # noqa: E402
from brkpoint_gdb.engine import Engine  # noqa: E402


def _store(self, address, word):
    with open("/proc/%d/mem" % self.pid, "r+b", buffering=0) as memory:
        return os.pwrite(memory.fileno(), word.to_bytes(8, "little"), address) == 8


stepping._NO_PLACE = ()
process.Process.store = _store

main.leave(main.main(Engine))
