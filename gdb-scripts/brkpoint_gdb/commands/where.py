"""`alloc where`: which recorded call allocated a pointer."""

from __future__ import annotations

import gdb

from alloctrace import whereabouts
from alloctrace.escape import visible
from reports import answers

from .. import parameters, so_far
from ..arguments import Arguments

_MASK64 = (1 << 64) - 1


class Where(gdb.Command):
    """Say which recorded call allocated a pointer, and show that call's stack.

    alloc where [--frames N] POINTER

    POINTER      any expression: p, node->next, $rdi, 0x5555555592a0; also into a
                 block
    --frames N   how many frames to show (set alloc frames)
    """

    NAME = "alloc where"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        options = parse(argument)
        address = read_address(options.pointer)
        current = so_far.current()
        found = whereabouts.find(current.refresh(), address)
        lines = nowhere(address, current) if found is None else known(address, found, current)
        for line in lines(options.frames or parameters.value("frames")):
            print(line)


def parser():
    arguments = Arguments(Where.NAME)
    arguments.add_argument("--frames", type=int)
    return arguments


def parse(argument):
    """The expression stays as typed: its blanks and signs are gdb's."""
    words = gdb.string_to_argv(argument)
    count = 2 if words[:1] == ["--frames"] else 1 if words and "--frames=" in words[0] else 0
    options = parser().parse_args(words[:count])
    options.pointer = argument.split(None, count)[count] if len(words) > count else ""
    if not options.pointer:
        raise gdb.GdbError("alloc where: which pointer? (see: help alloc where)")
    return options


def read_address(expression):
    """The value of the expression as an unsigned address; raises gdb.GdbError where it is none."""
    try:
        value = gdb.parse_and_eval(expression)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
            value = value.address
        return int(value) & _MASK64
    except gdb.error as error:
        raise gdb.GdbError("alloc where: %s" % error) from None


def known(address, found, current):
    current.explained(found.event)
    stack = current.stack(found.event.stack)
    return lambda frames: answers.where(address, found, stack, frames)


def nowhere(address, current):
    """Not of a recorded block: at least the mapping can be told."""
    text = "%#x: no recorded call handed it out" % address
    if current.session.ended is None:
        mapping = next(
            (m for m in current.session.process.mappings() if m.start <= address < m.end), None
        )
        name = visible(mapping.path.decode("utf-8", "surrogateescape")) if mapping else ""
        text += (
            "; it lies in %s" % (name or "anonymous memory") if mapping else "; nothing is there"
        )
    lines = [text + "."] + [note for note in current.notes if "nothing before" in note]
    return lambda frames: lines
