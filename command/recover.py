"""`brkpoint recover`: a trace out of the spool that a broken run left behind."""

from __future__ import annotations

import os
import sys

from alloctrace.escape import visible
from alloctrace.history import history, run_facts
from alloctrace.spool import spool
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from command import watching
from start import symbol_gdb, trace_file
from start.errors import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from alloctrace.history.history import History

NAME = "recover"
HELP = "make a trace from the spool of a run that was cut short"


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("spool", metavar="SPOOL", help="the file that brkpoint named")
    parser.add_argument(
        "-o", metavar="TRACE", dest="output", help="default: the spool's name, ending in .brkpoint"
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing trace")


def invoke(args: Namespace) -> int:
    output = args.output or default_name(args.spool)
    if os.path.lexists(output) and not args.force:
        raise UserError("%s exists already: name another with -o, or --force" % visible(output))
    with watching.working(args.spool, False) as tell:
        recovered = _recover(args, output, tell)
    sys.stderr.write(summary(output, recovered) + "\n")
    return 0


def _recover(args: Namespace, output: str, tell: Callable[[str], None]) -> History:
    tell(trace_file.READING)
    recovered = read(args.spool)
    tell(trace_file.NAMING)
    stacks = symbol_gdb.symbolise(recovered)
    try:
        trace.write(output, recovered, stacks, {}, args.force, tell)
    except trace.TraceError as error:
        raise UserError("%s: %s" % (visible(output), visible(str(error)))) from None
    tell("reading it again")
    _check(args.spool, output)
    return recovered


def _check(path: str, output: str) -> None:
    """A spool may be a stranger's: what it makes must be what every reader takes."""
    try:
        with trace.open(output) as made:
            summarise(made)
            for _ in made.events() if made.keeps_events else ():
                pass
    except trace.TraceError as error:
        os.unlink(output)
        text = "%s: no trace that could be read comes of it: %s"
        raise UserError(text % (visible(path), visible(str(error)))) from None


def default_name(path: str) -> str:
    return os.path.splitext(path)[0] + trace.EXTENSION


def read(path: str) -> History:
    """The History of the spool at `path`."""
    try:
        return history.build(spool.read(path))
    except spool.SpoolError as error:
        raise UserError("%s: %s" % (visible(path), visible(str(error)))) from None
    except OSError as error:
        raise UserError("%s: %s" % (visible(path), error.strerror)) from None


def summary(output: str, recovered: History) -> str:
    """One line: what there is, and what is missing."""
    missing = run_facts.missing(recovered)
    state = "incomplete: " + ", ".join(missing) if missing else "seen to its end"
    return "%s: %d events; %s" % (visible(output), len(recovered.events), state)
