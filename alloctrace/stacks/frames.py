"""Frames of a trace in columns. A run may have as many as events: as objects they would cost too
much. A Frame is made of a row when somebody asks for one, of names that stay in the file; the
latest are kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from alloctrace.columns.check import TraceError, checked
from alloctrace.columns.growing import Growing
from alloctrace.columns.schema import from_text, to_unsigned
from alloctrace.columns.stored import Stored
from alloctrace.model import Frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    import sqlite3
    from typing import Any, overload

    _Rows = Callable[[str], Iterable[tuple[Any, ...]]]

MOST_MADE = 1 << 14
_NONE = -1 << 63  # no line, no start
_IN_ORDER = (
    "SELECT r.pc, f.module, f.path, f.role, r.offset, f.name, f.file, r.line, r.inlined, r.start,"
    " r.known FROM frames r JOIN functions f ON f.id = r.function ORDER BY r.id"
)
_BY_PLACE = (
    "SELECT r.id, f.module, f.name, f.file, r.line, r.offset FROM frames r JOIN functions f"
    " ON f.id = r.function ORDER BY f.module, f.name, f.file, r.line, r.offset"
)


class FrameTable(Sequence[Frame]):
    """`table(name)`: the rows of that table of a trace, which are looked at once each."""

    def __init__(self, connection: sqlite3.Connection, table: _Rows) -> None:
        self._execute = connection.execute
        names = ("pc", "offset", "line", "start", "function")
        self._columns = {name: Growing() for name in names}
        self._inlined = bytearray()
        self._known: list[str] = []
        count = _counted(table, "functions")
        self._functions = Stored(connection, "functions", count, lambda *row: row)
        self._read(table, count)
        self._made: dict[int, Frame] = {}

    def _read(self, table: _Rows, functions: int) -> None:
        pcs, offsets, lines, starts, of = self._columns.values()
        for at, (id_, pc, offset, function, line, inlined, start, known) in enumerate(
            table("frames"), 1
        ):
            if id_ != at or not 0 < function <= functions:
                raise TraceError("damaged: frame %d" % id_)
            pcs.append(pc)
            offsets.append(offset)
            lines.append(_NONE if line is None else line)
            starts.append(_NONE if start is None else start)
            of.append(function - 1)
            self._inlined.append(bool(inlined))
            self._known.append(known)

    def __len__(self) -> int:
        return len(self._inlined)

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Frame:
            ...

        @overload
        def __getitem__(self, index: slice) -> list[Frame]:
            ...

    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        made = self._made.get(index)
        if made is None:
            if len(self._made) >= MOST_MADE:
                self._made.clear()
            made = self._made[index] = self._make(range(len(self))[index])
        return made

    def _make(self, index: int) -> Frame:
        pc, offset, line, start, function = (c.values[index] for c in self._columns.values())
        told, begin = (None if value == _NONE else value for value in (line, start))
        name, file, module, path, role = self._functions[function]
        inlined, known = bool(self._inlined[index]), self._known[index]
        numbers = to_unsigned(pc), module, path, role, to_unsigned(offset)
        return Frame(*numbers, name, file, told, inlined, to_unsigned(begin), known)

    def __iter__(self) -> Iterator[Frame]:
        """All of them in their order, by one reading of the file."""
        with checked():
            for pc, module, path, role, offset, name, file, *rest in self._execute(_IN_ORDER):
                module, path, role, name, file = map(from_text, (module, path, role, name, file))
                line, inlined, start, known = rest
                numbers = to_unsigned(pc), module, path, role, to_unsigned(offset)
                start, known = to_unsigned(start), from_text(known)
                yield Frame(*numbers, name, file, line, bool(inlined), start, known)

    def places(self) -> tuple[array[int], array[int]]:
        """Of each frame a number of the place in the code that it stands for, from 1: (where the
        function tells it, where without a line the offset does). Those of sites.place."""
        with checked():
            told = array("I", bytes(4 * len(self)))
            exact = array("I", told)
            number = finer = 0
            before = before_finer = None
            for id_, *function, line, offset in self._execute(_BY_PLACE):
                name = function[1]
                place = (*function, line, None if name else offset)
                place_finer = (*function, line, None if name and line else offset)
                number += place != before
                finer += place_finer != before_finer
                told[id_ - 1], exact[id_ - 1] = number, finer
                before, before_finer = place, place_finer
            return told, exact


def _counted(table: _Rows, name: str) -> int:
    """How many rows it has, which must be numbered from 1."""
    count = 0
    for id_, *_ in table(name):
        count += 1
        if id_ != count:
            raise TraceError("damaged: the rows of %s behind %d" % (name, count))
    return count
