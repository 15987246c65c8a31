"""`brkpoint report`: what a recorded run says, as text, Markdown, JSON or a page. Needs no gdb."""

from __future__ import annotations

import os
import sys

from alloctrace.escape import visible
from alloctrace.summary import chosen
from alloctrace.summary.summary import TOP_SITES
from command import main, process_option, progress
from command.summaries import summary_of
from command.traces import is_trace, naming_errors, newest, open_trace
from reports import ink, measures
from start.errors import USAGE, UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from alloctrace.history.ranges import OfRange
    from alloctrace.trace.read import Trace
    from reports.ranked import Choice

NAME = "report"
MAX_LISTED = 200000  # a page is made in memory, of some KiB an event
HELP = "show the report of a recorded run: text, Markdown, JSON or a page"


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("trace", nargs="?", metavar="TRACE", help="default: the newest here")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    form.add_argument("--markdown", action="store_true", help="a page of Markdown")
    form.add_argument("--html", metavar="FILE", help="write a page that explains the run to FILE")
    parser.add_argument("-o", metavar="FILE", dest="output", help="write to FILE")
    listed = "list every event, up to %d" % MAX_LISTED
    parser.add_argument("--events", action="store_true", help=listed)
    parser.add_argument("--summary", action="store_true", help="never list events, however few")
    process_option.add(parser)
    add_ranking(parser)
    parser.add_argument("--width", type=int, metavar="N", help="columns, 80 to 120 (text)")


def add_ranking(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--by",
        choices=tuple(measures.BY),
        metavar="MEASURE",
        help="sort the places that allocate by: %s" % ", ".join(measures.BY),
    )
    top = "show N places (%d), or N functions of the tree (%d)"
    parser.add_argument(
        "--top", type=_number, metavar="N", help=top % (measures.SITES, measures.FUNCTIONS)
    )
    tree = "the call tree, from the program's start, with each function's share"
    parser.add_argument("--tree", action="store_true", help=tree)
    parser.add_argument("--stacks", action="store_true", help="each place with its full call stack")
    alone = "with these options: only events with these numbers"
    parser.add_argument("--seq", type=_range, metavar="N-N", help=alone)
    parser.add_argument(
        "--tid", type=int, metavar="TID", help="with these options: only events of one thread"
    )


def _number(text_: str) -> int | None:
    if not 0 < int(text_) <= measures.MOST:
        raise ValueError
    return int(text_)


def _range(text_: str) -> tuple[int, int]:
    first, last = map(int, text_.split("-"))
    if not 0 <= first <= last:
        raise ValueError
    return first, last


_range.__name__ = "range of numbers"
_number.__name__ = "number from 1 to %d" % measures.MOST  # argparse names the type in its message


def _choice(args: Namespace) -> Choice | None:
    """What ranking is asked for, or None."""
    if not (args.by or args.top or args.tree or args.stacks):
        if args.seq or args.tid is not None:
            raise UserError("--seq and --tid go with --by, --top, --tree or --stacks", USAGE)
        return None
    for name in ("events", "summary", "html"):
        if getattr(args, name):
            text = "--by, --top, --tree and --stacks cannot be combined with --%s"
            raise UserError(text % name, USAGE)
    if args.json and (args.tree or args.stacks):
        raise UserError(
            "--tree and --stacks have no JSON form: `brkpoint events --json` has stacks", USAGE
        )
    if args.json and (args.seq or args.tid is not None):
        raise UserError("--seq and --tid cannot be combined with --json", USAGE)
    from reports import ranked  # only now, as below: a run needs one form of many

    return ranked.Choice(args.by or "bytes", args.top, args.tree, args.stacks)


def invoke(args: Namespace) -> int:
    choice = _choice(args)
    for option, output in (("--html", args.html), ("-o", args.output)):
        if output is not None:
            _spare_a_trace(option, output)
    path = args.trace or newest(os.curdir)
    with open_trace(path) as opened, naming_errors(path):
        if args.html is not None:
            if args.output is not None:
                raise UserError("--html FILE already names the file: leave out -o", USAGE)
            summary = summary_of(opened, args.process or chosen.ASKED)
            from reports.page import document  # only now: few runs need all of it

            from start import page_file

            page_file.write(args.html, document.render(summary, opened))
            return 0
        made = render(args, opened, choice)
    return write(made, args.output)


