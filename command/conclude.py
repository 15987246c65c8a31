"""After a run: its trace, its report and its exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from alloctrace.summary import chosen
from alloctrace.trace import trace

from start import trace_file
from start.errors import FAILED, UserError, is_interrupt, shown
from . import main, watching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from typing import Any

    from alloctrace.summary.group_kinds import Kinds
    from alloctrace.trace.read import Trace
    from start.launch import Outcome
    from start.place import Place


def prepare(args: Namespace) -> None:
    """Read what making the trace and the report will need: for who has time to spare before."""
    trace.prepare()
    if is_for_later(args):
        from alloctrace.purpose import judging

        judging.prepare()
        return
    from alloctrace.purpose import classify
    from . import summaries  # noqa: F401

    classify.prepare()
    if not hasattr(args, "show"):
        from reports import ink, text  # noqa: F401


def conclude(args: Namespace, where: Place, outcome: Outcome) -> int:
    """Trace and report; whatever fails now must not hide how the target ended."""
    try:
        with ending_in_order():
            with watching.working(where.spool, args.quiet) as tell:
                how = args.force, not args.no_symbols, tell, is_for_later(args)
                counted = trace_file.make(outcome, where, *how)
            show = getattr(args, "show", _report)  # what comes instead, of another verb
            show(args, where.trace, counted)
    except UserError as error:
        return _failed(outcome, str(error))
    except (KeyboardInterrupt, Exception) as error:
        if is_interrupt(error):
            return _failed(outcome, _kept(where, "interrupted"))
        import traceback  # only now, as it should be never

        traceback.print_exc()
        return _failed(outcome, _kept(where, "a bug in brkpoint"))
    if outcome.failed:
        tell_log(outcome.observer, outcome.log)
        return _failed(outcome, "the trace is incomplete: %s" % outcome.reason)
    if outcome.reason and args.quiet:  # else the report has said so
        main.say("the trace is incomplete: %s" % outcome.reason)
    return FAILED if outcome.exit_status is None else outcome.exit_status


def is_for_later(args: Namespace) -> bool:
    """Whether nobody reads a report of it now."""
    return args.quiet and not hasattr(args, "show")


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """SIGTERM and SIGHUP end what is being made as Ctrl-C does: nothing is left."""
    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(args: Namespace, path: str, counted: Kinds | None) -> None:
    if args.quiet:
        return
    from reports import ink, text  # only now: --quiet needs none of it

    look = ink.of_stream(sys.stderr)
    with trace.open(path, is_own=True) as opened:
        facts = summary(args, opened, counted)
        events = False if args.live else None  # they have been shown
        page = text.render(facts, opened, look.width, look.colour, events, look.unicode)
    try:
        sys.stderr.write(page)
        sys.stderr.flush()
    except (OSError, AttributeError):
        pass  # standard error is closed: the trace is there, and the status still counts


def summary(args: Namespace, opened: Trace, counted: Kinds | None) -> dict[str, Any]:
    """Of what was wanted; of the program that was asked for where there is no such process."""
    from . import summaries

    try:
        return summaries.summary_of(opened, args.process or chosen.ASKED, counted)
    except UserError as error:
        main.say("%s" % error)
        return summaries.summary_of(opened, chosen.ASKED, counted)


def _failed(outcome: Outcome, message: str) -> int:
    main.say("%s; %s" % (message, outcome.describe()))
    return FAILED


def _kept(where: Place, why: str) -> str:
    if os.path.exists(where.spool):
        spool = shown(where.spool)
        return "%s; what was recorded is kept: brkpoint recover %s" % (why, spool)
    return "%s; the trace is %s" % (why, shown(where.trace))


def tell_log(observer: str, log: str) -> None:
    """The last of what the observer said, for whoever looks into it."""
    for line in log.strip().splitlines()[-5:]:
        main.say("%s: %s" % (observer, shown(line)))
