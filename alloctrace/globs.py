"""Patterns in which only `*` is special, and many of them asked at once."""

from __future__ import annotations

from .plain import frozen


@frozen
class Glob:
    """Hundreds of them are made at each start, where regular expressions would take longer to
    compile than all their questions take.
    """

    first: str
    middle: tuple
    last: str
    is_exact: bool

    def match(self, text):
        """Whether the pattern fits the whole text."""
        if self.is_exact:
            return text == self.first
        at, end = len(self.first), len(text) - len(self.last)
        if at > end or not (text.startswith(self.first) and text.endswith(self.last)):
            return False
        for part in self.middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


def glob(pattern):
    first, *rest = pattern.split("*")
    return Glob(first, tuple(rest[:-1]), rest[-1] if rest else "", not rest)


class Globs:
    """Patterns, each with a value, found by how a text begins: few are tried of hundreds."""

    def __init__(self, rows):
        """`rows`: (pattern as text, its value)."""
        self._exact, self._beginning = {}, {}
        for text, value in rows:
            if "*" not in text:
                self._exact.setdefault(text, []).append(value)
            else:
                pattern = glob(text)
                self._beginning.setdefault(pattern.first, []).append((pattern, value))
        self._lengths = sorted(set(map(len, self._beginning)))

    def fitting(self, text):
        """The values of all patterns that fit the whole text, in no order."""
        found = list(self._exact.get(text, ()))
        for length in self._lengths:
            if length > len(text):
                break
            for pattern, value in self._beginning.get(text[:length], ()):
                if pattern.match(text):
                    found.append(value)
        return found
