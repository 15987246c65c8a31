"""`brkpoint explain PROGRAM`: run a program, and write the page that explains the run."""

from __future__ import annotations

import os
import sys

from alloctrace.trace import trace
from reports import ink, sentences
from reports.page import document

from start import page_file
from start.errors import USAGE, UserError, shown
from . import conclude, main, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from alloctrace.summary.group_kinds import Kinds

NAME = "explain"
HELP = "run a program and write a page that explains what it allocated"
USAGE_LINE = "brkpoint explain [OPTION...] PROGRAM [ARG...]"

EPILOG = """\
The page is PROGRAM.PID.html, beside the trace: one file that needs no network.
Options, PROGRAM and the exit status are those of `brkpoint run`.

  brkpoint explain ./a.out         then: open the page
  brkpoint report --html run.html  the same page from an existing trace
"""


def configure(parser: ArgumentParser) -> None:
    run.configure(parser)
    parser.usage = USAGE_LINE
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")


parse = run.parse


def invoke(args: Namespace) -> int:
    if args.verify:
        raise UserError("--verify keeps no trace to explain: brkpoint run --verify", USAGE)
    if not args.command and args.pid is None:
        raise UserError("which program? usage: " + USAGE_LINE, USAGE)
    if args.output and not args.force and os.path.lexists(page_file.beside(args.output)):
        said = "%s exists already: --force overwrites it, -o FILE chooses another"
        raise UserError(said % shown(page_file.beside(args.output)))
    args.show = _show
    return run.invoke(args)


def _show(args: Namespace, path: str, counted: Kinds | None) -> None:
    """In the place of the report for a terminal."""
    with trace.open(path) as opened:
        summary = conclude.summary(args, opened, counted)
        made = document.render(summary, opened)
    page = page_file.beside(path)
    page_file.write(page, made)
    if args.quiet:
        return
    look = ink.of_stream(sys.stderr)
    main.say("\n".join(look.wrap(sentences.verdict(summary), look.width - len("brkpoint: "), "")))
    main.say("the page that explains it: %s" % shown(page))
    if not args.no_open and sys.stderr is not None and sys.stderr.isatty():
        page_file.open_in_browser(page)
