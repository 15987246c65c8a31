"""Two witnesses' events laid side by side, thread by thread, in the order in which they began."""

from __future__ import annotations

from difflib import SequenceMatcher

from .events import key

LARGEST = 20000  # events of a thread in the middle of a difference that are compared one by one


def align(first, second):
    """[(index in `first` or None, index in `second` or None)], each index once.

    `first` and `second` are [Seen]. Two events match when they are of one thread and one program,
    and their keys are equal. The order is that of `first`; what only `second` has follows what
    stood before it there.
    """
    found = []
    groups = sorted({(e.image, e.task) for e in first} | {(e.image, e.task) for e in second})
    for group in groups:
        ours, theirs = _of(first, group), _of(second, group)
        found += _pairs(first, ours, second, theirs)
    return found


def _of(events, group):
    return [i for i, event in enumerate(events) if (event.image, event.task) == group]


def _pairs(first, ours, second, theirs):
    a, b = [key(first[i]) for i in ours], [key(second[j]) for j in theirs]
    start = _same_start(a, b)
    end = _same_start(a[start:][::-1], b[start:][::-1])
    yield from zip(ours[:start], theirs[:start])
    middle = slice(start, len(a) - end), slice(start, len(b) - end)
    for i, j in _middle(a[middle[0]], b[middle[1]]):
        yield (
            None if i is None else ours[start + i],
            None if j is None else theirs[start + j],
        )
    yield from zip(ours[len(a) - end :], theirs[len(b) - end :])


def _same_start(a, b):
    count = 0
    for x, y in zip(a, b):
        if x != y:
            break
        count += 1
    return count


def _middle(a, b):
    if max(len(a), len(b)) > LARGEST:
        yield from ((i, None) for i in range(len(a)))
        yield from ((None, j) for j in range(len(b)))
        return
    for tag, i, i_end, j, j_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(range(i, i_end), range(j, j_end))
        else:
            yield from ((k, None) for k in range(i, i_end))
            yield from ((None, k) for k in range(j, j_end))
