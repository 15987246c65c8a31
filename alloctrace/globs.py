"""Patterns in which only `*` is special, and many of them asked at once."""

from __future__ import annotations

from collections.abc import Iterable

from .plain import frozen

TYPE_CHECKING = False  # to import typing would take longer than all of this file
if TYPE_CHECKING:
    from typing import Any

    Index = tuple[dict[str, list[Any]], dict[str, list[tuple[str, Any]]]]


@frozen
class Glob:
    """Hundreds of them are made at each start, where regular expressions would take longer to
    compile than all their questions take.
    """

    first: str
    middle: tuple[str, ...]
    last: str
    is_exact: bool

    def match(self, text: str) -> bool:
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


def glob(pattern: str) -> Glob:
    first, *rest = pattern.split("*")
    return Glob(first, tuple(rest[:-1]), rest[-1] if rest else "", not rest)


def indexed(rows: Iterable[tuple[str, Any]]) -> Index:
    """What Globs is made of, as plain values. `rows`: (pattern as text, its value)."""
    exact: dict[str, list[Any]] = {}
    beginning: dict[str, list[tuple[str, Any]]] = {}
    for text, value in rows:
        if "*" not in text:
            exact.setdefault(text, []).append(value)
        else:
            beginning.setdefault(text.partition("*")[0], []).append((text, value))
    return exact, beginning


class Globs:
    """Patterns, each with a value, found by how a text begins: few are tried of hundreds."""

    def __init__(self, index: Index) -> None:
        """`index`: of `indexed`."""
        self._exact, self._beginning = index
        self._globs: dict[str, list[tuple[Glob, Any]]] = {}  # of those that were asked for
        self._lengths = sorted(set(map(len, self._beginning)))

    def _beginning_with(self, first: str) -> list[tuple[Glob, Any]]:
        if first not in self._globs:
            rows = self._beginning.get(first, ())
            self._globs[first] = [(glob(text), value) for text, value in rows]
        return self._globs[first]

    def fitting(self, text: str) -> list[Any]:
        """The values of all patterns that fit the whole text, in no order."""
        found = list(self._exact.get(text, ()))
        for length in self._lengths:
            if length > len(text):
                break
            first = text[:length]
            for pattern, value in self._beginning_with(first) if first in self._beginning else ():
                if pattern.match(text):
                    found.append(value)
        return found
