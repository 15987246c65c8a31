"""Rows of a trace's table that stay in the file: of a million texts few are ever asked for."""

from __future__ import annotations

from collections.abc import Sequence

from .check import TraceError, checked, checked_value
from .schema import LONGEST_TEXT, row_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    import sqlite3
    from typing import Any

MOST_KEPT = 1 << 13  # made of rows; all of them go when there are more


class Stored(Sequence["Any"]):
    """`stored[id - 1]` is `make` of the row with this id, without the id.

    `count`: how many rows the table was found to have, numbered from 1. May raise TraceError.
    """

    def __init__(
        self, connection: sqlite3.Connection, table: str, count: int, make: Callable[..., Any]
    ) -> None:
        self._execute, self._count, self._make = connection.execute, count, make
        self._query = "SELECT * FROM %s WHERE id = ?" % table
        self._types = row_types(table)
        self._kept: dict[int, Any] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        made = self._kept.get(index)
        if made is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            made = self._kept[index] = self._read(range(len(self))[index] + 1)
        return made

    def _read(self, id_: int) -> Any:
        with checked():
            row = self._execute(self._query, (id_,)).fetchone()
            if row is None:
                raise TraceError("damaged: a row is missing")
            return self._make(*checked_row(row, self._types)[1:])


def checked_row(row: Sequence[Any], types: Iterable[tuple[str, type, bool]]) -> list[Any]:
    """As it may be believed. `types`: trace_schema.row_types."""
    row = [checked_value(value, *type_) for value, type_ in zip(row, types)]
    if any(type(value) is str and len(value) > LONGEST_TEXT for value in row):
        raise TraceError("damaged: a text is too long")
    return row
