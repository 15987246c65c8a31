"""`alloc why`: phase, origin, purpose and cause of the call at hand."""

from __future__ import annotations

import gdb

from reports import answers

from .. import parameters, so_far
from ..arguments import Arguments


class Why(gdb.Command):
    """Explain the call that the program is in, else the last event of this thread.

    alloc why [--frames N] [EVENT]

    EVENT        the number of an event, as alloc where and alloc why show it
    --frames N   how many frames to show (set alloc frames)

    Phase: when. Origin: who asked. For: the purpose, by a rule with evidence.
    Made by: the call during which a memory syscall was made. What cannot be known
    is called unknown.
    """

    NAME = "alloc why"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        options = parser().read(argument)
        current = so_far.current()
        events = current.refresh()
        event = current.explained(choose(events, options.event, current))
        frames = options.frames or parameters.value("frames")
        stack = current.stack(event.stack)
        for line in answers.why(event, events, stack, frames):
            print(line)


def parser():
    arguments = Arguments(Why.NAME)
    arguments.add_argument("event", nargs="?", type=int)
    arguments.add_argument("--frames", type=int)
    return arguments


def choose(events, number, current):
    """The event with that number, or the one at hand."""
    if number is not None:
        if not 0 <= number < len(events):
            raise gdb.GdbError("alloc why: there is no event %d." % number)
        return events[number]
    found = at_hand(events, current)
    if found is None:
        raise gdb.GdbError("alloc why: no event of this thread was recorded yet.")
    return found


def at_hand(events, current):
    """The syscall or call that the selected thread is in; else its last one, nested ones apart."""
    thread = gdb.selected_thread()
    if thread is None:
        return events[-1] if events else None
    tid = thread.ptid[1]
    own = [event for event in events if event.tid == tid]
    if own and own[-1].kind == "syscall" and own[-1].dur_ns is None:
        return own[-1]
    outermost = (event for event in reversed(own) if event.cause is None and event.outer is None)
    return current.open_call(tid) or next(outermost, None)
