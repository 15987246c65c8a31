"""Where memory was asked for: allocations by the frame that decided on their origin."""

from __future__ import annotations

from alloctrace import measure

_PURPOSES = 100  # of one site; growing blocks have one each
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
        row = self._row(group)
        row["count"] += group.allocations
        row["bytes"] += group.allocated
        row["live_blocks"] += group.live_blocks
        row["live_bytes"] += group.live_bytes
        text, sums = measure.purpose(group), row["_purposes"]
        if text in sums or len(sums) < _PURPOSES:
            sums[text] = sums.get(text, 0) + group.allocated

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
            row = dict(zip(names, key), **dict.fromkeys(_SUMS, 0))
            self._rows[key] = dict(row, _purposes={})
        return self._rows[key]

    def rows(self, limit=None):
        """The contract's `sites`, most bytes first; all of them, or the `limit` first.

        `purpose`: of several the one with most bytes; `purposes`: how many (at most _PURPOSES).
        """
        return [_finish(row) for row in sorted(self._rows.values(), key=_rank)[:limit]]

    def __len__(self):
        return len(self._rows)


def _rank(row):
    names = [str(row[name]) for name in ("origin", "module", "function", "file")]
    return (-row["bytes"], -row["count"], names, row["line"] or 0, row["offset"] or 0)


def _finish(row):
    texts = sorted(row["_purposes"], key=lambda text: -row["_purposes"][text])
    shown = {name: value for name, value in row.items() if not name.startswith("_")}
    shown["offset"] = hex(row["offset"]) if row["offset"] is not None else None
    shown["purpose"] = next((text for text in texts if text), None)
    shown["purposes"] = len(texts)
    return shown
