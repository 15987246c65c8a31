"""Entries of two sides -> rows: which of them are the same place, in passes from sure to loose.

Each pass takes what is left by those before it and pairs what has the same key; keys that collide
are added up. Nothing is paired by likeness: that is only shown (likeness.py).
"""

from __future__ import annotations

from collections import defaultdict, namedtuple

from alloctrace.compare.chains import NAMELESS

# `how`: the name of the pass, "new" or "gone". `before`, `after`: (Entry, [vector of each run])
# of the side, None where it has none; a vector is a sum for each of entries.MEASURES.
Row = namedtuple("Row", "how before after")


def match(before, after):
    """[Row]. `before`, `after`: the lists of entries.Run.entries of the runs of each side."""
    left = _Side(before), _Side(after)
    rows = []
    for how, key in PASSES:
        rows += _pass(how, key, *left)
    rows += [Row("gone", found, None) for found in left[0].found.values()]
    return rows + [Row("new", None, found) for found in left[1].found.values()]


def _pass(how, key, before, after):
    ours, theirs = before.by(key), after.by(key)
    for value in ours:
        if value in theirs:
            yield Row(how, before.take(ours[value]), after.take(theirs[value]))


class _Side:
    """What is left of a side: {Entry without its place in the source: (Entry, vectors)}."""

    def __init__(self, runs):
        self.found, self._runs = {}, len(runs)
        for index, entries in enumerate(runs):
            for entry, sums in entries:
                key = entry._replace(file=None, line=None, shown=None)
                _, vectors = self.found.setdefault(key, (entry, self._zeros(sums)))
                vectors[index] = [a + b for a, b in zip(vectors[index], sums)]

    def _zeros(self, like):
        return [[0] * len(like) for _ in range(self._runs)]

    def by(self, key):
        """{value of the key: what is left with it}."""
        found = defaultdict(list)
        for left in self.found:
            value = key(left)
            if value is not None:
                found[value].append(left)
        return found

    def take(self, keys):
        """Remove them; (the Entry of the largest, the vectors of all added up)."""
        taken = [self.found.pop(key) for key in keys]
        largest = max(taken, key=lambda pair: max(map(tuple, pair[1])))[0]
        added = [
            [sum(column) for column in zip(*of_run)]
            for of_run in zip(*(vectors for _, vectors in taken))
        ]
        return largest, added


def _who(entry):
    return entry.place, entry.origin, entry.owner, entry.kind, entry.name


def _within(entry):
    return (*_who(entry), entry.phase, entry.purpose, entry.module)


def _exact(entry):
    return None if entry.exact == NAMELESS else (*_within(entry), entry.exact)


def _physical(entry):
    return None if entry.physical == NAMELESS else (*_within(entry), entry.physical)


def _cut(entry):
    is_named = entry.cut and None not in entry.cut
    return (*_within(entry), entry.cut) if is_named else None


def _asked_by(entry):
    """Where the purpose stands for the stack, it does so here too."""
    if entry.exact is None:
        return (*_who(entry), entry.purpose)
    return entry.function and (*_who(entry), entry.module, entry.function)


def _function(entry):
    key = _asked_by(entry)
    return key and (*key, entry.phase)


def _nameless(entry):
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
