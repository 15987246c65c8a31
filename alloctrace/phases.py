"""The phases of a run with what the process cost at their borders: asking is not touching."""

from __future__ import annotations

from collections import defaultdict

from alloctrace import words

_COSTS = ("rss_bytes", "minor_faults", "major_faults", "mapped_bytes")


class Phases:
    """Adds up groups by image and phase."""

    def __init__(self):
        self._sums = defaultdict(lambda: defaultdict(int))

    def add(self, group):
        if not group.is_counted:
            return
        sums = self._sums[group.image, group.phase]
        if group.kind == "call":
            sums["calls"] += group.count
            sums["allocated_bytes"] += group.allocated
        else:
            sums["syscalls"] += group.count
            sums["brk_mmap"] += group.count if group.name in ("brk", "mmap") else 0

    def rows(self, borders, end):
        """One row a phase and image, in time; `end`: the process at its end (a dict, may be {})."""
        images = sorted(
            {border.image for border in borders} | {key[0] for key in self._sums} or {0}
        )
        return [row for image in images for row in self._image(image, borders, end, images[-1])]

    def _image(self, image, borders, end, last):
        mine = {border.phase: border for border in borders if border.image == image}
        after = [border for border in borders if border.image > image]
        closing = {"t_ns": after[0].t_ns} if after else (end if image == last else {})
        rows = []
        rest = list(words.PHASES)
        for phase in words.PHASES:
            rest.remove(phase)
            later = [mine[name] for name in rest if name in mine]
            until = _as_dict(later[0]) if later else closing
            rows.append(self._row(image, phase, mine.get(phase), until))
            rows[-1]["passed"] = phase in mine or bool(later)
            rows[-1]["replaced"] = bool(after)  # by an exec
        return rows

    def _row(self, image, phase, border, until):
        start = _as_dict(border)
        row = {"phase": phase, "image": image, "how": border.how if border else None}
        row["reached"] = border is not None
        row["start_ns"] = start.get("t_ns")
        row["end_ns"] = until.get("t_ns") if border else None
        for name in _COSTS:
            row[name] = start.get(name)
            row[name + "_grown"] = _difference(start.get(name), until.get(name))
        sums = self._sums.get((image, phase), {})
        for name in ("calls", "syscalls", "brk_mmap", "allocated_bytes"):
            row[name] = sums.get(name, 0)
        return row


def _as_dict(border):
    if border is None:
        return {}
    names = _COSTS + ("t_ns",)
    return {name: getattr(border, name) for name in names}


def _difference(start, end):
    return None if start is None or end is None else end - start
