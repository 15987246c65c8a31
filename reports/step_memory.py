"""Memory right after an event, in lines: what `brkpoint step` shows where one asks for it. Pure but
for the trace that it reads."""

from __future__ import annotations

from bisect import bisect_left

from alloctrace.escape import visible
from alloctrace.plain import replace
from alloctrace.space import address_space, changes, live_blocks
from reports import quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from alloctrace.event_cursor import Cursor
    from alloctrace.model import Event
    from alloctrace.space.live_blocks import Held
    from alloctrace.space.mappings import Piece

NEAR = 8  # blocks on each side of the event's own
MOST_MAPPINGS = 200
BLOCKS = 2000000


def of(cursor: Cursor, seq: int) -> list[str]:
    """Lines. `cursor`: an event_cursor.Cursor."""
    event = cursor.event(seq)
    blocks = live_blocks.before(cursor.trace, cursor.wanted, [seq + 1], BLOCKS)[seq + 1]
    if isinstance(blocks, list):  # addresses are a process's own
        blocks = [block for block in blocks if block.program[0] == event.pid]
    mappings, why = _mappings(cursor, event)
    return [
        _live(blocks),
        *([why] if why else _table(mappings, blocks)),
        *(_near(blocks, event) if isinstance(blocks, list) else ()),
    ]


def _live(blocks: list[Held] | int | None) -> str:
    if blocks is None:
        return "Which blocks are live here is not known from what can be read quickly."
    if isinstance(blocks, int):
        return "%s are live." % quantities.count(blocks, "block")
    size = quantities.exact_size(sum(block.size for block in blocks))
    return "Live after this event: %s of %s." % (quantities.count(len(blocks), "block"), size)


def _mappings(cursor: Cursor, event: Event) -> tuple[list[tuple[int, int, str]], str]:
    """([(start, end, name)] by address, why they are not known)"""
    made = cursor.syscalls_of(event) if event.kind == "call" and event.outer is None else None
    last = made[-1].seq if made else event.seq  # what the call did in the kernel is done
    seqs = changes.until(cursor.trace, cursor.wanted, last)
    told = seqs.told([[last, last]])
    ranges = [(seq, seq) for seq in sorted({*told, event.seq})]
    events = [
        one
        for one in cursor.trace.events_within(ranges)
        if cursor.wanted is None or cursor.wanted(one)
    ]
    spaces = address_space.replay(events, cursor.trace)
    stop = spaces.stops.get(event.pid)
    if event.pid not in spaces.pids:
        return [], "Its mappings are not known: it began as a copy of another process (fork)."
    if stop or seqs.stopped is not None:
        return [], "Its mappings are not known%s." % (": " + stop[1] if stop else "")
    found: list[Piece] = []
    for piece in spaces.pieces:
        if piece.pid != event.pid or piece.until is not None:
            continue
        if found and found[-1].end == piece.start and _are_one(found[-1], piece):
            found[-1] = replace(found[-1], end=piece.end)
        else:
            found.append(piece)
    return [(piece.start, piece.end, piece.name) for piece in found], ""


def _are_one(one: Piece, other: Piece) -> bool:
    """Two stacks side by side are two; the segments of a file are one."""
    is_file = one.kind in ("program", "library", "loader", "file")
    return (one.kind, one.name) == (other.kind, other.name) and (is_file or one.made == other.made)


def _table(mappings: list[tuple[int, int, str]], blocks: list[Held] | int | None) -> Iterator[str]:
    known = [block.address for block in blocks] if isinstance(blocks, list) else None
    yield "%s mapped in %s:" % (
        quantities.exact_size(sum(end - start for start, end, _ in mappings)),
        quantities.count(len(mappings), "mapping"),
    )
    for start, end, name in mappings[:MOST_MAPPINGS]:
        inside = bisect_left(known, end) - bisect_left(known, start) if known else 0
        more = ", " + quantities.count(inside, "block") if inside else ""
        yield "  %#x  %s, %s%s" % (start, visible(name), quantities.size(end - start), more)
    if len(mappings) > MOST_MAPPINGS:
        yield "  %d more" % (len(mappings) - MOST_MAPPINGS)


def _near(blocks: list[Held], event: Event) -> Iterator[str]:
    """The blocks beside the event's own, by address; of none of its own the first ones."""
    own = [at for at, block in enumerate(blocks) if block.number == event.block]
    first = max(0, (own[0] if own else 0) - NEAR)
    if blocks:
        yield "Blocks by address:"
    for block in blocks[first : first + 2 * NEAR + 1]:
        mark = " <- this event's" if own and block is blocks[own[0]] else ""
        size = quantities.exact_size(block.size)
        yield "  %#x  #%d, %s%s" % (block.address, block.number, size, mark)
