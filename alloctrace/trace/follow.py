"""A run while it goes on: follows the spool that an engine is writing, for `--live`.

Names come from ELF tables only, for a running target must not wait for gdb; so a purpose that
needs an inlined frame is found only in the trace. What is shown is never wrong, only less.
"""

from __future__ import annotations

from alloctrace.history import history
from alloctrace.origin import origin, program_facts
from alloctrace.plain import replace
from alloctrace.purpose import classify
from alloctrace.spool import spool
from alloctrace.symbols import symbols

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.history.history import History
    from alloctrace.model import Event, Frame

_PIECE = 1 << 20  # bytes read at once
_EXPLAINED = 5000  # events: purposes look at all others, and live lines must not fall behind


class Follow:
    """`poll` gives the events that began since the last one; earlier ones are updated in place."""

    def __init__(self, path: str, gdb: Callable[..., Any] | None = None) -> None:
        """`gdb`: as in symbols.symbolise; by default ELF tables only."""
        self._path, self._gdb = path, gdb
        self._at = 0
        self._rest = b""
        self._builder = history.Builder()
        self._handlers = self._builder.handlers()
        self._given = 0
        self._frames: dict[int, tuple[Frame, ...]] = {}
        self._files: dict[Any, Any] = {}  # of symbols.symbolise
        self._programs: dict[int, dict[str, Any]] | None = None

    def poll(self) -> list[Event]:
        """New events, without their meaning. [] where there is no spool yet; SpoolError."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._at + len(self._rest))
                while self._take(file.read(_PIECE)):
                    pass
        except FileNotFoundError:
            return []
        events: list[Event] = self._builder.history.events[self._given :]
        self._given += len(events)
        if events:
            self._name_new_stacks()
            self._explain_all()
        return events

    def _take(self, piece: bytes) -> bytes:
        data = self._rest + piece
        records, used = spool.whole_records(data, self._at)
        for record in records:
            self._handlers[type(record)](record)
        self._at += used
        self._rest = data[used:]
        return piece

    def _name_new_stacks(self) -> None:
        known = self._builder.history
        new = {id_: stack for id_, stack in known.stacks.items() if id_ not in self._frames}
        if new:
            part = replace(known, stacks=new)
            self._frames.update(symbols.symbolise(part, gdb=self._gdb, notes=[], kept=self._files))

    @property
    def history(self) -> History:
        """The History so far; to be read only."""
        return self._builder.history

    @property
    def frames(self) -> dict[int, tuple[Frame, ...]]:
        """{stack id: (Frame, …)} of all stacks so far."""
        return self._frames

    def open_call(self, tid: int) -> Event | None:
        """The Event of the innermost call that thread `tid` is in; None where it is in none."""
        return self._builder.open_call(tid)

    def stack(self, id_: int) -> tuple[Frame, ...]:
        return self._frames.get(id_, ())

    def _explain_all(self) -> None:
        known = self._builder.history
        if len(known.events) <= _EXPLAINED:
            classify.classify(known, self._frames)
        elif self._programs is None:
            self._programs = program_facts.of_images(known, self._frames)

    def explain(self, event: Event) -> None:
        """Fill in the verdict of an event beyond the first ones; its purpose stays untold."""
        if event.verdict is not None:
            return
        within = event.cause if event.kind == "syscall" else event.outer
        if within is not None:
            event.verdict = self._builder.history.events[within].verdict
            return
        program = (self._programs or {}).get(event.image, {})
        facts = origin.Facts(phase=event.phase, name=event.name, **program)
        event.verdict = origin.decide(self.stack(event.stack), facts)
