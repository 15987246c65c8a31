"""`brkpoint diff A B`: what changed between two recorded runs. Needs no gdb."""

from __future__ import annotations

import contextlib
import json
import sys

from alloctrace import words
from alloctrace.compare import difference, left, left_of_trace
from alloctrace.escape import visible
from alloctrace.trace import trace
from reports import diff_markdown, diff_text, diff_words, ink, left_text
from reports.diff_page import document

from start import page_file
from start.errors import USAGE, UserError
from . import main, report
from .traces import naming_errors, open_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from alloctrace.model import Event, Frame
    from alloctrace.trace.read import Trace
    from reports.ink import Ink

NAME = "diff"
HELP = "show what changed between two recorded runs, or several of each"
USAGE_LINE = "brkpoint diff [OPTION...] A B | A... -- B... | TRACE --from MARK"
SAME, DIFFERENT, TROUBLE = 0, 1, 2

EPILOG = """\
Status 0: no difference, 1: there is one, 2: the traces cannot be compared.

  brkpoint diff old.brkpoint new.brkpoint
  brkpoint diff run.brkpoint --from main --to exit
                        what main allocated and never freed
  brkpoint diff a1.brkpoint a2.brkpoint -- b1.brkpoint b2.brkpoint
                        several runs of each; ~ marks rows in which the runs
                        of one side differ
"""


def configure(parser: ArgumentParser) -> None:
    parser.usage = USAGE_LINE
    parser.add_argument("before", nargs="+", metavar="TRACE", help="before and after")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    form.add_argument("--markdown", action="store_true", help="a page of Markdown")
    form.add_argument("--html", metavar="FILE", help="write the difference as a page to FILE")
    parser.add_argument("-o", metavar="FILE", dest="output", help="write to FILE")
    parser.add_argument(
        "--from",
        metavar="MARK",
        dest="begin",
        help="with one trace: show what was allocated after this moment and is live at --to; "
        "MARK: a phase (its beginning), an event's number, a time such as 12ms, or end",
    )
    parser.add_argument("--to", metavar="MARK", dest="end", help="up to this moment; default: end")
    parser.add_argument("--width", type=int, metavar="N", help="columns, 80 to 120 (text)")


def parse(parser: ArgumentParser, typed: list[str]) -> Namespace:
    """What stands behind `--` are the runs after; without it there is one of each."""
    at = typed.index("--") if "--" in typed else len(typed)
    args = parser.parse_args(typed[:at])
    if args.begin or args.end:
        return _of_moments(args, len(typed) - at)
    if args.html is not None and args.output is not None:
        raise UserError("--html FILE already names the file: leave out -o", USAGE)
    args.after = typed[at + 1 :]
    if at == len(typed) and len(args.before) == 2:
        args.before, args.after = args.before[:1], args.before[1:]
    if not args.after:
        text = "diff takes two traces, or several before and behind `--`: A1 A2 -- B1 B2"
        raise UserError(text, USAGE)
    return args


def _of_moments(args: Namespace, behind: int) -> Namespace:
    if behind or len(args.before) > 1 or args.markdown or args.html:
        raise UserError("--from and --to take one trace, and print text or --json", USAGE)
    args.begin, args.end = args.begin or words.PHASES[0], args.end or left.END
    try:
        left.moment(args.begin), left.moment(args.end)
    except left.WrongMark as error:
        raise UserError(visible(str(error)), USAGE) from None
    return args


def invoke(args: Namespace) -> int:
    """Compare; the exit status says whether there is a difference."""
    try:
        if args.begin:
            return _left(args)
        with contextlib.ExitStack() as stack:
            before, after = (
                [stack.enter_context(open_trace(path)) for path in paths]
                for paths in (args.before, args.after)
            )
            compared = _compared(before, after, args.html is not None)
        if args.html is None:
            report.write(render(args, compared), args.output)
        else:
            page_file.write(args.html, document.render(compared))
    except UserError as error:
        main.say(str(error))
        return TROUBLE
    return SAME if compared["same"] else DIFFERENT


def _left(args: Namespace) -> int:
    """What one run left behind between two moments: 0 nothing, 1 something."""
    (path,) = args.before
    with open_trace(path) as opened, naming_errors(path):
        tree = opened.tree

        def deciding(event: Event) -> Frame | None:
            return tree.deciding_frame(event.stack, event.verdict)

        found = left_of_trace.between(opened, args.begin, args.end, deciding)
    if args.json:
        made = json.dumps(dict(found, sentence=left_text.sentence(found)), indent=1) + "\n"
    else:
        made = "\n".join(left_text.lines(found, _look(args))) + "\n"
    report.write(made, args.output)
    return DIFFERENT if found["blocks"] else SAME


def _compared(before: list[Trace], after: list[Trace], with_strips: bool) -> dict[str, Any]:
    """A trace may turn out damaged while it is read: then the first of the wrong ones is named."""
    for opened in before + after:
        with naming_errors(opened.path):
            opened.sums(), opened.tree
    try:
        return difference.compare(before, after, with_strips)
    except trace.TraceError as error:
        raise UserError(visible(str(error))) from None


def render(args: Namespace, compared: dict[str, Any]) -> str:
    if args.json:
        told = dict(compared, sentence=diff_words.sentence(compared))
        return json.dumps(told, indent=1, sort_keys=True) + "\n"
    if args.markdown:
        return diff_markdown.render(compared)
    look = _look(args)
    return diff_text.render(compared, look.width, look.colour, look.unicode)


def _look(args: Namespace) -> Ink:
    look = ink.of_stream(sys.stdout) if args.output is None else ink.Ink(unicode=True)
    return ink.Ink(args.width or look.width, look.colour, look.unicode)
