"""What was live after each event, and what became of each event's block: by the one rule of
alloctrace.history.live_bytes, event by event."""

from __future__ import annotations

from itertools import accumulate

from alloctrace import measure, words
from alloctrace.history.live_bytes import LiveBytes
from alloctrace.model import Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Event


class _Replay(LiveBytes):
    """Each event is a group of its own, so that each block is known by the event that made it; and
    each change of what is live is noted at the event whose doing it is."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.changes = {origin: [0] * count for origin in words.ORIGINS}
        self._at: dict[int, int] = {}  # seq -> index
        self._doer = 0  # index of the event that acts

    def add(self, event: Event, group: Group) -> bool:
        self._doer = self._at[event.seq] = len(self._at)
        return super().add(event, group)

    def _allocate(self, event: Event, group: Group) -> None:
        self._doer = self._at[event.seq]
        super()._allocate(event, group)

    def _free(self, event: Event) -> None:
        self._doer = self._at[event.seq]
        super()._free(event)

    def _resize(self, event: Event) -> None:
        self._doer = self._at[event.seq]
        super()._resize(event)

    def _start_image(self, event: Event) -> None:
        self._doer = self._at[event.seq]
        super()._start_image(event)

    def _change(self, group: Group, blocks: int, size: int) -> None:
        super()._change(group, blocks, size)
        self.changes[measure.origin(group)][self._doer] += size


def of(events: list[Event], summary: dict[str, Any]) -> dict[str, Any]:
    """{left, peak, temporary: bytes of each event's block; live: {origin: bytes after each}}.

    Where calls of several threads overlap, a recorder may know better than what it told event by
    event: a list whose sum is not the summary's is None.
    """
    replay = _Replay(len(events))
    groups: list[Group] = []
    for number, event in enumerate(events, 1):
        alike = (event.pid, event.kind, event.name, event.impl, event.phase, event.image)
        group = Group(number, *alike, event.stack, verdict=event.verdict)
        groups.append(group)
        replay.add(event, group)
    replay.finish()
    told = {
        "left": ("live_bytes", summary["leaked"]["bytes"]),
        "peak": ("peak_bytes", summary["peak_bytes"]),
        "temporary": ("temporary_bytes", summary["temporary"]["bytes"]),
    }
    changed = {origin: values for origin, values in replay.changes.items() if any(values)}
    live = {origin: list(accumulate(values)) for origin, values in changed.items()}
    found: dict[str, Any] = {"live": live}
    for name, (of_group, total) in told.items():
        values = [getattr(group, of_group) for group in groups]
        found[name] = values if sum(values) == total else None
    return found
