"""Column chunks -> events. Raises plain errors and TraceError; trace_check.checked names them."""

from __future__ import annotations

from array import array
from operator import attrgetter

from alloctrace import kernels
from alloctrace.model import Event
from . import columns
from .check import TraceError, checked
from .schema import COLUMN_NAMES, PRESENT, SIGNED_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from alloctrace.model import Group

    PackedColumns = dict[str, tuple[columns.Packed, bool]]

    Alike = tuple[Any, ...]  # what the events of a group have in common: ALIKE of it

MAX_MADE = 10000
ALIKE = "pid kind name impl phase image stack verdict purpose region".split()
_GROUP = COLUMN_NAMES.index("group")


class Events:
    """Makes events: `groups` is a list of Group by id - 1, `arguments(id)` gives a dict."""

    def __init__(self, groups: Sequence[Group], arguments: Callable[[int], dict[str, Any]]) -> None:
        self._groups, self._arguments = groups, arguments
        self._alike: Callable[[int], Alike] = getattr(groups, "alike", self._of_object)
        self._made: dict[int, Alike] = {}  # by id of a group: a table makes them anew

    def of(self, first: int, chunk: Iterable[Sequence[int]]) -> Iterator[tuple[Event, int]]:
        """Yield (event, id of its group) of a chunk, columns in the order of EVENT_COLUMNS."""
        for seq, row in enumerate(zip(*chunk), first):
            yield self.one(seq, row), row[_GROUP]

    def some(
        self, seqs: Iterable[int], chunk: Iterable[Sequence[int]]
    ) -> Iterator[tuple[Event, int]]:
        """The same of columns that hold these seqs only."""
        for seq, row in zip(seqs, zip(*chunk)):
            yield self.one(seq, row), row[_GROUP]

    def one(self, seq: int, row: Sequence[int]) -> Event:
        """The event of one row."""
        present, t_ns, tid, group, dur_ns, size, nmemb, align, ptr, result, errno, *rest = row
        args, block, cause, outer = rest
        alike = self._made.get(group)
        if alike is None:
            if not 0 < group <= len(self._groups):
                raise TraceError("damaged: event %d is of no group" % seq)
            alike = self._make(group)
        pid, kind, name, impl, phase, image, stack, verdict, purpose, region = alike
        if not present & SIGNED_SIZE:
            size &= columns.MASK64
        return Event(
            seq,
            t_ns,
            pid,
            tid,
            kind,
            name,
            impl,
            dur_ns if present & _DUR else None,
            size if present & _SIZE else None,
            nmemb & columns.MASK64 if present & _NMEMB else None,
            align & columns.MASK64 if present & _ALIGN else None,
            ptr & columns.MASK64 if present & _PTR else None,
            result & columns.MASK64 if present & _RESULT else None,
            errno if present & _ERRNO else None,
            self._arguments(args) if args else {},
            block if present & _BLOCK else None,
            phase,
            image,
            earlier(seq, cause) if present & _CAUSE else None,
            earlier(seq, outer) if present & _OUTER else None,
            stack,
            verdict,
            purpose,
            region,
        )

    def _make(self, id_: int) -> Alike:
        if len(self._made) >= MAX_MADE:
            self._made.clear()
        return self._made.setdefault(id_, self._alike(id_ - 1))

    def _of_object(self, index: int) -> Alike:
        return _in_common(self._groups[index])


_in_common = attrgetter(*ALIKE)


_DUR, _SIZE, _NMEMB, _ALIGN = (PRESENT[name] for name in ("dur_ns", "size", "nmemb", "align"))
_PTR, _RESULT, _ERRNO = (PRESENT[name] for name in ("ptr", "result", "errno"))
_BLOCK, _CAUSE, _OUTER = (PRESENT[name] for name in ("block", "cause", "outer"))


def earlier(seq: int, distance: int) -> int:
    """The event so many before that one."""
    if not 0 < distance <= seq:
        raise TraceError("damaged: event %d points outside" % seq)
    return seq - distance


class PackedChunk:
    """Columns of a chunk, unpacked when they are asked for: without what became known later."""

    def __init__(self, rows: Iterable[Sequence[Any]], count: int) -> None:
        self._found, self.count = by_name(rows), count

    def column(self, name: str, rows: Sequence[int] | None = None) -> list[int]:
        """Its integers; `rows`: of these only."""
        with checked():
            return unpack(self._found, self.count, (name,), rows)[0]

    def above(self, name: str) -> tuple[int, Sequence[int]]:
        """(base, list or array): each of its integers without `base`."""
        with checked():
            base, values = columns.decode_above(*self._found[name], self.count)
            return int(base), values

    def where(self, name: str, table: bytes) -> bytes:
        """Bytes: of each row what `table` (bytes) holds for its integer, 0 beyond it."""
        with checked():
            return columns.where(*self._found[name], self.count, table)

    def constant(self, name: str) -> int | None:
        """The one integer that all its rows have; None where they may differ."""
        with checked():
            packed, delta = self._found[name]
            is_one = packed.width == 0 and not delta
        return self.column(name, (0,))[0] if is_one else None


def by_name(rows: Iterable[Sequence[Any]]) -> PackedColumns:
    """{name: (Packed, delta)} of rows of the table `columns`."""
    return {row[0]: (columns.Packed(*row[1:5]), row[5]) for row in rows}


def unpack(
    found: PackedColumns,
    count: int,
    names: Iterable[str] = COLUMN_NAMES,
    rows: Sequence[int] | None = None,
) -> list[list[int]]:
    """Columns in the order of `names` of {name: (Packed, delta)}; `rows`: of these only."""
    if count >= kernels.FEWEST:
        made = _unpack([found[name] for name in names], count, rows)
        if made is not None:
            return made
    if rows is None:
        return [columns.decode(*found[name], count) for name in names]
    return [columns.decode_rows(*found[name], count, rows) for name in names]


def _unpack(
    found: list[tuple[columns.Packed, bool]], count: int, rows: Sequence[int] | None
) -> list[list[int]] | None:
    """The same in C; None: that cannot do it."""
    if rows is None and len(found) > 1:  # one after the other: together they are large
        columns_ = [_unpack([column], count, None) for column in found]
        return None if None in columns_ else [column[0] for column in columns_ if column]
    joined = columns.join(found, count)
    if joined is None:
        return None
    length = count if rows is None else len(rows)
    given = count, array("i", rows or ()), -1 if rows is None else length
    made = array("q", bytes(8 * length * len(found)))
    failed = kernels.run("unpack", joined[0], len(joined[0]), joined[1], len(found), *given, made)
    if failed is None or failed < 0:
        return None
    return [made[at * length : (at + 1) * length].tolist() for at in range(len(found))]


def mend(
    chunk: list[list[int]],
    first: int,
    late: Iterable[tuple[int, str, int]],
    names: Sequence[str] = COLUMN_NAMES,
) -> None:
    """Put in what became known when the chunk was written already: (seq, name, value).

    `names`: those of the chunk's columns; `present` is among them.
    """
    places = {name: at for at, name in enumerate(names)}
    present = chunk[places["present"]]
    for seq, name, value in late:
        row = seq - first
        if name not in COLUMN_NAMES:
            raise TraceError("damaged: no column %r" % (name,))
        if not isinstance(value, int):
            raise TraceError("damaged: event %r has no number as %s" % (seq, name))
        if name == "present":
            present[row] |= value
            continue
        present[row] |= PRESENT.get(name, 0)
        if name in places:
            chunk[places[name]][row] = value
