"""Entries of two sides -> rows: which of them are the same place, in passes from sure to loose.

Each pass takes what is left by those before it and pairs what has the same key; keys that collide
are added up. Nothing is paired by likeness: that is only shown (likeness.py).
"""

from __future__ import annotations

from collections import defaultdict, namedtuple
from operator import add

from alloctrace.compare.chains import NAMELESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NamedTuple, Optional

    from alloctrace.compare.entries import Entry

# `how`: the name of the pass, "new" or "gone". `before`, `after`: (Entry, [vector of each run],
# [entries.key of all that it is]) of the side, None where it has none; a vector is a sum for each
# of entries.MEASURES.
if TYPE_CHECKING:
    Side = tuple[Entry, list[list[int]], list[Entry]]
    Key = tuple[object, ...]  # some fields of an Entry, by which a pass of `match` finds its like

    class Row(NamedTuple):
        how: str
        before: Side | None
        after: Side | None

else:
    Row = namedtuple("Row", "how before after")


def match(
    before: list[list[tuple[Entry, Entry, list[int]]]],
    after: list[list[tuple[Entry, Entry, list[int]]]],
) -> list[Row]:
    """[Row]. `before`, `after`: the lists of entries.Run.entries of the runs of each side."""
    left = _Side(before), _Side(after)
    rows: list[Row] = []
    for how, key_of in PASSES:
        rows += _pass(how, key_of, *left)
    rows += [Row("gone", left[0].take([key]), None) for key in list(left[0].found)]
    return rows + [Row("new", None, left[1].take([key])) for key in list(left[1].found)]


def _pass(
    how: str,
    key_of: Callable[[Entry], Optional[Key]],
    before: _Side,
    after: _Side,
) -> Iterator[Row]:
    ours, theirs = before.by(key_of), after.by(key_of)
    for value in ours:
        if value in theirs:
            yield Row(how, before.take(ours[value]), after.take(theirs[value]))


class _Side:
    """What is left of a side: {Entry without its place in the source: (Entry, vectors)}."""

    def __init__(self, runs: list[list[tuple[Entry, Entry, list[int]]]]) -> None:
        self.found: dict[Entry, tuple[Entry, list[list[int]]]] = {}
        for index, entries in enumerate(runs):
            for entry, key, sums in entries:
                side = self.found.get(key)
                if side is None:
                    side = self.found[key] = entry, [[0] * len(sums) for _ in runs]
                side[1][index] = list(map(add, side[1][index], sums))

    def by(self, key_of: Callable[[Entry], Optional[Key]]) -> defaultdict[Key, list[Entry]]:
        """{value of the key: what is left with it}."""
        found = defaultdict(list)
        for left in self.found:
            value = key_of(left)
            if value is not None:
                found[value].append(left)
        return found

    def take(self, keys: list[Entry]) -> Side:
        """Remove them; (the Entry of the largest, the vectors of all added up, the keys)."""
        taken = [self.found.pop(key) for key in keys]
        if len(taken) == 1:
            return (*taken[0], keys)
        largest = max(taken, key=lambda pair: max(tuple(vector) for vector in pair[1]))[0]
        added = [
            [sum(column) for column in zip(*of_run)]
            for of_run in zip(*(vectors for _, vectors in taken))
        ]
        return largest, added, keys


def _who(entry: Entry) -> Key:
    return entry.place, entry.origin, entry.owner, entry.kind, entry.name


def _within(entry: Entry) -> Key:
    return (*_who(entry), entry.phase, entry.purpose, entry.module)


def _exact(entry: Entry) -> Key | None:
    return None if entry.exact == NAMELESS else (*_within(entry), entry.exact)


def _physical(entry: Entry) -> Key | None:
    return None if entry.physical == NAMELESS else (*_within(entry), entry.physical)


def _cut(entry: Entry) -> Key | None:
    is_named = entry.cut and None not in entry.cut
    return (*_within(entry), entry.cut) if is_named else None


def _asked_by(entry: Entry) -> Key | None:
    """Where the purpose stands for the stack, it does so here too."""
    if entry.exact is None:
        return (*_who(entry), entry.purpose)
    return (*_who(entry), entry.module, entry.function) if entry.function else None


def _function(entry: Entry) -> Key | None:
    who = _asked_by(entry)
    return who and (*who, entry.phase)


def _nameless(entry: Entry) -> Key | None:
    """All functions without a name are one: which is which cannot be known."""
    return None if entry.function or entry.exact is None else _within(entry)


# A moved one has the same function in another phase: `function` took those of the same phase.
PASSES = (
    ("exact", _exact),
    ("physical", _physical),
    ("cut", _cut),
    ("function", _function),
    ("moved", _asked_by),
    ("nameless", _nameless),
)
