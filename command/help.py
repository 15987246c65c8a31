"""`brkpoint help`: what it is for, by example; `brkpoint help COMMAND`: all of one command."""

from __future__ import annotations

import os

from start.errors import USAGE, UserError, shown
from . import main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

NAME = "help"
HELP = "show examples, or everything about one COMMAND"

_TOP_FOLDER = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_TOP = """\
brkpoint: who allocated that, when, and why?

It runs a program from its first instruction to its last, and reports when each
allocation happened, who made it, why, and which syscalls it cost.

  brkpoint ./a.out                     run ./a.out and show what it allocated
  brkpoint ls -l /tmp                  any program, with its arguments
  brkpoint --live ./a.out              show each event as it happens
  brkpoint -o run.brkpoint ./a.out     choose the name of the trace
  brkpoint report run.brkpoint         show a recorded run again, without gdb
  brkpoint events --origin user        only what your own code asked for
  brkpoint diff a.brkpoint b.brkpoint  what changed between two runs
  brkpoint check                       check a program against its budget
  brkpoint witnesses ./a.out           what strace, ltrace and the kernel see
  brkpoint doctor                      is anything missing here?

The commands:
"""

# What people look for and is no command of its own: word, what it says.
TOPICS = {
    "gdb": """\
Inside gdb: source {gdb}

That adds one command, `alloc`, to your own session:

  alloc trace start         record from where the program is now
  alloc why                 the last call: who asked, and what for
  alloc where POINTER       the block that a pointer points into, and its owner
  alloc report              what has been recorded so far
  help alloc                all commands, with their options

The manual: {docs}/gdb.md
""",
    "verify": """\
brkpoint --verify PROGRAM [ARG...]

Runs the program twice, once under gdb's breakpoints and once under the
recorder, and compares what they saw, event by event. No trace is kept. If they
differ, each engine runs the program once more: a program that never does the
same thing twice proves nothing about the engines.

  status 0    both engines saw the same
  status 1    the engines differ
  status 2    the two runs differ: the program does not repeat itself
  status 125  a run failed

The manual: {docs}/run.md
""",
}

_BOTTOM = """
`run` may be left out, unless the program has the name of a command:
brkpoint run report.
All options of one command: brkpoint help COMMAND
Other topics: brkpoint help gdb, brkpoint help verify
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "topic", nargs="?", metavar="COMMAND", help="one of the commands, gdb or verify"
    )


def first_words() -> list[str]:
    """What completions offer behind it."""
    return [*main.VERBS, *TOPICS]


def invoke(args: Namespace) -> int:
    if args.topic is None:
        print(text(), end="")
        return 0
    if args.topic in TOPICS:
        print(main.filled(TOPICS[args.topic]).format(gdb=gdb_file(), docs=docs()), end="")
        return 0
    if args.topic not in main.VERBS:
        known = ", ".join(first_words())
        raise UserError("no command is named %s; there are %s" % (shown(args.topic), known), USAGE)
    main.parser_for(main.load(args.topic)).print_help()
    return 0


def gdb_file() -> str:
    """What people source, in the clone or where it was installed."""
    return os.path.join(_TOP_FOLDER, "gdb-scripts", "brkpoint.py")


def docs() -> str:
    """The folder of the manual."""
    installed = os.path.join(_TOP_FOLDER, "..", "..", "share", "doc", "brkpoint")
    clone = os.path.join(_TOP_FOLDER, "docs")
    return clone if os.path.isdir(clone) else os.path.normpath(installed)


def text() -> str:
    """The page of `brkpoint help`; a command whose file is missing is left out."""
    return main.filled(_TOP + "".join(_rows()) + _BOTTOM)


def _rows() -> Iterator[str]:
    for name in main.VERBS:
        try:
            verb = main.load(name)
        except UserError:
            continue
        yield "  %-10s %s\n" % (name, verb.HELP)