def _spare_a_trace(option: str, output: str) -> None:
    """`report --html TRACE` would write the page over the run."""
    if is_trace(output):
        said = "%s FILE is what to write, and %s is a trace: brkpoint report %s %s FILE"
        name = shown(output)
        raise UserError(said % (option, name, name, option), USAGE)


def render(args: Namespace, opened: Trace, choice: Choice | None = None) -> str:
    process = args.process or (chosen.ALL if args.json else chosen.ASKED)
    if choice and (args.seq or args.tid is not None):
        opened = _of_range(opened, args, choice)
    if choice:
        summary = _ranked(args, opened, process, choice)
    else:
        summary = _listed(args, opened, process)
    if args.json:
        from reports import json_report

        return json_report.render(summary)
    events = True if args.events else False if args.summary else None
    if args.markdown and choice:
        from reports import ranked

        return ranked.render_markdown(summary, opened, choice)
    if args.markdown:
        from reports import markdown

        return markdown.render(summary, opened, events)
    look = ink.of_stream(sys.stdout) if args.output is None else ink.Ink(unicode=True)
    width = args.width or look.width
    if choice:
        from reports import ranked

        return ranked.render(summary, opened, choice, width, look.colour, look.unicode)
    from reports import text

    return text.render(summary, opened, width, look.colour, events, look.unicode)


def _listed(args: Namespace, opened: Trace, process: str) -> dict[str, Any]:
    """The summary, if its events may be listed as is asked for."""
    summary = summary_of(opened, process)
    if args.events and not args.json and summary["events"] > MAX_LISTED:
        said = "report --events lists %d events at most, not %d: `brkpoint events` lists them all"
        raise UserError(said % (MAX_LISTED, summary["events"]), USAGE)
    return summary


def _ranked(args: Namespace, opened: Trace, process: str, choice: Choice) -> dict[str, Any]:
    """The summary with its sites by the measure that is asked for."""
    field = measures.BY[choice.by].field
    most = TOP_SITES if args.json and args.top is None else choice.sites
    summary = summary_of(opened, process, by=field, top_sites=most)
    if summary["sites_by"]["sum"] is None:
        said = "an older trace does not know what one program of several held at its peak: "
        raise UserError(said + "--process all", USAGE)
    return summary


def _of_range(opened: Trace, args: Namespace, choice: Choice) -> OfRange:
    """The trace as if no other events had a block."""
    from alloctrace.history import ranges  # only now: few runs need it

    events = opened.run.get("events") or 0
    first, last = args.seq or (0, max(0, events - 1))
    if first >= events:
        raise UserError("--seq: events are numbered 0 to %d" % (events - 1), USAGE)
    shows = events > SILENT and sys.stderr is not None and sys.stderr.isatty()
    found = ranges.OfRange(
        opened, first, last, args.tid, progress.reading(events) if shows else None
    )
    field = measures.BY[choice.by].field
    field = {"calls_reaching_kernel": "reached"}.get(field, field)
    if found.unknown & ({field, "own_peak_bytes"} if field == "peak_bytes" else {field}):
        said = "calls of several threads overlap in this run: what of a part of it %s is not known"
        raise UserError(said % _NOT_KNOWN[choice.by])
    return found


SILENT = 1000000  # events that are read at once
_NOT_KNOWN = {
    "peak": "was live at the peak",
    "live": "is left",
    "temporary": "is temporary",
    "kernel": "reached the kernel",
}


def write(made: str, output: str | None) -> int:
    """To `output`, or to standard output; the exit status."""
    if output is None:
        try:
            sys.stdout.write(made)
            sys.stdout.flush()
        except BrokenPipeError:  # `| head`: what was found stays found
            main.forget_output()
        return 0
    try:
        with open(output, "w", encoding="utf-8") as file:
            file.write(made)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (visible(output), error.strerror)) from None
    return 0
