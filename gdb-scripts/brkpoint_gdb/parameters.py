"""Settings of the `alloc` commands: `set alloc NAME`, `show alloc NAME`."""

from __future__ import annotations

import gdb


class _Prefix(gdb.Command):
    def __init__(self, name, text):
        self.__doc__ = text
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)

    def invoke(self, argument, from_tty):
        gdb.execute("help " + ("set alloc" if self.__doc__.startswith("Set") else "show alloc"))


class Follow(gdb.Parameter):
    """Whether each stop shows the events since the last one (off).

    For stepping: after `next`, the calls and memory syscalls that this line made."""

    NAME = "follow"
    KIND, DEFAULT = gdb.PARAM_BOOLEAN, False


class Frames(gdb.Parameter):
    """How many frames alloc where and alloc why show (12)."""

    NAME = "frames"
    KIND, DEFAULT = gdb.PARAM_UINTEGER, 12


class Syscalls(gdb.Parameter):
    """Whether the next alloc trace start also records memory syscalls (on).

    That takes one catchpoint, which stands in `info breakpoints`."""

    NAME = "syscalls"
    KIND, DEFAULT = gdb.PARAM_BOOLEAN, True


PARAMETERS = (Follow, Frames, Syscalls)
_made = {}


def register():
    """Once: a second time the values stay."""
    if not _made:
        _Prefix("set alloc", "Set how the alloc commands work.")
        _Prefix("show alloc", "Show how the alloc commands work.")
        _made.update((parameter.NAME, _make(parameter)) for parameter in PARAMETERS)


def _make(parameter):
    title = parameter.__doc__.split("\n")[0].rstrip(".").rsplit(" (", 1)[0]
    parameter.set_doc = "Set: %s." % (title[0].lower() + title[1:])
    parameter.show_doc = "Show: %s." % (title[0].lower() + title[1:])
    parameter.get_set_string = lambda self: ""
    parameter.get_show_string = lambda self, value: "%s: %s." % (title, value)
    made = parameter("alloc " + parameter.NAME, gdb.COMMAND_DATA, parameter.KIND)
    made.value = parameter.DEFAULT
    return made


def value(name):
    """The value now; None of an unlimited number becomes a large one."""
    found = _made[name].value
    return 1 << 30 if found is None else found
