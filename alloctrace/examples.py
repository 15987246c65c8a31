"""Of many recorded events one of each group, with the events that say what it is for.

An example is read from the chunk in which its group began, together with the call around it and
the one that made its block. The first events of a run come all: there the loader's neighbours tell
which library it is about. Chunks cost time: where too many would have to be unfolded, those with
the most events decide, and the other groups get an example without sizes.
"""

from __future__ import annotations

from bisect import bisect_right

from .model import Event

FIRST_EVENTS = 3000
MAX_CHUNKS = 64


def of(recorded, groups):
    """(events, {index: Group that it stands for}): numbered anew, in their order."""
    chunks = _chunks_of(recorded, groups)
    first = {group.first_seq: group for group in groups}
    wanted = set(range(min(FIRST_EVENTS, len(recorded.events)))) | set(first)
    wanted |= {group.before for group in groups if group.before is not None}
    found = {event.seq: event for event in recorded.pick(wanted, chunks)}
    outside = {seq for event in found.values() for seq in (event.cause, event.outer)}
    outside -= found.keys() | {None}
    found.update((event.seq, event) for event in recorded.pick(outside, chunks))
    for seq, group in first.items():
        if seq not in found:
            found[seq] = _bare(group)
    return _renumbered(found), _stands_for(found, first)


def _chunks_of(recorded, groups):
    """Indexes of the chunks to unfold."""
    starts = [first for first, _, _ in recorded.chunks]
    chosen = set(range(bisect_right(starts, FIRST_EVENTS - 1)))
    for group in sorted(groups if starts else (), key=lambda group: -group.count):
        chosen.add(bisect_right(starts, group.first_seq) - 1)
        if len(chosen) >= MAX_CHUNKS:
            break
    return chosen


def _bare(group):
    """What is known of an event without reading it."""
    what = (group.first_seq, group.first_t, group.pid, group.pid, group.kind, group.name)
    made = Event(*what, group.impl, phase=group.phase, image=group.image, stack=group.stack)
    made.verdict = group.verdict
    return made


def _renumbered(found):
    """The same events as if there had been no others. They were made for this, and are changed."""
    numbers = {seq: index for index, seq in enumerate(sorted(found))}
    for seq, index in numbers.items():
        event = found[seq]
        event.seq = index
        event.cause, event.outer = numbers.get(event.cause), numbers.get(event.outer)
    return [found[seq] for seq in numbers]


def _stands_for(found, first):
    return {index: first[seq] for index, seq in enumerate(sorted(found)) if seq in first}
