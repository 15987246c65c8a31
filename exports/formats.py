"""The formats: what each is, what it keeps and loses, and which tool opens it. `brkpoint export
--list` and docs/exports.md are made from this."""

from __future__ import annotations

import importlib
import textwrap
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import NamedTuple

NAMES = ("folded", "dhat", "pprof", "heaptrack", "perfetto", "speedscope", "csv", "ndjson")
if TYPE_CHECKING:

    class Format(NamedTuple):
        title: str
        ending: str
        keeps: str
        loses: str
        opens: str
        is_binary: bool
        needs_events: bool

    class Choice(NamedTuple):
        measure: str | None
        sites: bool

else:
    # ending: of a file's name. opens: commands that read it, FILE in their place.
    Format = namedtuple("Format", "title ending keeps loses opens is_binary needs_events")
    # What the user chose: measure, one of MEASURES or None; sites: places in place of events.
    Choice = namedtuple("Choice", "measure sites")


WIDTH = 80  # columns of `--list`
_INDENT, _NO_BREAK = " " * 12, "\xa0"


class CannotExport(Exception):
    """The trace has not what the format is made of, or the choice is none of its. One line."""


def load(name: str) -> ModuleType:
    """The module of a format: its FORMAT, and `write(out, trace, choice)`."""
    return importlib.import_module("%s.%s" % (__package__, name))


def table() -> Iterator[str]:
    """The lines of `--list`, no longer than a narrow terminal."""
    for name in NAMES:
        about: Format = load(name).FORMAT
        yield from _folded("%-11s " % name, about.title)
        for title, text in zip(("keeps", "loses"), about[2:4]):
            yield from _folded("  %-10s" % title, text)
        whole = about.opens.replace(" ", _NO_BREAK).replace("," + _NO_BREAK, ", ")
        yield from (line.replace(_NO_BREAK, " ") for line in _folded("  open with ", whole))


def _folded(first: str, text: str) -> list[str]:
    made = textwrap.TextWrapper(WIDTH, initial_indent=first, subsequent_indent=_INDENT)
    made.break_long_words = made.break_on_hyphens = False
    return made.wrap(text)
