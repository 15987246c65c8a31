"""`brkpoint words [WORD]`: the words of the reports, each with an example from this machine."""

from __future__ import annotations

import sys
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from course.lesson import Lesson
    from course.words import Word
    from reports.ink import Ink

NAME = "words"
HELP = "explain a word of the reports, with an example from this machine"
EPILOG = """\
  brkpoint words             all words
  brkpoint words page fault  one of them, as seen in a run on this machine
"""


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("word", nargs="*", metavar="WORD", help="a word or two")


def first_words() -> list[str]:
    """What completions offer behind it."""
    from course import words

    return list(words.read()[0])


def invoke(args: Namespace) -> int:
    from course import words
    from reports import ink

    known, lesson = words.read()
    look = ink.of_stream(sys.stdout)
    if not args.word:
        _list(known, look)
        return 0
    word = words.find(" ".join(args.word), known)
    _tell(look.bold(word.name), look)
    _tell(word.meaning, look)
    if word.example:
        _example(word, lesson, look)
    return 0


def _list(known: Mapping[str, Word], look: Ink) -> None:
    width = max(map(len, known)) + 2
    for word in known.values():
        lines = look.wrap(look.said(word.meaning), look.width - width, "")
        for at, line in enumerate(lines):
            print(look.bold(word.name.ljust(width)) + line if not at else " " * width + line)
    print("\nOne of them, with an example from this machine: brkpoint words WORD")


def _example(word: Word, lesson: Lesson, look: Ink) -> None:
    from course import words, workshop

    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as home:
        shop = workshop.Workshop(home, workshop.stored_folders())
        _tell(words.example(word, lesson, shop), look)


def _tell(text: str, look: Ink) -> None:
    for line in look.wrap(look.said(text), look.width, ""):
        print(line)
