"""Where memory was asked for: allocations by the frame that decided on their origin."""

from __future__ import annotations

from alloctrace import measure

_PURPOSES = 100  # of one site; growing blocks have one each


class Sites:
    """Adds up allocations by place; `stack_of(id)` gives the frames, innermost first."""

    def __init__(self, stack_of):
        self._stack_of = stack_of
        self._known = {}  # (stack, decided_by, origin) -> row
        self._rows = {}
        self._row_of_block = {}
        self._image = 0

    def add(self, event):
        if event.image != self._image:
            self._image = event.image
            self._row_of_block.clear()
        if measure.hands_out(event):
            self._allocate(event)
        elif measure.is_call(event) and measure.frees(event):
            self._row_of_block.pop(event.block, None)

    def _allocate(self, event):
        row = self._row(event)
        row["count"] += 1
        row["bytes"] += measure.bytes_asked(event)
        text = measure.purpose(event)
        sums = row["_purposes"]
        if text in sums or len(sums) < _PURPOSES:
            sums[text] = sums.get(text, 0) + measure.bytes_asked(event)
        self._row_of_block[event.block] = row, measure.bytes_asked(event)

    def _row(self, event):
        decided = event.verdict.decided_by if event.verdict else None
        short = (event.stack, decided, measure.origin(event))
        if short not in self._known:
            frame = measure.deciding_frame(event, self._stack_of(event.stack))
            self._known[short] = self._place(frame, measure.origin(event))
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
            self._rows[key] = dict(zip(names, key), count=0, bytes=0, _purposes={})
        return self._rows[key]

    def rows(self, limit=None):
        """The contract's `sites`, most bytes first; all of them, or the `limit` first.

        `purpose`: of several the one with most bytes; `purposes`: how many (at most _PURPOSES).
        """
        live = {}
        for row, size in self._row_of_block.values():
            entry = live.setdefault(id(row), [0, 0])
            entry[0] += 1
            entry[1] += size
        ordered = sorted(self._rows.values(), key=_rank)
        return [_finish(row, live.get(id(row), (0, 0))) for row in ordered[:limit]]

    def __len__(self):
        return len(self._rows)


def _rank(row):
    names = [str(row[name]) for name in ("origin", "module", "function", "file")]
    return (-row["bytes"], -row["count"], names, row["line"] or 0, row["offset"] or 0)


def _finish(row, live):
    texts = sorted(row["_purposes"], key=lambda text: -row["_purposes"][text])
    shown = {name: value for name, value in row.items() if not name.startswith("_")}
    shown["offset"] = hex(row["offset"]) if row["offset"] is not None else None
    shown["purpose"] = next((text for text in texts if text), None)
    shown["purposes"] = len(texts)
    shown["live_blocks"], shown["live_bytes"] = live
    return shown
