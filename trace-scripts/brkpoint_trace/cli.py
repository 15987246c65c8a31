"""The command line that the scripts share: help is the docstring, errors are one line."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys

from alloctrace.elf.elf import ElfError
from alloctrace.escape import visible
from start import program
from start.errors import CANNOT_EXECUTE, FAILED, USAGE, UserError, shown

from .tool import Missing

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError("%s (see --help)" % shown(message), USAGE)


def parser(name, doc):
    """A parser with --json and -o whose help is the script's docstring."""
    made = Parser(
        prog=name,
        description=doc.strip("\n"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--json", action="store_true", help="one JSON object instead of text")
    made.add_argument("-o", "--output", metavar="FILE", help="write there, not to standard output")
    return made


def add_program(made):
    made.add_argument("program", metavar="PROGRAM", help="a program, as a shell would find it")
    made.add_argument("arguments", metavar="ARG", nargs=argparse.REMAINDER, help="its own words")


def command(args):
    """[PROGRAM, ARG...] once the program is known to be one that Linux and the tools will run.

    Raises UserError with status 126 or 127.
    """
    words = [args.program] + args.arguments
    found = program.find([os.fsencode(word) for word in words], list(_environment()))
    if found.odd:  # the kernel may run it, but ltrace and gdb do not know where they are
        raise UserError("%s: %s" % (shown(found.path), found.odd), CANNOT_EXECUTE)
    return words


def _environment():
    for name, value in os.environb.items():
        yield name + b"=" + value


def path_of(words):
    """The file that is executed."""
    found = program.find([os.fsencode(words[0])], list(_environment()))
    return os.fsdecode(found.path)


def start(main, words=None):
    """Run `main(words)` and exit with its status."""
    sys.exit(_guarded(main, sys.argv[1:] if words is None else words))


def _guarded(main, words):
    name = os.path.basename(sys.argv[0])
    try:
        return main(words)
    except UserError as error:
        status, message = error.status, str(error)
    except (Missing, ElfError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 0
        status, message = FAILED, visible(str(error))
    except KeyboardInterrupt:
        return 130
    sys.stderr.write("%s: %s\n" % (name, message))
    return status


@contextlib.contextmanager
def output(args):
    """The file that the result goes to."""
    if args.output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        file = open(args.output, "w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UserError("cannot write %s: %s" % (shown(args.output), error.strerror)) from None
    with file:
        yield file


def put(args, data, lines):
    """Write `data` as JSON, or `lines` (text without newlines)."""
    with output(args) as file:
        if args.json:
            file.write(json.dumps(data, indent=1, sort_keys=True) + "\n")
        else:
            file.write("".join("%s\n" % line for line in lines))


def target_stdout(args):
    """Where the program's standard output goes: its own way with -o, else to standard error."""
    return None if args.output is not None else 2
