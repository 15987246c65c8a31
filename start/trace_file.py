"""From the spool of a finished run to its trace. The spool goes when the trace is there."""

from __future__ import annotations

import contextlib
import os
import time

from alloctrace import allocators, cache_folder
from alloctrace.elf import sanitizers, unwatched
from alloctrace.elf.debug import DEBUG_ROOTS
from alloctrace.history import history
from alloctrace.spool import spool
from alloctrace.symbols import cache as symbol_cache
from alloctrace.trace import trace

from . import cache, gdb_program, lines, symbol_gdb
from .errors import UserError, shown
from .version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.history.history import History

    from alloctrace.summary.group_kinds import Kinds
    from start.place import Place
    from start.launch import Outcome

READING, NAMING = "reading what was recorded", "naming functions"


def make(
    outcome: Outcome,
    place: Place,
    force: bool = False,
    use_symbols: bool = True,
    tell: Callable[[str], None] = lambda what: None,
    is_for_later: bool = False,
) -> Kinds | None:
    """Write the trace of `outcome` to `place`; returns what was counted, for summary.summarise,
    None where that `is_for_later`: nobody reads a report of it now.

    `tell(what)` hears what is being done. Raises UserError where spool or trace cannot be read or
    written; the spool is kept then.
    """
    tell(READING)
    try:
        past = history.build(spool.read(place.spool))
    except (OSError, spool.SpoolError) as error:
        raise UserError("nothing was recorded: %s" % shown(str(error))) from None
    _count_lost(outcome, past)
    past.notes[:0] = outcome.notes
    if outcome.reason:
        past.notes.insert(0, "the trace is incomplete: " + outcome.reason)
    hints = unwatched.tell(past)
    sanitizers.tell(past)
    named = allocators.told(past.hooks.values(), outcome.also)
    for row in named:
        if not row["found"]:
            text = "%s (%s) was not found: no call of it was seen" % (row["name"], row["from"])
            past.unseen.append({"kind": "named", "why": text})
            past.notes.append(text)
    tell(NAMING)
    stacks = symbol_gdb.symbolise(past, **_how(use_symbols))
    known = {**facts(outcome, past), "also_watched": named, "hints": hints}
    try:
        counted = trace.write(place.trace, past, stacks, known, force, tell, is_for_later)
    except trace.TraceError as error:
        text = "%s %s; `brkpoint recover %s` makes it from what was recorded"
        raise UserError(text % (shown(place.trace), error, shown(place.spool))) from None
    os.unlink(place.spool)
    return counted


def _count_lost(outcome: Outcome, past: History) -> None:
    """What a recorder that died had recorded, and not written."""
    if outcome.events is None:
        return
    lost = outcome.events - len(past.events)
    if lost <= 0:
        if not past.lost:
            _add_to_reason(outcome, "nothing of what it had recorded is lost")
        return
    past.lost += lost
    events = "1 event" if lost == 1 else "%d events" % lost
    _add_to_reason(outcome, "%s of what it had recorded lost" % events)


def _add_to_reason(outcome: Outcome, text: str) -> None:
    outcome.reason = "%s: %s" % (outcome.reason, text) if outcome.reason else text


def _how(use_symbols: bool) -> dict[str, Any]:
    """Without symbols no separate debug file is read; the program's own are its own."""
    gdb, roots = _gdb(), DEBUG_ROOTS if use_symbols else ()
    folder = cache.folder()
    if folder:
        cache_folder.make_room(folder)  # the recorder keeps things there as well
    if not folder:
        return {"gdb": gdb, "debug_roots": roots}
    how = (gdb, roots, lines.read, lines.PLACES)
    asked = symbol_cache.Cached(folder, symbol_gdb.ask, *how)
    return {"gdb": asked, "debug_roots": roots}


def facts(outcome: Outcome, past: History) -> dict[str, Any]:
    """What the parent knows of a run, for alloctrace/history/run_facts.py."""
    return {
        "pid": outcome.pid,
        "program": outcome.program,
        "program_file": os.path.realpath(outcome.program),
        "command": outcome.command,
        "exit": {"kind": outcome.kind, "status": outcome.status},
        "complete": outcome.complete,
        "incomplete_because": outcome.reason,
        "why_engine": outcome.why_engine,
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "versions": versions(past.run.get("gdb")),
    }


def _gdb() -> str:
    """The gdb to ask for names. The recorder needs none: then names are those of symbol tables, and
    a note of the trace says so."""
    try:
        return gdb_program.find()
    except UserError:
        return "gdb"


def versions(gdb: str | None) -> dict[str, str]:
    """{name: version} of what made the trace; `gdb`: what the engine said, or None."""
    found = {"brkpoint": VERSION, "kernel": os.uname().release}
    with contextlib.suppress(ValueError, OSError):  # another C library than glibc
        libc = os.confstr("CS_GNU_LIBC_VERSION")
        found.update({"libc": libc} if libc else {})
    if gdb:
        found["gdb"] = gdb
    return found
