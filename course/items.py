"""The text of a lesson's file as items: headings, paragraphs, code, tables, and keyed texts."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from re import Match
    from typing import Any, NoReturn

_KEY = re.compile(r'([a-z]+)((?: [^:"]*)?(?: "[^"]*")?):(?:\s+|$)')
KEYS = frozenset(
    "idea program measure question choice answer right mistake show prove read holds if else "
    "on set replace with expect".split()
)


class LessonError(ValueError):
    """`str()`: `FILE:LINE:COLUMN: what is wrong; what was expected`."""

    def __init__(self, source: str, line: int, column: int, message: str) -> None:
        super().__init__("%s:%d:%d: %s" % (source, line, column, message))
        self.line, self.column = line, column


class Item:
    """A paragraph (`key` None) or a keyed text. `at`: column of the text."""

    def __init__(
        self, line: int, key: str | None, rest: str, text: str, at: int, kind: str = "text"
    ) -> None:
        self.line, self.key, self.rest, self.text, self.at = line, key, rest.strip(), text, at
        self.kind = kind


class Items:
    """The Items of a text, one after the other. `fail` raises a LessonError at one of them, at
    what was made of it, or at a line."""

    def __init__(self, text: str, source: str) -> None:
        self.lines, self.source = text.split("\n"), source

    def fail(self, item: Any, message: str, column: int = 1) -> NoReturn:
        line = item if isinstance(item, int) else item.line
        raise LessonError(self.source, line, column, message)

    def __iter__(self) -> Iterator[Item]:
        """Paragraphs, code, tables, headings and keyed texts, one after the other."""
        at, lines = 0, self.lines
        while at < len(lines):
            line = lines[at]
            if not line.strip() or line.startswith("//"):
                at += 1
                continue
            if line.startswith("#"):
                yield Item(at + 1, "#", "", line.rstrip(), 1)
                at += 1
                continue
            begin, kind = at, self._kind(line)
            match = _KEY.match(line) if kind == "text" else None
            at += 1
            while at < len(lines) and lines[at].strip() and self._goes_on(lines[at], kind, match):
                at += 1
            while kind == "code" and at + 1 < len(lines) and lines[at + 1].startswith("    "):
                at += 2  # a blank line inside code
                while at < len(lines) and lines[at].startswith("    "):
                    at += 1
            block = lines[begin:at]
            yield self._keyed(begin + 1, block, match) if match else self._plain(begin, block, kind)

    @staticmethod
    def _kind(line: str) -> str:
        return "code" if line.startswith("    ") else "table" if line.startswith("|") else "text"

    def _goes_on(self, line: str, kind: str, match: Match[str] | None) -> bool:
        if match:
            return line.startswith("  ")
        return (
            self._kind(line) == kind
            and not line.startswith(("#", "//"))
            and not (kind == "text" and _KEY.match(line))
        )

    def _keyed(self, number: int, block: list[str], match: Match[str]) -> Item:
        key, rest = match[1], match[2]
        if key not in KEYS:
            self.fail(number, "unknown word %s; expected: %s" % (key, ", ".join(sorted(KEYS))))
        if key in ("replace", "with"):
            text = "\n".join([block[0][match.end() :], *(line[2:] for line in block[1:])])
            return Item(number, key, rest, text.strip("\n"), match.end() + 1)
        words = [block[0][match.end() :], *block[1:]]
        return Item(number, key, rest, " ".join(w.strip() for w in words).strip(), match.end() + 1)

    def _plain(self, begin: int, block: list[str], kind: str) -> Item:
        if kind == "text":
            text = " ".join(line.strip() for line in block)
        else:
            text = "\n".join(line[4 if kind == "code" else 0 :].rstrip() for line in block)
        return Item(begin + 1, None, "", text, 1, kind)
