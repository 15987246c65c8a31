"""Colour, width and signs of one output. No I/O: what a stream can do is asked in `of_stream`."""

from __future__ import annotations

import os
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NamedTuple, TextIO

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_ORIGINS = {"user": "green", "runtime": "yellow", "loader": "cyan", "unknown": "red"}

_SHORTEST_NAME = 8  # of a function that was cut
_ENOUGH = 12  # characters that a clause must have to stand alone
NARROWEST, WIDEST = 80, 120

_PLAIN = str.maketrans({"→": "->", "←": "<-", "×": "x", "·": "-", "…": "..."})

if TYPE_CHECKING:

    class Signs(NamedTuple):
        branch: str
        last: str
        bar: str
        arrow: str
        times: str
        dot: str
        dash: str
        more: str
        rule: str

else:
    Signs = namedtuple("Signs", "branch last bar arrow times dot dash more rule")
UNICODE = Signs("├─ ", "└─ ", "│  ", "→", "×", "·", "–", "…", "─")
ASCII = Signs("|- ", "`- ", "|  ", "->", "x", "-", "-", "...", "-")


class Ink:
    """How to write for one output."""

    def __init__(self, width: int = 80, colour: bool = False, unicode: bool = True) -> None:
        self.width = max(NARROWEST, min(WIDEST, width))
        self.colour = colour
        self.unicode = unicode
        self.signs = UNICODE if unicode else ASCII

    def paint(self, text: str, *styles: str) -> str:
        """`text` in these styles; styles are names of _STYLES, "" for none."""
        codes = ";".join(_STYLES[style] for style in styles if style)
        if not self.colour or not codes or not text:
            return text
        return "\033[%sm%s\033[0m" % (codes, text)

    def bold(self, text: str) -> str:
        return self.paint(text, "bold")

    def dim(self, text: str) -> str:
        return self.paint(text, "dim")

    def origin(self, origin: str, text: str | None = None) -> str:
        return self.paint(origin if text is None else text, _ORIGINS.get(origin, ""))

    def said(self, text: str) -> str:
        """As the output can write it; before it is cut to a width, for plain signs are longer."""
        kind = "utf-8" if self.unicode else "ascii"
        text = text if self.unicode else text.translate(_PLAIN)
        return text.encode(kind, "backslashreplace").decode(kind)

    def fit(self, text: str, width: int) -> str:
        """At most `width` columns; what is cut off is shown as cut off."""
        if cells(text) <= width:
            return text
        more = self.signs.more
        kept, used = [], len(more)
        for char in text:
            used += cells(char)
            if used > width:
                break
            kept.append(char)
        shown = _without_half_a_number("".join(kept), text)
        return (shown.rstrip() + more)[: max(width, 0)]

    def wrap(self, text: str, width: int, indent: str = "") -> list[str]:
        """Lines of at most `width` columns, those behind the first indented."""
        if cells(text) == len(text):
            words = text.split(" ")
            if not (all(words) and text.isprintable() and _are_short(words, width - len(indent))):
                import textwrap  # only now: hardly any text has more than short words and blanks

                return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)
        lines, line = [], ""
        for word in text.split():
            while cells(line + " " + word) > width:
                if not line.strip():
                    part = _begin(word, width - len(indent))
                    line, word = line + part, word[len(part) :]
                lines.append(line)
                line = indent
            line = (line + " " + word) if line.strip() else line + word
        return lines + [line] if line.strip() else lines

    def clause(self, text: str, width: int) -> str:
        """As `fit`, but cut where a clause ends if the rest says enough: no sign of a cut then."""
        if cells(text) <= width:
            return text
        ends = [text.find(sign) for sign in ("; ", ", ", " (")]
        ends = [end for end in ends if _ENOUGH <= end and cells(text[:end]) <= width]
        return text[: max(ends)] if ends else self.fit(text, width)

    def path(self, text: str, width: int) -> str:
        """A `::` path that is too long loses what stands in its brackets, then its front: its end
        says more."""
        if cells(text) <= width or "::" not in text:
            return text
        from alloctrace.symbols import long_names  # only now: hardly any text is too long

        parts = [
            long_names.without_arguments(part, self.signs.more) for part in long_names.parts(text)
        ]
        while len(parts) > 1 and cells("::".join(parts)) > width:
            if parts[1].startswith(("{", "<")):  # `{closure#0}` alone says nothing
                break
            del parts[0]
        return "::".join(parts)

    def fit_place(self, name: str, place: str, width: int) -> str:
        """`open_ses… shop.c:56`: the name is cut first, then goes; of the place the end stays."""
        gap = "" if place.startswith("+") else " "
        room = width - cells(place) - len(gap) if place else width
        name = self.path(name, room)
        if not place or room >= min(cells(name), _SHORTEST_NAME):
            return self.fit(name, room) + (gap + place if name and place else place)
        return place if cells(place) <= width else self.signs.more + self._end(place, width)

    def _end(self, text: str, width: int) -> str:
        """The end of a text that has room beside a sign of a cut."""
        used, at = len(self.signs.more), len(text)
        while at and used + cells(text[at - 1]) <= width:
            at -= 1
            used += cells(text[at])
        return text[at:]

    def column(self, text: str, width: int) -> str:
        """Exactly `width` columns, at the left."""
        text = self.fit(text, width)
        return text + " " * (width - cells(text))


def _without_half_a_number(kept: str, text: str) -> str:
    """What is kept of a text; the first digits of 9000 would read as 900."""
    at = len(kept)
    while at and kept[at - 1].isdigit():
        at -= 1
    is_cut = at < len(kept) < len(text) and text[len(kept)].isdigit()
    return kept[:at] if is_cut and at and kept[at - 1] == " " else kept


def cells(text: str) -> int:
    """Columns that `text` takes on a terminal (without colour)."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def _begin(word: str, width: int) -> str:
    """As much of a word as has room, at least a character."""
    used = 0
    for at, char in enumerate(word):
        used += cells(char)
        if used > width and at:
            return word[:at]
    return word


def _cells(char: str) -> int:
    import unicodedata  # only now: hardly any text needs it

    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def of_stream(stream: TextIO, environ: Mapping[str, str] | None = None) -> Ink:
    """The Ink for an open text stream: NO_COLOR, TERM=dumb, the terminal's width, the locale."""
    environ = os.environ if environ is None else environ
    is_terminal = _is_terminal(stream)
    colour = is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Ink(_width(stream) if is_terminal else 80, colour, speaks_unicode(stream))


def speaks_unicode(stream: TextIO | None = None) -> bool:
    """Whether the stream, or else the locale, writes UTF-8."""
    encoding = getattr(stream, "encoding", None)
    if not encoding:
        import locale  # only now: a stream knows its own

        encoding = locale.getpreferredencoding(False)
    return encoding.lower().replace("-", "") == "utf8"


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


def _are_short(words: list[str], width: int) -> bool:
    return max(map(len, words)) < width
