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


def of(events):
    """{left, peak, temporary: bytes of each event's block; live: {origin: bytes after each}}."""
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
    return {
        "left": [group.live_bytes for group in groups],
        "left_blocks": [group.live_blocks for group in groups],
        "peak": [group.own_peak_bytes for group in groups],
        "temporary": [group.temporary_bytes for group in groups],
        "live": {origin: values for origin, values in live.items() if any(values)},
    }


def _note(live, held):
    """What is live once the event before has returned."""
    for origin, size in held.items():
        live[origin].append(size)
