"""The engine, and one empty stop beside it: `gdb -x` runs this in place of gdb-scripts/engine.py.

The empty stop at marker() of bench/deep.c is the unit in which bench/engine_cost.py counts.
"""

import os
import sys

import gdb

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import main  # noqa: E402
from brkpoint_gdb.engine import Engine  # noqa: E402


class Empty(gdb.Breakpoint):
    def stop(self):
        return False


class Marked(Engine):
    def _hook(self, item):
        super()._hook(item)
        marker = item.file and item.file.function("marker")
        if marker:
            Empty("*%#x" % (item.bias + marker.value), internal=True)


main.leave(main.main(Marked))
