"""`brkpoint run --verify PROGRAM`: both engines watch the program, one run each; are they equal?"""

from __future__ import annotations

import os
import sys
import tempfile

from alloctrace.trace import same, trace

from start import launch, place, target, trace_file
from start.errors import EngineError, UserError, shown
from . import main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from start.launch import Outcome
    from start.program import Program

ENGINES = ("breakpoints", "recorder")
SAME, DIFFERENT, UNDECIDED = 0, 1, 2
LIMIT = 10  # differences shown


def verify(argv: list[bytes], found: Program, options: Any) -> int:
    """Run `argv` twice and compare; the exit status: SAME, DIFFERENT, UNDECIDED.

    `options`: launch.Options for all runs, but for the engine. Addresses are compared where their
    randomisation may be switched off. Where the two differ, each engine watches once more: of a
    program that differs from itself nothing can be said.
    """
    options.fixed_addresses = _may_fix_addresses()
    with tempfile.TemporaryDirectory(prefix="brkpoint-verify-") as folder:
        rewind = _rewinder(0)

        def watched(engine: str, time: int) -> tuple[Outcome, str]:
            rewind()
            return _recorded(argv, found, options, folder, engine, time)

        runs = [watched(engine, 1) for engine in ENGINES]
        differences, counts = _compared(runs[0], runs[1], options.fixed_addresses)
        if not differences:
            return _tell_same(counts[0], options.fixed_addresses)
        for engine, first in reversed(list(zip(ENGINES, runs))):  # the quick one first
            of_itself, again = _compared(first, watched(engine, 2), options.fixed_addresses)
            of_itself = [text for text in of_itself if not text.startswith(same.NOT_SEEN)]
            if of_itself:
                return _tell_undecided(engine, again, of_itself)
    return _tell_different(counts, differences)


def _compared(
    one: tuple[Outcome, str], other: tuple[Outcome, str], addresses: bool
) -> tuple[list[str], list[int]]:
    """([what differs], [how many events each has]) of two runs: (Outcome, path of the trace)."""
    with trace.open(one[1]) as left, trace.open(other[1]) as right:
        found = _ends(one[0], other[0]) + same.differences(left, right, addresses, LIMIT)
        return found[:LIMIT], [sum(1 for _ in each.events()) for each in (left, right)]


def _may_fix_addresses() -> bool:
    try:
        target.check_fixed_addresses()
    except UserError:
        return False
    return True


def _rewinder(descriptor: int) -> Callable[[], object]:
    """A function that sets a file given as standard input back to where it was."""
    try:
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return lambda: None
    return lambda: os.lseek(descriptor, at, os.SEEK_SET)


def _recorded(
    argv: list[bytes], found: Program, options: Any, folder: str, engine: str, time: int
) -> tuple[Outcome, str]:
    """(Outcome, path of the trace) of one run."""
    path = os.path.join(folder, "%s-%d%s" % (engine, time, place.EXTENSION))
    where = place.prepare(path, False, found.path)
    options.recorder = engine == "recorder"
    try:
        outcome = launch.run(argv, where.spool, options, found)
    except EngineError as error:
        raise UserError("%s: %s" % (engine, error)) from None
    if outcome.failed or outcome.told:
        raise UserError("%s: the trace is incomplete: %s" % (engine, outcome.reason))
    trace_file.make(outcome, where, use_symbols=options.symbols)
    return outcome, path


def _ends(one: Outcome, other: Outcome) -> list[str]:
    if (one.kind, one.status) == (other.kind, other.status):
        return []
    return ["the end: %s, %s" % (one.describe(), other.describe())]


def _tell_same(count: int, addresses: bool) -> int:
    how = "addresses too" if addresses else "addresses are random here and were not compared"
    main.say("verify: both engines saw the same %d events (%s)" % (count, how))
    return SAME


def _tell_undecided(engine: str, counts: list[int], differences: list[str]) -> int:
    """What the engines saw cannot be compared."""
    text = "the two runs differ: under the %s engine twice, the program did not do the same"
    main.say("verify: %s (%d events, %d events)" % (text % engine, counts[0], counts[1]))
    _show(differences)
    return UNDECIDED


def _tell_different(counts: list[int], differences: list[str]) -> int:
    pairs = ENGINES[0], counts[0], ENGINES[1], counts[1]
    main.say("verify: the engines differ (%s: %d events, %s: %d)" % pairs)
    _show(differences)
    return DIFFERENT


def _show(differences: list[str]) -> None:
    for text in differences:
        sys.stderr.write("  %s\n" % shown(text, 300))
    if len(differences) == LIMIT:
        sys.stderr.write("  (only the first %d are shown)\n" % LIMIT)
