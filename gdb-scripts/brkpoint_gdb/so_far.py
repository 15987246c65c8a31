"""What a session has recorded so far, with its meaning: the spool followed, names from this gdb."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile

import gdb

from alloctrace.history import groups, run_facts
from alloctrace.purpose import classify
from alloctrace.stacks import tree as stack_tree
from alloctrace.summary import summary
from alloctrace.trace import follow, trace

from reports import event_lines

from . import parameters, symbol_lookup
from .process import now
from .session import Session


class SoFar:
    """A Session and its events. It looks like a trace to summary and reports."""

    def __init__(self, with_syscalls):
        self._folder = tempfile.mkdtemp(prefix="brkpoint-session-")
        atexit.register(shutil.rmtree, self._folder, True)
        self.spool = os.path.join(self._folder, "session.spool")
        self.session = Session(self.spool, with_syscalls)
        self._follow = follow.Follow(self.spool, gdb=self._ask)
        self._handlers = (
            (gdb.events.stop, self._stopped),
            (gdb.events.exited, self._exited),
        )
        self._connected = False
        self.diff_mark = 0  # the event that the next `alloc diff` begins with
        self._stop_ns = 0  # when the program stood still last, since the recording began

    def start(self, phase):
        try:
            self.session.start(phase)
            for registry, handler in self._handlers:  # after the session's own
                registry.connect(handler)
            self._connected = True
        except BaseException:
            self.session.planted.remove_all()
            self.discard()
            raise

    def end(self, why):
        self.session.end(why)
        self.refresh()  # while this gdb knows the names

    def _stopped(self, event):
        """`set alloc follow on`: what happened since the last stop."""
        since, self._stop_ns = self._stop_ns, now() - self.session.started_ns
        if parameters.value("follow"):
            events = [e for e in self.refresh() if e.t_ns > since]
            for line in event_lines.lines(map(self.explained, events)):
                print(line)

    def _exited(self, event):
        if self.session.ended is not None:
            self.refresh()  # while this gdb knows the names

    def discard(self):
        """Delete the spool; a gdb that dies leaves it to `brkpoint recover`."""
        for registry, handler in self._handlers if self._connected else ():
            registry.disconnect(handler)
        shutil.rmtree(self._folder, ignore_errors=True)

    def refresh(self):
        """Read what came since the last time; the events so far."""
        if self.session.ended is None:
            self.session.look_after_syscalls()
        while self._follow.poll():
            pass
        return self.history.events

    @property
    def history(self):
        return self._follow.history

    def open_call(self, tid):
        return self._follow.open_call(tid)

    def explained(self, event):
        """`event` with its verdict, also beyond the number that is classified at once."""
        self._follow.explain(event)
        return event

    def _ask(self, requests):
        """As symbol_gdb.ask: this gdb has read the symbols already."""
        with _full_names():
            return [self._names(path, offsets) for path, offsets in requests], []

    def _names(self, path, offsets):
        wanted = os.fsencode(path)
        bias = next((code.bias for code in self.session.map.all if code.path == wanted), None)
        found = {}
        symbol_lookup.forget()
        for offset in offsets if bias is not None else ():
            try:
                chain = symbol_lookup.chain_at(offset + bias)
                found[offset] = {"chain": chain, "symbol": symbol_lookup.symbol_at(offset + bias)}
            except (gdb.error, UnicodeError, RuntimeError, ValueError):
                continue  # this address stays to the ELF tables
        return found

    # -- what summary.summarise and text.render ask of a trace

    path = None

    @property
    def run(self):
        return run_facts.facts(self.history, self.outcome())

    def outcome(self, saved=False):
        """What the user's gdb knows of the run, for run_facts; `saved`: to be read later."""
        session = self.session
        found = {"versions": {"gdb": gdb.VERSION}, "exit": session.exit}
        if session.exit["kind"] == "unknown":
            found["until"] = "left" if session.ended or saved else "now"
        if session.ended is None:
            why = "it was saved before the program ended" if saved else "the recording goes on"
            found["incomplete_because"] = why
        elif session.exit["kind"] == "unknown":
            found["incomplete_because"] = "the recording has ended before: " + session.ended
        return found

    @property
    def borders(self):
        return self.history.borders

    @property
    def modules(self):
        return self.history.modules

    @property
    def notes(self):
        return self.history.notes

    def events(self):
        return iter(self.history.events)

    def sums(self):
        return groups.of_events(self.events())

    @property
    def tree(self):
        return stack_tree.StackTree.of(self._follow.frames, self.history.stacks)

    def stack(self, id_):
        return self._follow.stack(id_)

    def cut(self, id_):
        return None

    # -- reports

    def summarised(self):
        self.refresh()
        classify.classify(self.history, self._follow.frames)
        return summary.summarise(self)

    def save(self, path, force):
        """Write a trace file; raises trace.TraceError."""
        self.refresh()
        trace.write(path, self.history, self._follow.frames, self.outcome(saved=True), force)


@contextlib.contextmanager
def _full_names():
    """While names are read, they are whole and demangled; then the user's settings are back."""
    changed = []
    try:
        for name, needed, words in _NAMES:
            before = gdb.parameter(name)
            if before != needed:
                gdb.execute("set %s %s" % (name, words), to_string=True)
                changed.append((name, before))
        yield
    finally:
        for name, before in changed:
            text = {True: "on", False: "off", None: "unlimited"}.get(before, before)
            gdb.execute("set %s %s" % (name, text), to_string=True)


# name, value as gdb.parameter gives it, value as `set` takes it
_NAMES = (
    ("print asm-demangle", True, "on"),
    ("print demangle", True, "on"),
    ("print max-symbolic-offset", None, "unlimited"),
)

_current = []  # the last recording of this gdb, at most one


def current(must=True):
    """The SoFar of this gdb, running or ended; raises gdb.GdbError where there is none."""
    if not _current and must:
        raise gdb.GdbError("alloc: nothing is recorded: alloc trace start.")
    return _current[0] if _current else None


def replace(new):
    """From now on `new` is the current one; None: none is."""
    for old in _current:
        old.end("another recording begins")
        old.discard()
    _current[:] = [new] if new else []
