"""The words: each with its meaning in a sentence or two, and an example from this machine."""

from __future__ import annotations

import difflib
import os

from alloctrace.plain import plain
from course import filling, library, measured, reading
from course.items import Items
from course.lesson import Lesson, Program
from reports.page import glossary
from start.errors import USAGE, UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from course.workshop import Workshop

FILE = os.path.join(library.HERE, "words.txt")
_EXAMPLE = "Here: "


@plain
class Word:
    name: str
    meaning: str
    example: str = ""
    also: tuple[str, ...] = ()  # words that its meaning explains as well


def read(path: str = FILE) -> tuple[dict[str, Word], Lesson]:
    """({name: Word}, the Lesson whose run the examples are of)."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    meanings, now = dict(glossary.rows()), Word("", "")
    words: dict[str, Word] = {}
    lesson = Lesson("words", 0, "", "", path, {"words": Program("words", "words.c")})
    definitions = [item for item in Items(text, "words.txt") if item.key == "measure"]
    lesson.values = {**library.common(), **reading.measures(definitions, text, "words.txt")}
    for item in Items(text, "words.txt"):
        if item.key == "#":
            name, *also = item.text.lstrip("# ").split(", ")
            now = words[name] = Word(name, meanings.get(name, ""), also=tuple(also))
        elif item.key is None and item.text.startswith(_EXAMPLE):
            now.example = item.text
        elif item.key is None:
            now.meaning = item.text
    return {name: words[name] for name in sorted(words)}, lesson


def find(name: str, words: dict[str, Word]) -> Word:
    """The Word called so; raises UserError, which names those that are like it."""
    name = " ".join(name.lower().split())
    names = {other: word for word in words.values() for other in word.also}
    names.update(words)
    for known in (name, name[:-1], name[:-2]):
        if known in names:
            return names[known]
    alike = (difflib.get_close_matches(name, these, 3) for these in (words, names))
    near = next(filter(None, alike), list(words))
    said = "no word here is %s; there %s %s"
    verb = "is" if len(near) == 1 else "are"
    raise UserError(said % (shown(name), verb, ", ".join(near)), USAGE)


def example(word: Word, lesson: Lesson, shop: Workshop) -> str:
    """Its example with the values of this machine, or why there is none."""
    if not word.example:
        return ""

    def run_of(name: str) -> str:
        return shop.run(lesson, lesson.runs[name]).trace

    with measured.Measured(lesson, run_of) as values:
        try:
            return filling.filler(values)(word.example)
        except measured.Unmeasured as error:
            return "(There is no example: %s.)" % error
