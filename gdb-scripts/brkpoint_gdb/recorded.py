"""What a session has recorded so far, with its meaning: the spool followed, names from this gdb."""

from __future__ import annotations

import os
import shutil
import tempfile

import gdb

from alloctrace import classify, follow, run_facts, summary, trace

from . import symbol_lookup
from .session import Session


class Recorded:
    """A Session and its events. It looks like a trace to summary and reports."""

    def __init__(self, with_syscalls):
        self._folder = tempfile.mkdtemp(prefix="brkpoint-session-")
        self.spool = os.path.join(self._folder, "session.spool")
        self.session = Session(self.spool, with_syscalls)
        self._follow = follow.Follow(self.spool, gdb=self._ask)

    def start(self, phase):
        try:
            self.session.start(phase)
        except BaseException:
            self.session.planted.remove_all()
            self.discard()
            raise

    def end(self, why):
        self.session.end(why)

    def discard(self):
        """Delete the spool; a gdb that dies leaves it to `brkpoint recover`."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def refresh(self):
        """Read what came since the last time; the events so far."""
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
        return [self._names(path, offsets) for path, offsets in requests], []

    def _names(self, path, offsets):
        wanted = os.fsencode(path)
        bias = next((code.bias for code in self.session.map.all if code.path == wanted), None)
        found = {}
        for offset in offsets if bias is not None else ():
            try:
                found[offset] = {"chain": symbol_lookup.chain_at(offset + bias), "symbol": None}
            except (gdb.error, UnicodeError, RuntimeError, ValueError):
                continue  # this address stays to the ELF tables
        return found

    # -- what summary.summarise and text.render ask of a trace

    path = None

    @property
    def run(self):
        return run_facts.facts(self.history, self.outcome())

    def outcome(self):
        """What the user's gdb knows of the run, for run_facts."""
        still = None if self.session.ended else "the recording goes on"
        return {"versions": {"gdb": gdb.VERSION}, "incomplete_because": still}

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
        trace.write(path, self.history, self._follow.frames, self.outcome(), force)


_current = []  # the last recording of this gdb, at most one


def current(must=True):
    """The Recorded of this gdb, running or ended; raises gdb.GdbError where there is none."""
    if not _current and must:
        raise gdb.GdbError("alloc: nothing is recorded: alloc trace start.")
    return _current[0] if _current else None


def replace(recorded):
    """From now on `recorded` is the current one; None: none is."""
    for old in _current:
        old.end("another recording begins")
        old.discard()
    _current[:] = [recorded] if recorded else []
