"""`brkpoint export`: a recorded run as a file that another tool opens. Needs no gdb."""

from __future__ import annotations

import contextlib
import os
import stat
import sys

from alloctrace import leftovers
from alloctrace.escape import visible
from exports import formats
from exports.measures import MEASURES

from start.errors import USAGE, UserError, shown
from . import main
from .traces import naming_errors, newest, open_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator
    from typing import BinaryIO

    from exports.formats import Choice, Format

NAME = "export"
HELP = "write a recorded run as a file that another tool opens"
EPILOG = """\
  brkpoint export --list                       the formats, and what opens each
  brkpoint export --format pprof -o run.pb.gz  then: go tool pprof run.pb.gz
  brkpoint export --format folded --measure peak | flamegraph.pl > peak.svg
"""
_BUFFER = 1 << 20


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("trace", nargs="?", metavar="TRACE", help="default: the newest here")
    names = ", ".join(formats.NAMES)
    parser.add_argument(
        "--format", choices=formats.NAMES, metavar="NAME", help="one of: %s" % names
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="say what each format keeps and loses, and what opens it",
    )
    parser.add_argument("-o", metavar="FILE", dest="output", help="write to FILE")
    measures = ", ".join(MEASURES)
    parser.add_argument(
        "--measure", choices=MEASURES, metavar="NAME", help="for folded: one of: %s" % measures
    )
    sites = "for csv and ndjson: the places that allocate instead of events"
    parser.add_argument("--sites", action="store_true", help=sites)


def invoke(args: Namespace) -> int:
    if args.list:
        sys.stdout.write("\n".join(formats.table()) + "\n")
        return 0
    about, choice = _chosen(args)
    if args.output is None and about.is_binary and sys.stdout.isatty():
        text = "%s is not text for a terminal: use -o FILE, or a pipe"
        raise UserError(text % args.format, USAGE)
    path = args.trace or newest(os.curdir)
    with open_trace(path) as opened, naming_errors(path), _output(args.output) as out:
        if about.needs_events and not choice.sites and not opened.keeps_events:
            raise UserError(_without_events(args.format))
        try:
            said = formats.load(args.format).write(out, opened, choice)
        except formats.CannotExport as error:
            raise UserError(visible(str(error))) from None
    main.say("%s loses: %s" % (args.format, about.loses))
    for sentence in said:
        main.say(visible(sentence))
    return 0


def _chosen(args: Namespace) -> tuple[Format, Choice]:
    """The Format, and the Choice within it."""
    if args.format is None:
        raise UserError("which --format? One of: %s" % ", ".join(formats.NAMES), USAGE)
    if args.measure and args.format != "folded":
        text = "--measure is for folded: %s has all it can hold"
        raise UserError(text % args.format, USAGE)
    if args.sites and args.format not in ("csv", "ndjson"):
        raise UserError("--sites is for csv and ndjson", USAGE)
    return formats.load(args.format).FORMAT, formats.Choice(args.measure, args.sites)


def _without_events(name: str) -> str:
    able = [n for n in formats.NAMES if not formats.load(n).FORMAT.needs_events]
    more = "; --sites lists places" if name in ("csv", "ndjson") else ""
    text = "%s is made of events, which --keep totals does not keep; %s can be made%s"
    return text % (name, ", ".join(able), more)


@contextlib.contextmanager
def _output(path: str) -> Iterator[BinaryIO]:
    """Standard output, or a file that is there whole or not at all."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        if os.path.lexists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "wb", _BUFFER) as file:  # a pipe or a device
                yield file
            return
        real = os.path.realpath(path)
        folder, name = os.path.split(real)
        with leftovers.file(folder, name) as temporary:
            with open(temporary, "wb", _BUFFER) as file:
                yield file
            os.replace(temporary, real)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (shown(path), error.strerror)) from None
