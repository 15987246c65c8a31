"""`brkpoint run --verify PROGRAM`: both engines watch the program, one run each; are they equal?"""

from __future__ import annotations

import os
import sys
import tempfile

from alloctrace import same, trace

from . import launch, main, place, record, target
from .errors import EngineError, UserError, shown

ENGINES = ("breakpoints", "recorder")
SAME, DIFFERENT = 0, 1
LIMIT = 10  # differences shown


def verify(argv, found, options):
    """Run `argv` twice and compare; the exit status: SAME, DIFFERENT.

    `options`: launch.Options for both runs, but for the engine. Addresses are compared where
    their randomisation may be switched off.
    """
    options.fixed_addresses = _may_fix_addresses()
    with tempfile.TemporaryDirectory(prefix="brkpoint-verify-") as folder:
        rewind = _rewinder(0)
        outcomes = []
        for engine in ENGINES:
            rewind()
            outcomes.append(_recorded(argv, found, options, folder, engine))
        paths = [_trace(folder, engine) for engine in ENGINES]
        with trace.open(paths[0]) as one, trace.open(paths[1]) as other:
            differences = _ends(*outcomes)
            differences += same.differences(one, other, options.fixed_addresses, LIMIT)
            counts = [sum(1 for _ in each.events()) for each in (one, other)]
    return _tell(counts, differences[:LIMIT], options.fixed_addresses)


def _may_fix_addresses():
    try:
        target.check_fixed_addresses()
    except UserError:
        return False
    return True


def _rewinder(descriptor):
    """A function that sets a file given as standard input back to where it was."""
    try:
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return lambda: None
    return lambda: os.lseek(descriptor, at, os.SEEK_SET)


def _trace(folder, engine):
    return os.path.join(folder, engine + place.EXTENSION)


def _recorded(argv, found, options, folder, engine):
    """The Outcome of one run; its trace is in `folder`."""
    where = place.prepare(_trace(folder, engine), False, found.path)
    options.recorder = engine == "recorder"
    try:
        outcome = launch.run(argv, where.spool, options, found)
    except EngineError as error:
        raise UserError("%s: %s" % (engine, error)) from None
    if outcome.failed:
        raise UserError("%s: the trace is incomplete: %s" % (engine, outcome.reason))
    record.make_trace(outcome, where, use_symbols=options.symbols)
    return outcome


def _ends(one, other):
    if (one.kind, one.status) == (other.kind, other.status):
        return []
    return ["the end: %s, %s" % (one.describe(), other.describe())]


def _tell(counts, differences, addresses):
    if not differences:
        how = "addresses too" if addresses else "addresses are random here and were not compared"
        main.say("verify: both engines saw the same %d events (%s)" % (counts[0], how))
        return SAME
    main.say("verify: the engines differ (%s: %d events, %s: %d)" % _pairs(counts))
    for text in differences:
        sys.stderr.write("  %s\n" % shown(text, 300))
    if len(differences) == LIMIT:
        sys.stderr.write("  (only the first %d are shown)\n" % LIMIT)
    return DIFFERENT


def _pairs(counts):
    return ENGINES[0], counts[0], ENGINES[1], counts[1]
