"""`brkpoint diff A B`: what changed between two recorded runs. Needs no gdb."""

from __future__ import annotations

import contextlib
import json
import sys

from alloctrace import trace
from alloctrace.compare import difference
from alloctrace.escape import visible
from reports import diff_markdown, diff_text, diff_words, ink

from . import main, report
from .errors import USAGE, UserError
from .traces import naming_errors, open_trace

NAME = "diff"
HELP = "say what changed between two recorded runs, or several of each"
USAGE_LINE = "brkpoint diff [OPTION...] A B | A... -- B..."
SAME, DIFFERENT, TROUBLE = 0, 1, 2

EPILOG = """\
Status 0: no difference, 1: there is one, 2: the traces cannot be compared.

  brkpoint diff old.brkpoint new.brkpoint
  brkpoint diff a1.brkpoint a2.brkpoint a3.brkpoint -- b1.brkpoint b2.brkpoint b3.brkpoint
                                      ~ marks what the runs before do not agree on
"""


def configure(parser):
    parser.usage = USAGE_LINE
    parser.add_argument("before", nargs="+", metavar="TRACE", help="before and after")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    form.add_argument("--markdown", action="store_true", help="a page of Markdown")
    parser.add_argument("-o", metavar="FILE", dest="output", help="write to FILE")
    parser.add_argument("--width", type=int, metavar="N", help="columns, 80 to 120 (text)")


def parse(parser, words):
    """What stands behind `--` are the runs after; without it there is one of each."""
    at = words.index("--") if "--" in words else len(words)
    args = parser.parse_args(words[:at])
    args.after = words[at + 1 :]
    if at == len(words) and len(args.before) == 2:
        args.before, args.after = args.before[:1], args.before[1:]
    if not args.after:
        text = "diff takes two traces, or several before and behind `--`: A1 A2 -- B1 B2"
        raise UserError(text, USAGE)
    return args


def invoke(args):
    """Compare; the exit status says whether there is a difference."""
    try:
        with contextlib.ExitStack() as stack:
            sides = [_opened(paths, stack) for paths in (args.before, args.after)]
            record = _compared(*sides)
        report.write(render(args, record), args.output)
    except UserError as error:
        main.say(str(error))
        return TROUBLE
    return SAME if record["same"] else DIFFERENT


def _opened(paths, stack):
    return [stack.enter_context(open_trace(path)) for path in paths]


def _compared(before, after):
    """A trace may turn out damaged while it is read: then the first of the wrong ones is named."""
    for recorded in before + after:
        with naming_errors(recorded.path):
            recorded.sums(), recorded.tree
    try:
        return difference.compare(before, after)
    except trace.TraceError as error:
        raise UserError(visible(str(error))) from None


def render(args, record):
    if args.json:
        told = dict(record, sentence=diff_words.sentence(record))
        return json.dumps(told, indent=1, sort_keys=True) + "\n"
    if args.markdown:
        return diff_markdown.render(record)
    look = ink.of_stream(sys.stdout) if args.output is None else ink.Ink(unicode=True)
    return diff_text.render(record, args.width or look.width, look.colour, look.unicode)
