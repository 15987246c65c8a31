"""The most that was live at once in each program of each process, and what each group held of it.

A program is one image of one process: the memory ends with it. The history in C does the same
(recorder/host/history/peaks.c).
"""

from __future__ import annotations


class OwnPeaks:
    """Follows the changes of live bytes that live_bytes.LiveBytes sees."""

    def __init__(self):
        self._images = {}  # (pid, image) -> _Image
        self._at_peak = {}  # group id -> (number of the peak, group)

    def change(self, group, size):
        """The group is about to hold `size` bytes more."""
        image = self._images.setdefault((group.pid, group.image), _Image())
        if self._at_peak.get(group.id, (0,))[0] != image.number:
            group.own_peak_bytes = group.live_bytes
        self._at_peak[group.id] = image.number, group
        image.live += size

    def look_up(self, event):
        """What is live has grown by the event, or may have."""
        image = self._images[event.pid, event.image]
        if image.live > image.bytes:
            image.bytes, image.event = image.live, event
            image.number += 1

    def finish(self):
        """Groups that did not change since the peak held then what they hold now."""
        for number, group in self._at_peak.values():
            if number != self._images[group.pid, group.image].number:
                group.own_peak_bytes = group.live_bytes

    def peaks(self):
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
    def __init__(self):
        self.live = self.bytes = self.number = 0
        self.event = None  # that made the peak
