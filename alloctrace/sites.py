"""Where memory was asked for: allocations by the frame that decided on their origin.

A place may ask for several things: what is said of it as a whole is true of each of its
allocations, and `by_purpose` tells them apart, those of unknown purpose as well.
"""

from __future__ import annotations

from os.path import commonprefix  # of lists, too

from alloctrace import measure

SEVERAL = "several"
MOST_PURPOSES = 10  # of one place, told apart
STORED = ("count", "bytes", "live_blocks", "live_bytes")  # columns of the trace's table
STORED += ("temporary_blocks", "temporary_bytes", "peak_bytes")
SUMS = STORED + ("calls_reaching_kernel",)
PLACE = ("function", "module", "file", "line", "offset", "origin")
_VARIOUS, _CALLERS = "various", "callers'"  # what differs between purposes that are alike


def place(frame, origin):
    """What tells one place from another, as PLACE. `frame`: the meaningful one, or None."""
    if frame is None:
        return None, "", None, None, None, origin
    offset = frame.offset if _needs_offset(frame, origin) else None
    return frame.function, frame.module, frame.file, frame.line, offset, origin


def told(key):
    """A key of `place` as a record tells it: a dict of PLACE, the offset hexadecimal."""
    row = dict(zip(PLACE, key))
    offset = row["offset"]
    return dict(row, offset=None if offset is None else hex(offset))


def key_of(row):
    """As `place` gives it, of a record's site: the way back from `told`."""
    offset = row["offset"]
    values = dict(row, offset=None if offset is None else int(offset, 16))
    return tuple(values[name] for name in PLACE)


class Sites:
    """Adds up groups by place; `frame_of(stack, verdict)`: the one meaningful frame, or None.

    `at_peak(group)`: what it held at the peak that the report tells of; None: that of the run.
    """

    def __init__(self, frame_of, at_peak=None):
        self._frame_of, self._at_peak = frame_of, at_peak or (lambda group: group.peak_bytes)
        self._known = {}  # (stack, decided_by, origin) -> row
        self._rows = {}

    def add(self, group):
        if not group.allocations:
            return
        row, purposes = self._row(group)
        at_peak = self._at_peak(group)
        for sums in (row, _part(purposes, group)):
            _add(sums, group, at_peak)

    def _row(self, group):
        decided = group.verdict.decided_by if group.verdict else None
        short = (group.stack, decided, measure.origin(group))
        if short not in self._known:
            frame = self._frame_of(group.stack, group.verdict)
            self._known[short] = self._place(frame, measure.origin(group))
        return self._known[short]

    def _place(self, frame, origin):
        key = place(frame, origin)
        if key not in self._rows:
            offset = key[4]
            begun = None if offset is None or not frame.function else frame.start
            distance = None if begun is None or begun > offset else offset - begun
            named = dict(zip(PLACE, key), distance=distance)
            self._rows[key] = dict(named, **dict.fromkeys(SUMS, 0)), {}
        return self._rows[key]

    def rows(self, limit=None, by="bytes"):
        """The contract's `sites`, the largest first by one of SUMS; all, or the `limit` first.

        `purpose`: what all its allocations were for, None where no purpose is known, SEVERAL where
        they differ; `purposes`: how many differ; `by_purpose`: those with most bytes, with their
        sums and their share of the place's bytes.
        """
        rows = sorted(self._rows.items(), key=lambda item: _rank(item[1][0], by))
        return [_finish(key, *row) for key, row in rows[:limit]]

    def sum(self, name):
        """Of all places; None: not known."""
        values = [row[name] for row, _ in self._rows.values()]
        return None if None in values else sum(values)

    def __len__(self):
        return len(self._rows)


def _needs_offset(frame, origin):
    """Whether the function alone would take several places for one: of the loader and the runtimes
    it says enough."""
    return not frame.function or (not frame.line and origin in ("user", "unknown"))


def _add(row, group, at_peak):
    row["count"] += group.allocations
    row["bytes"] += group.allocated
    row["live_blocks"] += group.live_blocks
    row["live_bytes"] += group.live_bytes
    row["temporary_blocks"] += group.temporary_blocks
    row["temporary_bytes"] += group.temporary_bytes
    row["peak_bytes"] = _sum(row["peak_bytes"], at_peak)
    row["calls_reaching_kernel"] += group.reached


def _part(purposes, group):
    """Its purpose's row. What one rule says in several ways (of other sizes) is one."""
    text = measure.purpose(group)
    key = group.purpose.rule if text is not None else None
    part = purposes.setdefault(key, dict(purpose=text, **dict.fromkeys(SUMS, 0)))
    if part["purpose"] == text:
        return part
    common = in_common(part["purpose"], text)
    if common is None:
        return purposes.setdefault((key, text), dict(purpose=text, **dict.fromkeys(SUMS, 0)))
    part["purpose"] = common
    return part


def in_common(one, other):
    """The words of both texts, `various` for what differs: `growing to various bytes`; None: none
    is the same."""
    ones, others = one.split(), other.split()
    if len(ones) == len(others):
        words = [a if a == b else _either(a, b) for a, b in zip(ones, others)]
    else:
        ahead = len(commonprefix([ones, others]))
        rest = [ones[ahead:][::-1], others[ahead:][::-1]]
        behind = commonprefix(rest)[::-1]
        words = ones[:ahead] + [_VARIOUS] + behind
    return " ".join(words) if set(words) != {_VARIOUS} else None


def _either(one, other):
    """`main's own` and `work's own` are `callers' own`."""
    is_whose = all(word == _CALLERS or word.endswith("'s") for word in (one, other))
    return _CALLERS if is_whose else _VARIOUS


def _rank(row, by):
    names = [str(row[name]) for name in ("origin", "module", "function", "file")]
    sums = -(row[by] or 0), -row["bytes"], -row["count"]
    return *sums, names, row["line"] or 0, row["offset"] or 0


def _finish(key, row, purposes):
    shown = dict(row, **told(key))
    parts = sorted(_by_text(purposes), key=lambda p: (-p["bytes"], -p["count"], p["purpose"] or ""))
    shown["purpose"] = parts[0]["purpose"] if len(parts) == 1 else SEVERAL
    shown["purposes"] = len(parts)
    shown["by_purpose"] = [dict(part, share=_share(part, row)) for part in parts[:MOST_PURPOSES]]
    return shown


def _by_text(purposes):
    """Rules that say the same are one purpose."""
    found = {}
    for part in purposes.values():
        same = found.setdefault(part["purpose"], dict(part, **dict.fromkeys(SUMS, 0)))
        for name in SUMS:
            same[name] = _sum(same[name], part[name])
    return found.values()


def _sum(one, other):
    return None if None in (one, other) else one + other


def _share(part, row):
    """Of its bytes, or where it asked for none, of its allocations."""
    by = "bytes" if row["bytes"] else "count"
    return part[by] / row[by] if row[by] else 0
