"""`alloc trace`: start, stop, save a recording in this session."""

from __future__ import annotations

import os

import gdb

from alloctrace.escape import visible
from alloctrace.trace import trace
from alloctrace.words import PHASES
from reports import sentences

from .. import parameters, so_far
from ..arguments import Arguments, matching

ACTIONS = ("start", "stop", "status", "save")
OPTIONS = ("--phase", "--force")


class Trace(gdb.Command):
    """Record allocator calls and memory syscalls of the process being debugged.

    alloc trace start [--phase PHASE]    from where it is now
    alloc trace stop                     keep what was recorded, stop watching
    alloc trace status                   what is recorded (also without a word)
    alloc trace save FILE [--force]      a trace file, for `brkpoint report FILE`

    --phase PHASE   load, init, main or exit: if the stack does not show how far
                    the program has come
    --force         overwrite FILE

    The program runs when you let it run; none of your settings changes. The
    breakpoints are internal ones. One catchpoint, for memory syscalls, appears in
    `info breakpoints`, because gdb cannot hide catchpoints; `set alloc syscalls
    off` does without it.
    """

    NAME = "alloc trace"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_RUNNING)

    def complete(self, text, word):
        words = text.split()
        if not words or (len(words) == 1 and not text.endswith(" ")):
            return matching(ACTIONS, text, word)
        if words[-1 if text.endswith(" ") else -2] == "--phase":
            return matching(PHASES, text, word)
        return gdb.COMPLETE_FILENAME if words[0] == "save" else matching(OPTIONS, text, word)

    def invoke(self, argument, from_tty):
        options = parser().read(argument)
        if options.action != "save" and options.file:
            raise gdb.GdbError("alloc trace %s: takes no file." % options.action)
        for line in _DO[options.action](options):
            print(line)


def parser():
    arguments = Arguments(Trace.NAME)
    arguments.add_argument("action", nargs="?", choices=ACTIONS, default="status")
    arguments.add_argument("file", nargs="?")
    arguments.add_argument("--phase", choices=PHASES)
    arguments.add_argument("--force", action="store_true")
    return arguments


def _start(options):
    before = so_far.current(must=False)
    if before is not None and before.session.ended is None:
        raise gdb.GdbError("alloc: recording already: alloc trace stop ends it.")
    new = so_far.SoFar(parameters.value("syscalls"))
    new.start(options.phase)
    so_far.replace(new)
    new.refresh()
    yield "Recording process %d from phase %s on." % (
        new.session.process.pid,
        new.session.borders.phase,
    )
    yield from (visible(note) for note in new.notes)
    yield from _warnings()


def _warnings():
    """Settings of the user's that narrow what is seen; they stay as they are."""
    limit = gdb.parameter("backtrace limit")
    if limit:
        yield "Stacks end after %d frames: your `backtrace limit`." % limit
    if not gdb.parameter("auto-solib-add"):
        yield "Libraries that arrive later are not seen: your `auto-solib-add` is off."


def _stop(options):
    current = so_far.current()
    current.end("alloc trace stop")
    yield from _status(options)


def _status(options):
    current = so_far.current()
    current.refresh()
    yield status_line(current)
    yield from (visible(note) for note in current.notes)


def _save(options):
    if not options.file:
        raise gdb.GdbError("alloc trace save: into which file?")
    path = os.path.expanduser(options.file)
    try:
        so_far.current().save(path, options.force)
    except trace.TraceError as error:
        hint = " (--force overwrites)" if os.path.exists(path) else ""
        raise gdb.GdbError("alloc trace save: %s %s%s" % (visible(path), error, hint)) from None
    yield "Saved: brkpoint report %s" % visible(path)


def status_line(current):
    session, events = current.session, current.history.events
    counted = sentences.count(len(events), "event")
    lost = ", %d lost" % session.lost if session.lost else ""
    if session.ended is None:
        state = "Recording process %d" % session.process.pid
    else:
        state = "Recording has ended (%s)" % session.ended
    return "%s: %s%s, phase %s." % (state, counted, lost, session.borders.phase)


_DO = {"start": _start, "stop": _stop, "status": _status, "save": _save}
