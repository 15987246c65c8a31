"""`brkpoint words [WORD]`: the words of the reports, each with an example from this machine."""

from __future__ import annotations

import sys
import tempfile

NAME = "words"
HELP = "explain a word of the reports, with an example from this machine"
EPILOG = """\
  brkpoint words                      all words
  brkpoint words page fault           one of them, and what it was in a run on this machine
"""


def configure(parser):
    parser.add_argument("word", nargs="*", metavar="WORD", help="a word or two")


def first_words():
    """What completions offer behind it."""
    from course import words

    return list(words.read()[0])


def invoke(args):
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
        _example(words, word, lesson, look)
    return 0


def _list(known, look):
    width = max(map(len, known)) + 2
    for word in known.values():
        lines = look.wrap(look.said(word.meaning), look.width - width, "")
        for at, line in enumerate(lines):
            print(look.bold(word.name.ljust(width)) + line if not at else " " * width + line)
    print("\nOne of them, with an example from this machine: brkpoint words WORD")


def _example(words, word, lesson, look):
    from course import workshop

    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as home:
        shop = workshop.Workshop(home, workshop.stored_folders())
        _tell(words.example(word, lesson, shop), look)


def _tell(text, look):
    for line in look.wrap(look.said(text), look.width, ""):
        print(line)
