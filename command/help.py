"""`brkpoint help`: what it is for, by example; `brkpoint help COMMAND`: all of one command."""

from __future__ import annotations

from . import main
from .errors import USAGE, UserError, shown

NAME = "help"
HELP = "teach the command by example, or one COMMAND in full"

_TOP = """\
brkpoint: who allocated that, when, and why?

It runs a program and says of every allocation, and of every memory syscall beneath it, in which
phase of the program's life it was made, who asked for it, and what for.

  brkpoint ./a.out                    run ./a.out and show what it allocated
  brkpoint ls -l /tmp                 any program, with its arguments
  brkpoint --live ./a.out             show each event as it happens
  brkpoint -o run.brkpoint ./a.out    choose the name of the trace
  brkpoint report run.brkpoint        show a recorded run again, without gdb
  brkpoint events --origin user       only what your own code asked for
  brkpoint diff a.brkpoint b.brkpoint what changed between two runs
  brkpoint check                      keep the budget of a program
  brkpoint witnesses ./a.out          what strace, ltrace and /proc/PID/maps see of it
  brkpoint doctor                     is something missing here?

The commands:
"""

_BOTTOM = """
`run` may be left out, unless the program is named like a command: brkpoint run report.
More on one command, with its options: brkpoint help COMMAND
"""


def configure(parser):
    parser.add_argument("topic", nargs="?", metavar="COMMAND", help="one of the commands")


def invoke(args):
    if args.topic is None:
        print(text(), end="")
        return 0
    if args.topic not in main.VERBS:
        known = ", ".join(main.VERBS)
        raise UserError("no command is named %s; there are %s" % (shown(args.topic), known), USAGE)
    main.parser_for(main.load(args.topic)).print_help()
    return 0


def text():
    """The page of `brkpoint help`; a command whose file is missing is left out."""
    return _TOP + "".join(_rows()) + _BOTTOM


def _rows():
    for name in main.VERBS:
        try:
            verb = main.load(name)
        except UserError:
            continue
        yield "  %-9s %s\n" % (name, verb.HELP)
