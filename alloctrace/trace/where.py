"""Which events of a trace are wanted, by their numbers and their bytes: found in columns, for an
Event costs more than all columns of its row. Pure."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice

from alloctrace.columns import asked
from alloctrace.columns.schema import PRESENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    class Chooser(Protocol):
        """What Trace.events may be given: Where, or another one."""

        leaves_out: bool  # chunks, whose events are not counted then
        columns: tuple[str, ...]  # that `among` wants of a chunk; (): it need not be asked

        def numbered(self, first: int, count: int) -> Sequence[int]:
            ...

        def among(self, rows: Sequence[int], chunk: list[list[int]]) -> list[int]:
            ...


_SIZE = PRESENT["size"]
_COLUMNS = ("present", "size", "nmemb")


class Where:
    """`seqs`: pairs (first, last), in any order; None: all events. `least`, `most`: bytes asked
    for, or a syscall's length; an event without a size is none of those."""

    def __init__(
        self,
        seqs: Iterable[Sequence[int]] | None = None,
        least: int | None = None,
        most: int | None = None,
    ) -> None:
        self._seqs = None if seqs is None else _apart(seqs)
        self._ends = [end for _, end in self._seqs or ()]
        self._least, self._most = least, most
        self.leaves_out = seqs is not None
        self.columns: tuple[str, ...] = _COLUMNS if least is not None or most is not None else ()

    def numbered(self, first: int, count: int) -> Sequence[int]:
        """The rows of a chunk whose numbers are wanted, in order."""
        if self._seqs is None:
            return range(count)
        found: list[int] = []
        for begin, end in islice(self._seqs, bisect_left(self._ends, first), None):
            if begin >= first + count:
                break
            found += range(max(0, begin - first), min(count, end + 1 - first))
        return found

    def among(self, rows: Sequence[int], chunk: list[list[int]]) -> list[int]:
        """Those of the rows whose bytes are wanted; `chunk`: all of `columns`."""
        presents, sizes, nmembs = chunk
        least, most = self._least, self._most
        numbers = _bytes(presents, sizes, nmembs)
        if least is not None and least > 0 and max(numbers) < least:
            return []
        return [
            row
            for row in rows
            if (least is None or numbers[row] >= least)
            and (most is None or numbers[row] <= most)
            and presents[row] & _SIZE
        ]


def _bytes(presents: list[int], sizes: list[int], nmembs: list[int]) -> list[int]:
    if min(sizes) < 0 or min(nmembs) < 0:
        return list(map(asked.bytes_asked, presents, sizes, nmembs))
    return asked.each(presents, sizes, nmembs) if any(nmembs) else sizes


def _apart(seqs: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """The same numbers, in ranges in order that have none in common."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted((pair[0], pair[1]) for pair in seqs):
        if found and begin <= found[-1][1]:
            begin = found[-1][1] + 1
        if begin <= end:
            found.append((begin, end))
    return found
