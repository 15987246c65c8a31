"""The checked engine with its memory broken on purpose: it believes every remembered stack.

It shows that the check of engine_checked.py can fail.
"""

import os
import sys

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP, os.path.dirname(__file__)]

from brkpoint_gdb import stacks  # noqa: E402

stacks.Link.holds = lambda link, process: True

import engine_checked  # noqa: E402, F401
