"""What the parent gives to `gdb -x`: runs the breakpoint engine and always ends gdb by itself."""

import os
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [_HERE, os.path.dirname(_HERE)]

from brkpoint_gdb import main  # noqa: E402
from brkpoint_gdb.engine import Engine  # noqa: E402

# An exception in a script leaves gdb's exit status 0: end with one of our own.
main.leave(main.main(Engine))
