"""What is known of an address: the block that holds it, or held it. Pure."""

from __future__ import annotations

from . import measure
from .model import Event
from .plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


@plain
class Found:
    """The allocation whose block holds, or last held, an address."""

    event: Event  # the call that handed the block out at this place
    offset: int  # of the address from the block's first byte
    ended_by: Event | None = None  # the free or realloc that gave it back; None: live


def find(events: Iterable[Event], address: int) -> Found | None:
    """The Found for `address`, the newest first; None where no recorded block held it."""
    found, at = None, 0
    for event in events:
        if found is not None and _gives_back(event, found.event):
            found = Found(found.event, found.offset, found.ended_by or event)
        if measure.hands_out(event) and event.result is not None:
            at = address - event.result
            if 0 <= at < max(measure.bytes_asked(event), 1):
                found = Found(event, at)
    return found


def _gives_back(event: Event, allocation: Event) -> bool:
    """`free(p)`, or a `realloc(p)` that did not fail: also one that leaves the block in place."""
    if event.kind != "call" or event.outer is not None or event.failed:
        return False
    return event.name in ("free", *measure.MOVES) and event.ptr == allocation.result
