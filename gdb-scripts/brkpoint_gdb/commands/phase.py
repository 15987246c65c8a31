"""`alloc phase`: how far the program is."""

from __future__ import annotations

import gdb

from reports import answers

from .. import so_far
from ..arguments import Arguments


class Phase(gdb.Command):
    """Show the phases that the program has reached, with what happened in each.

    alloc phase

    A star marks the current one: load, init, main, exit; it never goes back.
    """

    NAME = "alloc phase"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        parser().read(argument)
        current = so_far.current()
        events = current.refresh()
        for line in answers.phases(current.borders, events, current.session.borders.phase):
            print(line)


def parser():
    return Arguments(Phase.NAME)
