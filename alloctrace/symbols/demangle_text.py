"""The characters of a mangled name, for demangle_cxx: what is next, and what must be."""

from __future__ import annotations

from alloctrace.patterns import Pattern

from .demangle_types import Unsure

_NUMBER = Pattern(r"n?\d+")


class Text:
    """`text` from `at` on. What is not as it must be raises Unsure, or IndexError at its end."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def _peek(self) -> str:
        return self.text[self.at]

    def _take(self, count: int = 1) -> str:
        self.at += count
        if self.at > len(self.text):
            raise Unsure
        return self.text[self.at - count : self.at]

    def _peeks(self, what: str) -> bool:
        return self.text.startswith(what, self.at)

    def _is(self, what: str) -> bool:
        found = self._peeks(what)
        self.at += len(what) * found
        return found

    def _expect(self, what: str) -> None:
        if not self._is(what):
            raise Unsure

    def _number(self) -> str:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise Unsure
        text: str = match.group()
        self.at = match.end()
        return text

    def _sequence(self, base: int = 36) -> int:
        """`_` is 0, `0_` is 1, …"""
        end = self.text.find("_", self.at)
        digits = self.text[self.at : end]
        if end < 0 or len(digits) > 4 or digits and not digits.isalnum():
            raise Unsure
        self.at = end + 1
        try:
            return int(digits, base) + 1 if digits else 0
        except ValueError:
            raise Unsure from None
