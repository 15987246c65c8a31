"""`brkpoint report`: what a recorded run says, as text, Markdown, JSON or a page. Needs no gdb."""

from __future__ import annotations

import os
import sys

from alloctrace import chosen
from alloctrace.escape import visible
from alloctrace.summary import summarise
from command import page_file
from command.errors import USAGE, UserError
from command.traces import naming_errors, newest, open_trace
from reports import ink, json_report, markdown, text
from reports.page import document

NAME = "report"
MAX_LISTED = 200000  # a page is made in memory, of some KiB an event
HELP = "show what a recorded run says: text, Markdown, JSON or a page"


def configure(parser):
    parser.add_argument("trace", nargs="?", metavar="TRACE", help="default: the newest here")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    form.add_argument("--markdown", action="store_true", help="a page of Markdown")
    form.add_argument("--html", metavar="FILE", help="write the page that explains the run to FILE")
    parser.add_argument("-o", metavar="FILE", dest="output", help="write to FILE")
    listed = "list every event, up to %d" % MAX_LISTED
    parser.add_argument("--events", action="store_true", help=listed)
    parser.add_argument("--summary", action="store_true", help="no list of events, however few")
    add_process(parser)
    parser.add_argument("--width", type=int, metavar="N", help="columns, 80 to 120 (text)")


def add_process(parser):
    parser.add_argument(
        "--process",
        metavar="PID|NAME|all",
        help="what the report is about, where there were several: one process, those that a name "
        "fits, or the sums over all; default: the program that was asked for (JSON: all)",
    )


def invoke(args):
    path = args.trace or newest(os.curdir)
    with open_trace(path) as recorded, naming_errors(path):
        if args.html is not None:
            if args.output is not None:
                raise UserError("--html FILE names the file already: without -o", USAGE)
            summary = summary_of(recorded, args.process or chosen.ASKED)
            page_file.write(args.html, document.render(summary, recorded))
            return 0
        made = render(args, recorded)
    return write(made, args.output)


def render(args, recorded):
    events = True if args.events else False if args.summary else None
    summary = summary_of(recorded, args.process or (chosen.ALL if args.json else chosen.ASKED))
    if events and not args.json and summary["events"] > MAX_LISTED:
        said = "report --events lists %d events at most, not %d: `brkpoint events` lists them all"
        raise UserError(said % (MAX_LISTED, summary["events"]), USAGE)
    if args.json:
        return json_report.render(summary)
    if args.markdown:
        return markdown.render(summary, recorded, events)
    look = ink.of_stream(sys.stdout) if args.output is None else ink.Ink(unicode=True)
    width = args.width or look.width
    return text.render(summary, recorded, width, look.colour, events, look.unicode)


def summary_of(recorded, process, kinds=None):
    """As summarise; raises UserError where there is no such process."""
    try:
        return summarise(recorded, process=process, kinds=kinds)
    except chosen.NoSuchProcess as error:
        raise UserError(visible(str(error)), USAGE) from None


def write(made, output):
    """To `output`, or to standard output; the exit status."""
    if output is None:
        sys.stdout.write(made)
        sys.stdout.flush()
        return 0
    try:
        with open(output, "w", encoding="utf-8") as file:
            file.write(made)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (visible(output), error.strerror)) from None
    return 0
