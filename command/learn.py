"""`brkpoint learn`: the course, in the terminal."""

from __future__ import annotations

import os
import sys
import tempfile

from start.errors import USAGE, UserError, shown
from . import main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Sequence
    from typing import Any

    from course.lesson import Lesson

NAME = "learn"
HELP = "learn how programs use memory, in lessons that run on this machine"
EPILOG = """\
A lesson has five steps: predict, run, explain, change one thing, check. Keys:
Enter on, b back, q quit. Your progress is saved, and the copies of the programs
are yours to edit: brkpoint-course/ here. In a pipe a lesson is printed whole,
and nothing is asked.

  brkpoint learn                      the lessons, and your progress
  brkpoint learn nothing              one of them, by its name or number
  brkpoint learn nothing --html FILE  the same lesson as a page
  brkpoint learn --html DIR           all as pages, with an index and the traces
  brkpoint learn yours ./a.out ARG    the same questions about your own program
  brkpoint learn --check              test all lessons: right and wrong answers
"""


USAGE_LINE = "brkpoint learn [OPTION...] [LESSON [PROGRAM ARG...]]"


def configure(parser: ArgumentParser) -> None:
    parser.usage = USAGE_LINE
    parser.add_argument("lesson", nargs="?", metavar="LESSON", help="a name, a number, or a file")
    parser.add_argument("--check", action="store_true", help="run unattended, with all answers")
    parser.add_argument(
        "--html", metavar="FILE", help="write a page, or a directory of all lessons"
    )
    parser.add_argument("--folder", metavar="DIR", help="where your copies of the programs go")
    parser.add_argument("--traces", metavar="DIR", help="use stored traces from DIR, run nothing")


def parse(parser: ArgumentParser, words: list[str]) -> Namespace:
    """The arguments; what is no option behind LESSON begins a program of the reader's."""
    takes_value, at, lesson = main.takes_value(parser), 0, False
    while at < len(words):
        if words[at].startswith("-") and words[at] != "--":
            at += 2 if takes_value.get(words[at]) else 1
        elif not lesson and words[at] != "--":
            at, lesson = at + 1, True
        else:
            break
    args = parser.parse_args(words[:at])
    args.command = words[at + 1 :] if words[at : at + 1] == ["--"] else words[at:]
    return args


def first_words() -> list[str]:
    """What completions offer behind it."""
    from course import library

    return library.names()


def invoke(args: Namespace) -> int:
    from course import library

    if args.command and not args.lesson:
        raise UserError("which lesson? For example: brkpoint learn yours ./a.out", USAGE)
    if args.command and not library.lesson(args.lesson).first.theirs:
        said = "the lesson %s runs a program of its own; `brkpoint learn yours` takes yours"
        raise UserError(said % shown(args.lesson), USAGE)
    if args.check:
        chosen = [library.lesson(args.lesson)] if args.lesson else library.lessons()
        return _check(chosen, args.command)
    if args.html:
        return _pages(args)
    if args.lesson is None:
        return _list(library.lessons())
    return _play(args, library.lesson(args.lesson))


def _list(lessons: Iterable[Lesson]) -> int:
    from course.progress import Progress
    from reports import ink

    progress, look = Progress(), ink.of_stream(sys.stdout)
    for lesson in lessons:
        row = progress.of(lesson.name)
        state = "done" if row.get("done") else "begun" if row.get("step") else ""
        line = "%2d  %-14s %-5s  %s" % (lesson.number, lesson.name, state, lesson.title)
        print(look.said(line.rstrip()))
    print("\nOne of them: brkpoint learn NAME")
    return 0


def _play(args: Namespace, lesson: Lesson) -> int:
    from course import player, screen as screens, workshop
    from course.progress import Progress

    screen, progress = screens.Screen(), Progress()
    if args.folder:
        try:
            progress.use(args.folder)
        except OSError as error:
            said = "--folder %s: %s" % (shown(args.folder), error.strerror)
            raise UserError(said, USAGE) from None
    home = os.path.join(progress.folder, lesson.name)
    stored = [args.traces] if args.traces else workshop.stored_folders()
    shop = workshop.Workshop(home, stored, bool(args.traces), command=args.command)
    if not screen.is_terminal:
        with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
            shop.folder = folder
            return 0 if player.Player(lesson, shop, screen).play() else 1
    try:
        player.Player(lesson, shop, screen, progress).play()
    except KeyboardInterrupt:
        print("\nNothing is lost: `brkpoint learn %s` continues here." % lesson.name)
        raise
    finally:
        if progress.trouble:
            print("brkpoint: %s" % shown(progress.trouble), file=sys.stderr)
    return 0


def _check(lessons: Iterable[Lesson], command: Sequence[str]) -> int:
    from course import rehearsal, workshop

    faults = 0
    kept: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        for lesson in lessons:
            shop = workshop.Workshop(os.path.join(folder, lesson.name), kept=kept, command=command)
            played = rehearsal.Rehearsal(lesson, shop).go()
            faults += len(played.faults)
            said = "holds" if not played.faults else "does not hold"
            print("%2d  %-14s %s" % (lesson.number, lesson.name, said))
            for text in played.faults:
                print("      %s: %s" % (os.path.basename(lesson.path), shown(text)))
            for text in played.notes:
                print("      left out: %s" % shown(text))
            sys.stdout.flush()
    return 1 if faults else 0


def _pages(args: Namespace) -> int:
    from course import library, measured, workshop
    from course.page import folder as pages
    from start import page_file

    stored = [args.traces] if args.traces else workshop.stored_folders()
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as home:
        kept: dict[str, Any] = {}

        def shop_of(lesson: Lesson) -> workshop.Workshop:
            where = os.path.join(home, lesson.name)
            return workshop.Workshop(where, stored, bool(args.traces), kept, args.command)

        if args.lesson is None:
            left = pages.write(library.lessons(), args.html, shop_of, _progress)
            _progress("")
            for name, why in left:
                main.say("%s is left out: %s" % (name, shown(why)))
            print("The course: %s" % shown(os.path.join(args.html, "index.html")))
            return 1 if left else 0
        lesson = library.lesson(args.lesson)
        try:
            page_file.write(args.html, pages.lesson_page(lesson, shop_of(lesson))[0])
        except measured.Unmeasured as error:
            raise UserError("%s cannot be run: %s" % (lesson.name, shown(str(error)))) from None
    return 0


def _progress(name: str) -> None:
    """On one line of a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + name)
        sys.stderr.flush()
