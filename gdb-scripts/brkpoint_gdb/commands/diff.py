"""`alloc diff`: what was left behind since the last time it was asked."""

from __future__ import annotations

import gdb

from alloctrace import measure
from alloctrace.compare import left

from reports import ink, left_text

from .. import so_far
from ..arguments import Arguments


class Diff(gdb.Command):
    """Show what was allocated since the last `alloc diff`, and is still live now.

    alloc diff [--keep] [EVENT]

    EVENT    since the event with this number, as alloc why shows it
    --keep   the next alloc diff begins where this one did

    The first one begins where the recording does. Use it before a line and after
    it: what did this line leave behind?
    """

    NAME = "alloc diff"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        options = parser().read(argument)
        current = so_far.current()
        events = current.refresh()
        begin = current.diff_mark if options.event is None else options.event
        if not 0 <= begin <= len(events):
            raise gdb.GdbError("alloc diff: there is no event %d." % begin)

        def deciding(event):
            return measure.deciding_frame(current.explained(event), current.stack(event.stack))

        found = left.between(events, str(begin), left.END, deciding)
        found.update({"from": "event %d" % begin, "to": "now"})
        for line in left_text.lines(found, ink.Ink()):
            print(line)
        if not options.keep:
            current.diff_mark = len(events)


def parser():
    arguments = Arguments(Diff.NAME)
    arguments.add_argument("event", nargs="?", type=int)
    arguments.add_argument("--keep", action="store_true")
    return arguments
