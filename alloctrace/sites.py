"""Where memory was asked for: allocations by the frame that decided on their origin.

A place may ask for several things: what is said of it as a whole is true of each of its
allocations, and `by_purpose` tells them apart, those of unknown purpose as well.
"""

from __future__ import annotations

from os.path import commonprefix  # of lists, too

from alloctrace import measure

SEVERAL = "several"
MOST_PURPOSES = 10  # of one place, told apart
_SUMS = ("count", "bytes", "live_blocks", "live_bytes")


class Sites:
    """Adds up groups by place; `frame_of(stack, verdict)`: the one meaningful frame, or None."""

    def __init__(self, frame_of):
        self._frame_of = frame_of
        self._known = {}  # (stack, decided_by, origin) -> row
        self._rows = {}

    def add(self, group):
        if not group.allocations:
            return
        row, purposes = self._row(group)
        _add(row, group)
        _add(_part(purposes, group), group)

    def _row(self, group):
        decided = group.verdict.decided_by if group.verdict else None
        short = (group.stack, decided, measure.origin(group))
        if short not in self._known:
            frame = self._frame_of(group.stack, group.verdict)
            self._known[short] = self._place(frame, measure.origin(group))
        return self._known[short]

    def _place(self, frame, origin):
        where = (
            (frame.function, frame.module, frame.file, frame.line)
            if frame
            else (None, "", None, None)
        )
        offset = frame.offset if frame and not frame.function else None
        key = where + (offset, origin)
        if key not in self._rows:
            names = ("function", "module", "file", "line", "offset", "origin")
            self._rows[key] = dict(zip(names, key), **dict.fromkeys(_SUMS, 0)), {}
        return self._rows[key]

    def rows(self, limit=None):
        """The contract's `sites`, most bytes first; all of them, or the `limit` first.

        `purpose`: what all its allocations were for, None where no purpose is known, SEVERAL where
        they differ; `purposes`: how many differ; `by_purpose`: those with most bytes, with their
        sums and their share of the place's bytes.
        """
        rows = sorted(self._rows.values(), key=lambda row: _rank(row[0]))[:limit]
        return [_finish(*row) for row in rows]

    def __len__(self):
        return len(self._rows)


def _add(row, group):
    row["count"] += group.allocations
    row["bytes"] += group.allocated
    row["live_blocks"] += group.live_blocks
    row["live_bytes"] += group.live_bytes


def _part(purposes, group):
    """Its purpose's row. What one rule says in several ways (of other sizes) is one."""
    text = measure.purpose(group)
    key = group.purpose.rule if text is not None else None
    part = purposes.setdefault(key, dict(purpose=text, **dict.fromkeys(_SUMS, 0)))
    if part["purpose"] == text:
        return part
    common = in_common(part["purpose"], text)
    if common is None:
        return purposes.setdefault((key, text), dict(purpose=text, **dict.fromkeys(_SUMS, 0)))
    part["purpose"] = common
    return part


def in_common(one, other):
    """The words of both texts, `…` for what differs: `growing to … bytes`; None: no words."""
    ones, others = one.split(), other.split()
    if len(ones) == len(others):
        words = [a if a == b else "…" for a, b in zip(ones, others)]
    else:
        ahead = len(commonprefix([ones, others]))
        rest = [ones[ahead:][::-1], others[ahead:][::-1]]
        behind = commonprefix(rest)[::-1]
        words = ones[:ahead] + ["…"] + behind
    return " ".join(words) if set(words) != {"…"} else None


def _rank(row):
    names = [str(row[name]) for name in ("origin", "module", "function", "file")]
    return (-row["bytes"], -row["count"], names, row["line"] or 0, row["offset"] or 0)


def _finish(row, purposes):
    shown = dict(row, offset=hex(row["offset"]) if row["offset"] is not None else None)
    parts = sorted(_by_text(purposes), key=lambda p: (-p["bytes"], -p["count"], p["purpose"] or ""))
    shown["purpose"] = parts[0]["purpose"] if len(parts) == 1 else SEVERAL
    shown["purposes"] = len(parts)
    shown["by_purpose"] = [dict(part, share=_share(part, row)) for part in parts[:MOST_PURPOSES]]
    return shown


def _by_text(purposes):
    """Rules that say the same are one purpose."""
    found = {}
    for part in purposes.values():
        same = found.setdefault(part["purpose"], dict(part, **dict.fromkeys(_SUMS, 0)))
        for name in _SUMS:
            same[name] += part[name]
    return found.values()


def _share(part, row):
    """Of its bytes, or where it asked for none, of its allocations."""
    by = "bytes" if row["bytes"] else "count"
    return part[by] / row[by] if row[by] else 0
