"""`brkpoint quiz --seed N`: ten questions about a run on this machine, and their answers."""

from __future__ import annotations

import os
import sys
import tempfile

from start.errors import USAGE, UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from course.quiz import Quiz
    from reports.ink import Ink

NAME = "quiz"
HELP = "ask ten questions about runs on this machine, a seed per student"
EPILOG = """\
A seed makes the same program on every machine; the answers are those of the
machine that runs it. The last questions are about events of runs: the same runs
get the same questions.

  brkpoint quiz --seed 7               ten questions
  brkpoint quiz --seed 7 --answers     the same, with the answers
  brkpoint quiz --seed 7 --traces DIR  ask about the runs in DIR as well
"""
MOST = 1 << 32


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--seed", type=_seed, metavar="N", help="which variant of the questions")
    parser.add_argument("--answers", action="store_true", help="print the answers too")
    parser.add_argument(
        "--traces", metavar="DIR", help="ask about the runs in DIR, such as the class's own"
    )


def _seed(word: str) -> int:
    value = int(word)
    if not 0 <= value < MOST:
        raise ValueError
    return value


_seed.__name__ = "whole number"  # argparse names the type in its message


def invoke(args: Namespace) -> int:
    from course import quiz, workshop
    from reports import ink

    if args.seed is None:
        raise UserError("which variant? For example: brkpoint quiz --seed 7", USAGE)
    look, folders = ink.of_stream(sys.stdout), workshop.stored_folders()
    traces = _traces([args.traces] if args.traces else folders, bool(args.traces))
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as home:
        made = quiz.of_seed(args.seed, workshop.Workshop(home), traces)
    if not made.questions:
        raise UserError("no program can be run here: %s. --traces DIR takes runs" % shown(made.why))
    for line in _lines(made, args, look):
        print(look.said(line))
    return 0


def _traces(folders: Iterable[str], must_be: bool) -> list[str]:
    """Paths of the runs in these folders."""
    found: list[str] = []
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            if must_be:
                raise UserError("%s: %s" % (shown(folder), error.strerror)) from None
            continue
        found += [os.path.join(folder, name) for name in names if name.endswith(".brkpoint")]
    return found


def _lines(made: Quiz, args: Namespace, look: Ink) -> Iterator[str]:
    yield look.bold("Quiz %d" % args.seed)
    if made.program:
        yield "A program asks for memory. Its main does this:"
        yield ""
        yield from ("    " + line for line in made.program.split("\n"))
    elif made.why:
        yield "(About stored runs: %s.)" % shown(made.why)
    for number, asked in enumerate(made.questions, 1):
        yield ""
        first, *rest = look.wrap(shown(asked.text), look.width - 4, "") or [""]
        yield look.bold("%2d. %s" % (number, first))
        yield from (look.bold("    " + line) for line in rest)
        for letter, choice in zip("abcdefgh", asked.choices):
            yield "    %s) %s" % (letter, shown(choice))
        if args.answers:
            letter = ""
            if asked.answer in asked.choices:
                letter = "%s) " % "abcdefgh"[asked.choices.index(asked.answer)]
            yield "    answer: %s%s" % (letter, shown(asked.answer))
