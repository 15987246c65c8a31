"""Convenience functions for conditions and print: $_alloc_origin(), $_alloc_size() …"""

from __future__ import annotations

import gdb

from alloctrace import measure, whereabouts

from . import so_far
from .commands import why
from .commands.where import _MASK64


class _Answer(gdb.Function):
    """One answer about the event at hand, or about the block that holds a pointer."""

    def __init__(self):
        super().__init__(self.NAME)

    def invoke(self, pointer=None):
        event = _event(pointer)
        return self.EMPTY if event is None else self.of(event)


class Origin(_Answer):
    """$_alloc_origin([POINTER]): who asked: loader, runtime, user or unknown; "" for no event.

    Of the call at hand, as alloc why takes it, or of the one that allocated POINTER.
    Usage: condition 2 $_streq($_alloc_origin(), "user")"""

    NAME, EMPTY = "_alloc_origin", ""

    def of(self, event):
        return measure.origin(event)


class Size(_Answer):
    """$_alloc_size([POINTER]): the bytes asked for, all elements together; -1 for no event.

    Of the call at hand, as alloc why takes it, or of the one that allocated POINTER.
    Usage: condition 2 $_alloc_size() > 4096"""

    NAME, EMPTY = "_alloc_size", -1

    def of(self, event):
        return measure.bytes_asked(event)


class Purpose(_Answer):
    """$_alloc_purpose([POINTER]): what for, in words; "" where it is unknown.

    Of the call at hand, as alloc why takes it, or of the one that allocated POINTER."""

    NAME, EMPTY = "_alloc_purpose", ""

    def of(self, event):
        return measure.purpose(event) or ""


class Phase(gdb.Function):
    """$_alloc_phase(): load, init, main or exit; "" where nothing is recorded."""

    NAME = "_alloc_phase"

    def __init__(self):
        super().__init__(self.NAME)

    def invoke(self):
        current = so_far.current(must=False)
        return current.session.borders.phase if current else ""


FUNCTIONS = (Origin, Size, Purpose, Phase)


def register():
    for function in FUNCTIONS:
        function()


def _event(pointer):
    current = so_far.current(must=False)
    if current is None:
        return None
    events = current.refresh()
    if pointer is None:
        event = why.at_hand(events, current)
    else:
        found = whereabouts.find(events, int(pointer) & _MASK64)
        event = found and found.event
    return event and current.explained(event)
