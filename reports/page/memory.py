"""Of a run too long for its page: memory at the begin of its windows, from where the page's script
goes on event by event."""

from __future__ import annotations

from operator import attrgetter

from alloctrace import measure
from alloctrace.space import live_blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Event, Group
    from alloctrace.space.live_blocks import Held
    from alloctrace.trace.read import Trace
    from reports.page.cells import Wanted

    Blocks = Union[list[Held], int, None]  # how many, where they are not told

BLOCKS = 24000  # live at the begin of one window
ROWS = 26000  # blocks in all
LARGE = 8  # windows whose blocks are looked for first: the beginnings, the peak, the end
SMALL, SOON = 100, 100000  # of the others the first that begin so early
_MADE = attrgetter("made")


def blocks(
    trace: Trace,
    wanted: Wanted,
    ranges: list[list[int]],
    events: list[Event],
    summary: dict[str, Any],
    kind_of: Callable[[Group], int],
) -> dict[str, Any]:
    """{at: [[seq of a window's first event, True | how many | None: not known]], blocks: columns}:
    what was live right before; a block in windows `since` to `until`, as `at` has them. `events`:
    of all windows; `kind_of`: of a group the number of its kind."""
    chosen = _chosen(ranges)
    held = live_blocks.before(trace, wanted, sorted(chosen), BLOCKS)
    if not _add_up(held, ranges, events, summary):
        held = dict.fromkeys(held)
    rows: set[int] = set()  # what each block is known by that is told: the call that made it
    for seq in chosen:
        before = held[seq]
        found = set(map(_MADE, before)) if isinstance(before, list) else set()
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


def _columns(
    windows: list[Blocks], groups: GroupTable, kind_of: Callable[[Group], int]
) -> dict[str, Any]:
    told: dict[int, list[Any]] = {}  # the call that made it -> [block, since, until]
    for at, found in enumerate(windows):
        for block in found if isinstance(found, list) else ():
            told.setdefault(block.made, [block, at, at])[2] = at
    kept = [block for block, _, _ in told.values()]
    kinds = [None if b.group is None else kind_of(groups.bare(b.group - 1)) for b in kept]
    keys = ["%d.%d" % block.program for block in kept]
    programs = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return {
        "programs": list(programs),
        "program": [programs[key] for key in keys] if len(programs) > 1 else None,
        "number": [block.number for block in kept],
        "address": [hex(block.address) for block in kept],
        "bytes": [block.size for block in kept],
        "made": [block.made for block in kept],
        "kind": kinds,
        "since": [since for _, since, _ in told.values()],
        "until": [until for _, _, until in told.values()],
    }


def _chosen(ranges: list[list[int]]) -> list[int]:
    """First seqs of windows, the largest ones first."""
    by_size = sorted(ranges, key=lambda one: one[0] - one[1])
    large = [first for first, _ in by_size[:LARGE]]
    small = [first for first, _ in ranges if first not in large and first < SOON]
    return large + small[:SMALL]


def _add_up(
    held: dict[int, Blocks], ranges: list[list[int]], events: list[Event], summary: dict[str, Any]
) -> bool:
    """Whether the windows' blocks come to what the summary says: at the peak and at the end."""
    peak = summary["peak"]["seq"]
    starts = {first: held.get(first) for first, _ in ranges}
    live: _Live | None = None
    last: int | None = None
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
    return live is None or not is_end or bool(live.bytes == summary["leaked"]["bytes"])


class _Live:
    """What is live in a window, event by event, as blocks.js follows it."""

    def __init__(self, found: list[Held]) -> None:
        self._blocks: dict[tuple[int, int | None], int] = {
            (b.program[0], b.number): b.size for b in found
        }
        self._images: dict[int, int] = {pid: image for pid, image in (b.program for b in found)}
        # Seq -> (block, the call that it lies in).
        self._calls: dict[int, tuple[int | None, int | None]] = {}

    @property
    def bytes(self) -> int:
        return sum(self._blocks.values())

    def add(self, event: Event) -> None:
        if self._images.setdefault(event.pid, event.image) != event.image:
            self._images[event.pid] = event.image
            self._blocks = {k: size for k, size in self._blocks.items() if k[0] != event.pid}
        if event.kind == "call":
            self._calls[event.seq] = event.block, event.outer
            if measure.hands_out(event):
                self._blocks[event.pid, event.block] = measure.bytes_asked(event)
            elif measure.frees(event) and not event.failed and not self._is_for_outer(event):
                self._blocks.pop((event.pid, event.block), None)

    def _is_for_outer(self, event: Event) -> bool:
        """A call around it works on the same block, and tells."""
        outer = event.outer
        while outer is not None and outer in self._calls:
            block, outer = self._calls[outer]
            if block == event.block:
                return True
        return False
