"""The words of the article's page that are the same everywhere: chapters, steps, programs."""

from __future__ import annotations

import configparser
import os
from collections import namedtuple

TYPE_CHECKING = False

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "article-story.ini")

# steps: {claim: text}. programs: {name: what it is}. Texts are Markdown.
if TYPE_CHECKING:
    from configparser import SectionProxy
    from typing import NamedTuple

    class Chapter(NamedTuple):
        title: str
        text: str
        claims: list[int]

    class Story(NamedTuple):
        start: str
        end: str
        chapters: list[Chapter]
        steps: dict[int, str]
        programs: dict[str, str]

else:
    Story = namedtuple("Story", "start end chapters steps programs")
    Chapter = namedtuple("Chapter", "title text claims")


def read(path: str = DATA) -> Story:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]  # names as they are
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    names = sorted(name for name in parser.sections() if name.startswith("chapter "))
    steps = {int(name): _text(parser[name]) for name in parser.sections() if name.isdigit()}
    chapters = [_chapter(parser[name]) for name in names]
    programs = dict(parser["programs"])
    return Story(_text(parser["start"]), _text(parser["end"]), chapters, steps, programs)


def _chapter(section: SectionProxy) -> Chapter:
    claims = [int(word) for word in section["claims"].split()]
    return Chapter(section["title"], _text(section), claims)


def _text(section: SectionProxy) -> str:
    """Lines as they stand, without their indentation."""
    return "\n".join(line.strip() for line in section["text"].split("\n"))
