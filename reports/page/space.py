"""What was mapped after each event, as data of the page: by alloctrace.space.address_space."""

from __future__ import annotations

from bisect import bisect_left

from alloctrace.space import address_space
from reports.page.fit import fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Event
    from alloctrace.space.mappings import Piece
    from alloctrace.trace.read import Trace

PIECE = "pid start end label access made since until".split()
CHECK = "pid phase at mapped resident found".split()


def of(
    events: list[Event],
    trace: Trace,
    ranges: list[list[int]] | None = None,
    stopped: int | None = None,
) -> dict[str, Any]:
    """Plain values, fit for JSON; an event is told by its seq. `ranges`: the windows of the page,
    None: all is in it; `stopped`: from there on changes are not among `events`."""
    spaces = address_space.replay(events, trace)
    pieces = spaces.pieces
    if ranges is not None:
        lasts = [last for _, last in ranges]
        pieces = [piece for piece in pieces if _is_seen(piece, ranges, lasts)]
    labels = sorted({(piece.kind, piece.name) for piece in pieces})
    number = {label: at for at, label in enumerate(labels)}
    rows = [
        [p.pid, hex(p.start), hex(p.end), number[p.kind, p.name]]
        + [p.access, p.made, p.since, p.until]
        for p in pieces
    ]
    stops = dict(spaces.stops)
    if stopped is not None:
        for pid in spaces.pids:
            if stops.get(pid, (stopped,))[0] >= stopped:
                stops[pid] = stopped, "this page follows no more memory syscalls"
    return {
        "kinds": dict(address_space.KINDS),
        "labels": [[kind, fit(name)] for kind, name in labels],
        "pieces": {"names": PIECE, "rows": rows},
        "checks": [{name: getattr(check, name) for name in CHECK} for check in spaces.checks],
        "pids": spaces.pids,
        "stops": {str(pid): stop for pid, stop in stops.items()},
        "partial": spaces.partial,
    }


def _is_seen(piece: Piece, ranges: list[list[int]], lasts: list[int]) -> bool:
    """Whether it is there after an event of one of the windows."""
    place = bisect_left(lasts, piece.since)
    return place < len(ranges) and (piece.until is None or piece.until > ranges[place][0])
