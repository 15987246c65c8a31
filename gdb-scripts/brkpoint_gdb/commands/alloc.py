"""`alloc`: the prefix of brkpoint's commands inside gdb."""

from __future__ import annotations

import gdb


class Alloc(gdb.Command):
    """Who allocated that, when, and why? Commands that record and explain allocations.

    alloc trace start     record from here on, beside your own breakpoints
    alloc where POINTER   which recorded call allocated it
    alloc why             what the call at hand is for
    alloc phase           how far the program has come
    alloc report          the summary so far

    Settings: help set alloc. Functions for conditions: help function, $_alloc_...
    """

    NAME = "alloc"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("alloc: there is no alloc %s (see: help alloc)" % argument)
        gdb.execute("help alloc")
