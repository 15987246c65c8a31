"""What was live after each event, and what became of each event's block: by the one rule of
alloctrace.live_bytes, event by event."""

from __future__ import annotations

from alloctrace import measure, words
from alloctrace.live_bytes import LiveBytes
from alloctrace.model import Group


class _Replay(LiveBytes):
    """Each event is a group of its own, so that each block is known by the event that made it."""

    def __init__(self):
        super().__init__()
        self.held = dict.fromkeys(words.ORIGINS, 0)

    def _change(self, group, blocks, size):
        super()._change(group, blocks, size)
        self.held[measure.origin(group)] += size


def of(events, summary):
    """{left, peak, temporary: bytes of each event's block; live: {origin: bytes after each}}.

    Where calls of several threads overlap, a recorder may know better than what it told event by
    event: a list whose sum is not the record's is None.
    """
    replay, groups = _Replay(), []
    live = {origin: [] for origin in words.ORIGINS}
    for number, event in enumerate(events, 1):
        group = Group(
            number, event.pid, event.kind, event.name, event.impl, event.phase, event.image,
            event.stack, verdict=event.verdict,
        )  # fmt: skip
        groups.append(group)
        replay.add(event, group)
        if number > 1:
            _note(live, replay.held)
    replay.finish()
    if groups:
        _note(live, replay.held)
    told = {
        "left": ("live_bytes", summary["leaked"]["bytes"]),
        "peak": ("peak_bytes", summary["peak_bytes"]),
        "temporary": ("temporary_bytes", summary["temporary"]["bytes"]),
    }
    found = {"live": {origin: values for origin, values in live.items() if any(values)}}
    for name, (of_group, total) in told.items():
        values = [getattr(group, of_group) for group in groups]
        found[name] = values if sum(values) == total else None
    return found


def _note(live, held):
    """What is live once the event before has returned."""
    for origin, size in held.items():
        live[origin].append(size)
