"""`brkpoint witnesses -- PROGRAM`: strace, ltrace, gdb and /proc/PID/maps over one program."""

from __future__ import annotations

import sys

from alloctrace.escape import visible
from command import run
from reports import ink, witnesses
from start import scripts, seconds
from start.errors import USAGE, UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

NAME = "witnesses"
HELP = "compare what strace, ltrace, gdb and /proc/PID/maps see of a program"
USAGE_LINE = "brkpoint witnesses [OPTION...] [--] PROGRAM [ARG...]"
EPILOG = """\
The program runs once for each witness, with empty input and without address
randomisation; its output is not shown. A witness that is not installed is left
out; one that fails, hangs or changes how the program ends is called unreliable
and compared with nothing. The exit status is 0 if every difference is
explained, 1 if one is not or nothing could be compared.
"""


def configure(parser: ArgumentParser) -> None:
    parser.usage = USAGE_LINE
    add = parser.add_argument
    add("--markdown", action="store_true", help="a page of Markdown")
    add("--json", action="store_true", help="everything, as one JSON object")
    add("--events", action="store_true", help="every event, however many there are")
    add("-o", "--output", metavar="FILE", help="write to FILE")
    limit = seconds.below(1e9)
    add("--timeout", type=limit, default=60, metavar="S", help="for each witness (60)")
    choices = witnesses.SEEN_BY
    text = "leave out gdb, strace, ltrace or maps; may be repeated"
    add("--without", action="append", choices=choices, default=[], metavar="WITNESS", help=text)


def parse(parser: ArgumentParser, words: list[str]) -> Namespace:
    """The arguments; everything from PROGRAM on stays untouched in `command`."""
    return run.parse(parser, words)


def invoke(args: Namespace) -> int:
    if not args.command:
        raise UserError("which program? usage: " + USAGE_LINE, USAGE)
    comparison = _watch(args)
    _write(args.output, _render(args, comparison))
    return 0 if witnesses.is_sound(comparison) else 1


def _watch(args: Namespace) -> dict[str, Any]:
    scripts.find()
    from brkpoint_trace import watch  # type: ignore[import]  # found by scripts.find alone

    comparison: dict[str, Any] = watch.watch(args.command, args.timeout, _say, args.without)
    return comparison


def _render(args: Namespace, comparison: dict[str, Any]) -> str:
    if args.json:
        return witnesses.to_json(comparison)
    if args.markdown:
        return witnesses.to_markdown(comparison, args.events)
    look = ink.of_stream(sys.stdout)
    return witnesses.to_text(comparison, look.width, look.colour, look.unicode, args.events)


def _write(path: str | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (shown(path), error.strerror)) from None


def _say(name: str) -> None:
    """Progress, on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + visible("%s watches ..." % name if name else ""))
        sys.stderr.flush()
