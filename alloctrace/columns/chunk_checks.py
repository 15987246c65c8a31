"""What a chunk of a trace must be before its events are believed. Raises TraceError."""

from __future__ import annotations

from collections import Counter

from . import schema
from .check import TraceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def places(chunk: dict[str, list[int]], first: int, groups: int) -> None:
    """What its events point to is there: a group, an earlier event."""
    if min(chunk["group"]) < 1 or max(chunk["group"]) > groups:
        raise TraceError("damaged: an event behind %d is of no group" % first)
    known = set(chunk["present"])
    for name in ("cause", "outer"):
        bit = schema.PRESENT[name]
        column = chunk.get(name, ()) if any(map(bit.__and__, known)) else ()
        for seq, (present, back) in enumerate(zip(chunk["present"], column), first):
            if present & bit and not 0 < back <= seq:
                raise TraceError("damaged: event %d points outside" % seq)


def numbers(chunk: dict[str, list[int]], first: int) -> None:
    """No number is smaller than it can be."""
    for name, least in schema.LEAST.items():
        if name in chunk and min(chunk[name]) < least:
            bit = schema.PRESENT.get(name)
            if bit is None or any(
                present & bit and value < least
                for present, value in zip(chunk["present"], chunk[name])
            ):
                raise TraceError("damaged: %s of an event behind %d" % (name, first))


class Counted:
    """How many events each group has in the chunks, beside what the group says."""

    def __init__(self, said: Sequence[int]) -> None:
        """`said`: the count of each group, by id - 1."""
        self._said = said
        self._found: Counter[int] = Counter()

    def add(self, of_events: list[int]) -> None:
        if not 0 < min(of_events) <= max(of_events) <= len(self._said):
            raise TraceError("damaged: an event is of no group")
        self._found.update(of_events)

    def compare(self) -> None:
        for id_, said in enumerate(self._said, 1):
            if self._found[id_] != said:
                text = "damaged: group %d has %d events, it says %d"
                raise TraceError(text % (id_, self._found[id_], said))
