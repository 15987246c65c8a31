"""What is true of each event of a group, not only of its example (recorder/host/history/members.h).

Events of a group differ in time, size and address. A purpose that rests on these holds for the
group only where it holds for each of them.
"""

from __future__ import annotations

from collections import namedtuple

from alloctrace.spool.rows import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

MAKERS = 4
SIZE = layout("members").size  # bytes of a row
_MANY = 0xFFFFFFFF
_MOVED_BASE = 1 << 63  # brk's sizes have signs


# sized: how many have a size; least, most: of `size`, for arrays that of one element; known: how
# many whose block was known; makers: frozenset, ids of groups that their blocks were of, None: and
# of others
_VALUES = "count sized least most nulls known grew shrank makers"


if TYPE_CHECKING:

    class _Values(NamedTuple):
        count: int  # type: ignore[assignment]  # hides what a tuple counts
        sized: int
        least: int
        most: int
        nulls: int
        known: int
        grew: int
        shrank: int
        makers: frozenset[int] | None

else:
    _Values = namedtuple("Members", _VALUES)


class Members(_Values):
    """Each question has three answers: True of all, False of all, None: it is not known."""

    __slots__ = ()

    def within(self, low: int | None, high: int | None) -> bool | None:
        """Whether their sizes lie within these limits, None: open."""
        low = self.least if low is None else low
        high = self.most if high is None else high
        if not self.sized or self.most < low or self.least > high:
            return False
        return (
            True if self.sized == self.count and low <= self.least and self.most <= high else None
        )

    def all(self, name: str) -> bool | None:
        """nulls, known, grew or shrank."""
        number = getattr(self, name)
        return number == self.count or (None if number else False)


def of_row(name: str, count: int, row: Sequence[int]) -> Members:
    """The Members of a spool.Members row, without its id; of `count` events `name`."""
    makers, (sized, least, most, *rest) = row[:MAKERS], row[MAKERS:]
    if name == "brk":
        least, most = least - _MOVED_BASE, most - _MOVED_BASE
    those = None if _MANY in makers else frozenset(makers) - {0}
    return Members._make((count, sized, least, most, *rest, those))


def checked(rows: bytes, count: int) -> bytearray:
    """The rows of at most `count` groups, as a recorder tells them, by a stranger: raises
    ValueError where they are not numbered as their places are. 0: there is no row."""
    numbers = memoryview(rows).cast("I")[:: SIZE // 4].tolist() if len(rows) % SIZE == 0 else [-1]
    if len(numbers) > count or any(number not in (0, at) for at, number in enumerate(numbers, 1)):
        raise ValueError("damaged: members of other groups")
    return bytearray(rows)
