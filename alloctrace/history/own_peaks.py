"""The most that was live at once in each program of each process, and what each group held of it.

A program is one image of one process: the memory ends with it. The history in C does the same
(recorder/host/history/peaks.c).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from alloctrace.model import Event, Group


class OwnPeaks:
    """Follows the changes of live bytes that live_bytes.LiveBytes sees."""

    def __init__(self) -> None:
        self._images: dict[tuple[int, int], _Image] = {}  # (pid, image) -> _Image
        self._at_peak: dict[int, tuple[int, Group]] = {}  # group id -> (number of the peak, group)

    def change(self, group: Group, size: int) -> None:
        """The group is about to hold `size` bytes more."""
        image = self._images.setdefault((group.pid, group.image), _Image())
        if self._at_peak.get(group.id, (0,))[0] != image.number:
            group.own_peak_bytes = group.live_bytes
        self._at_peak[group.id] = image.number, group
        image.live += size

    def look_up(self, event: Event) -> None:
        """What is live has grown by the event, or may have."""
        image = self._images[event.pid, event.image]
        if image.live > image.bytes:
            image.bytes, image.event = image.live, event
            image.number += 1

    def finish(self) -> None:
        """Groups that did not change since the peak held then what they hold now."""
        for number, group in self._at_peak.values():
            if number != self._images[group.pid, group.image].number:
                group.own_peak_bytes = group.live_bytes

    def peaks(self) -> list[dict[str, Any]]:
        """[{pid, image, bytes, seq, t_ns, phase}], in the order in which they began."""
        return [
            {
                "pid": pid,
                "image": number,
                "bytes": image.bytes,
                "seq": image.event.seq,
                "t_ns": image.event.t_ns,
                "phase": image.event.phase,
            }
            for (pid, number), image in self._images.items()
            if image.event
        ]


class _Image:
    def __init__(self) -> None:
        self.live = self.bytes = self.number = 0
        self.event: Event | None = None  # that made the peak
