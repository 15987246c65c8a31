"""A run while it goes on: follows the spool that an engine is writing, for `--live`.

Names come from ELF tables only, for a running target must not wait for gdb; so a purpose that
needs an inlined frame is found only in the trace. What is shown is never wrong, only less.
"""

from __future__ import annotations

from dataclasses import replace

from . import history, origin, purpose, spool, symbols, words

_PIECE = 1 << 20  # bytes read at once


class Follow:
    """`poll` gives the events that began since the last one; earlier ones are updated in place."""

    def __init__(self, path):
        self._path = path
        self._at = 0
        self._rest = b""
        self._builder = history.Builder()
        self._handlers = self._builder.handlers()
        self._given = 0
        self._frames = {}
        self._facts = {phase: origin.Facts(phase=phase) for phase in words.PHASES}

    def poll(self):
        """New events, without their meaning. [] where there is no spool yet; SpoolError."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._at + len(self._rest))
                while self._take(file.read(_PIECE)):
                    pass
        except FileNotFoundError:
            return []
        events = self._builder.history.events[self._given :]
        self._given += len(events)
        self._name_new_stacks()
        return events

    def _take(self, piece):
        data = self._rest + piece
        records, used = spool.whole_records(data, self._at)
        for record in records:
            self._handlers[type(record)](record)
        self._at += used
        self._rest = data[used:]
        return piece

    def _name_new_stacks(self):
        known = self._builder.history
        new = {id_: stack for id_, stack in known.stacks.items() if id_ not in self._frames}
        if new:
            part = replace(known, stacks=new)
            self._frames.update(symbols.symbolise(part, gdb=None, notes=[]))

    def stack(self, id_):
        return self._frames.get(id_, ())

    def explain(self, event):
        """Fill in verdict and purpose, as far as they can be told by now."""
        events = self._builder.history.events
        within = event.cause if event.kind == "syscall" else event.outer
        if within is not None and events[within].verdict:
            event.verdict = events[within].verdict
        else:
            event.verdict = origin.decide(self.stack(event.stack), self._facts[event.phase])
        event.purpose = purpose.explain(event.seq, events, self._frames, self._facts[event.phase])
