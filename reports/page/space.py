"""What was mapped after each event, as data of the page: by alloctrace.space.address_space."""

from __future__ import annotations

from alloctrace.space import address_space
from reports.page.fit import fit

PIECE = "pid start end label access made since until".split()
CHECK = "pid phase at mapped resident found".split()


def of(events, trace):
    """Plain values, fit for JSON; an event is told by its place among `events`."""
    spaces = address_space.replay(events, trace)
    labels = sorted({(piece.kind, piece.name) for piece in spaces.pieces})
    number = {label: at for at, label in enumerate(labels)}
    rows = [
        [p.pid, hex(p.start), hex(p.end), number[p.kind, p.name]]
        + [p.access, p.made, p.since, p.until]
        for p in spaces.pieces
    ]
    return {
        "kinds": dict(address_space.KINDS),
        "labels": [[kind, fit(name)] for kind, name in labels],
        "pieces": {"names": PIECE, "rows": rows},
        "checks": [{name: getattr(check, name) for name in CHECK} for check in spaces.checks],
        "pids": spaces.pids,
        "stops": {str(pid): stop for pid, stop in spaces.stops.items()},
        "partial": spaces.partial,
    }
