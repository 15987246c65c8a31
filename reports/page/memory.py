"""Of a run too long for its page: memory at the begin of its windows, from where the page's script
goes on event by event."""

from __future__ import annotations

from operator import attrgetter

from alloctrace import measure
from alloctrace.space import live_blocks

BLOCKS = 24000  # live at the begin of one window
ROWS = 26000  # blocks in all
LARGE = 8  # windows whose blocks are looked for first: the beginnings, the peak, the end
SMALL, SOON = 100, 100000  # of the others the first that begin so early
_MADE = attrgetter("made")


def blocks(trace, wanted, ranges, events, summary, kind_of):
    """{at: [[seq of a window's first event, True | how many | None: not known]], blocks: columns}:
    what was live right before; a block in windows `since` to `until`, as `at` has them. `events`:
    of all windows; `kind_of`: of a group the number of its kind."""
    chosen = _chosen(ranges)
    held = live_blocks.before(trace, wanted, sorted(chosen), BLOCKS)
    if not _add_up(held, ranges, events, summary):
        held = dict.fromkeys(held)
    rows = set()  # what each block is known by that is told: the call that made it
    for seq in chosen:
        found = set(map(_MADE, held[seq])) if isinstance(held[seq], list) else set()
        if len(rows | found) > ROWS:
            held[seq] = len(found)
        else:
            rows |= found
    return {
        "at": [
            [seq, one if not isinstance(one, list) else True] for seq, one in sorted(held.items())
        ],
        "blocks": _columns([held[seq] for seq in sorted(held)], trace.sums().groups, kind_of),
    }


def _columns(windows, groups, kind_of):
    told = {}  # the call that made it -> [block, since, until]
    for at, found in enumerate(windows):
        for block in found if isinstance(found, list) else ():
            told.setdefault(block.made, [block, at, at])[2] = at
    kept = [block for block, _, _ in told.values()]
    kinds = [None if b.group is None else kind_of(groups.bare(b.group - 1)) for b in kept]
    keys = ["%d.%d" % block.program for block in kept]
    programs = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return {
        "programs": list(programs),
        "program": list(map(programs.get, keys)) if len(programs) > 1 else None,
        "number": [block.number for block in kept],
        "address": [hex(block.address) for block in kept],
        "bytes": [block.size for block in kept],
        "made": [block.made for block in kept],
        "kind": kinds,
        "since": [since for _, since, _ in told.values()],
        "until": [until for _, _, until in told.values()],
    }


def _chosen(ranges):
    """First seqs of windows, the largest ones first."""
    by_size = sorted(ranges, key=lambda one: one[0] - one[1])
    large = [first for first, _ in by_size[:LARGE]]
    small = [first for first, _ in ranges if first not in large and first < SOON]
    return large + small[:SMALL]


def _add_up(held, ranges, events, summary):
    """Whether the windows' blocks come to what the summary says: at the peak and at the end."""
    peak = summary["peak"]["seq"]
    starts = {first: held.get(first) for first, _ in ranges}
    live = last = None
    for event in events:
        if event.seq in starts:
            found = starts[event.seq]
            live = _Live(found) if isinstance(found, list) else None
        last = event.seq
        if live is None:
            continue
        live.add(event)
        if event.seq == peak and live.bytes != summary["peak_bytes"]:
            return False
    is_end = last is not None and last == (ranges[-1][1] if ranges else None)
    return live is None or not is_end or live.bytes == summary["leaked"]["bytes"]


class _Live:
    """What is live in a window, event by event, as blocks.js follows it."""

    def __init__(self, found):
        self._blocks = {(b.program[0], b.number): b.size for b in found}
        self._images = dict(b.program for b in found)
        self._calls = {}  # seq -> (block, the call that it lies in)

    @property
    def bytes(self):
        return sum(self._blocks.values())

    def add(self, event):
        if self._images.setdefault(event.pid, event.image) != event.image:
            self._images[event.pid] = event.image
            self._blocks = {k: size for k, size in self._blocks.items() if k[0] != event.pid}
        if event.kind == "call":
            self._calls[event.seq] = event.block, event.outer
            if measure.hands_out(event):
                self._blocks[event.pid, event.block] = measure.bytes_asked(event)
            elif measure.frees(event) and not event.failed and not self._is_for_outer(event):
                self._blocks.pop((event.pid, event.block), None)

    def _is_for_outer(self, event):
        """A call around it works on the same block, and tells."""
        outer = event.outer
        while outer in self._calls:
            block, outer = self._calls[outer]
            if block == event.block:
                return True
        return False
