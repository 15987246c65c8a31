"""Writes a trace: all tables of trace_schema, from classified events and symbolised stacks."""

from __future__ import annotations

import itertools
import json
import operator

from alloctrace.columns import columns
from alloctrace.columns.schema import COLUMN_NAMES, EVENT_COLUMNS, LONGEST_TEXT, TABLES
from alloctrace.columns.schema import UNEXPLAINED, WHEN_READ
from alloctrace.columns.schema import create_statement, insert_statement, row_types, to_signed
from alloctrace.columns.schema import to_text
from alloctrace.history.stages import by_origin
from alloctrace.stacks.tree import StackTree
from alloctrace.summary import group_kinds
from alloctrace.summary.sites import Sites
from alloctrace.summary.totals import Totals
from . import by_program, unexplained
from .event_columns import EventColumns, Interned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from sqlite3 import Connection
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.blocks import Block
    from alloctrace.history.groups import Sums
    from alloctrace.history.history import History
    from alloctrace.history.packed import PackedHistory
    from alloctrace.model import Border, Event, Frame, Hook, Module, Purpose, Verdict
    from alloctrace.purpose.judging import Programs
    from alloctrace.spool.spool import Column
    from alloctrace.summary.group_kinds import Kinds

MAX_INT = (1 << 63) - 1
_MOST_ROWS, _MOST_VALUES = 64, 999  # of one statement; SQLite takes that many of the latter
_OF_NUMBERS = ("groups", "timeline")
_flat = itertools.chain.from_iterable


class Tables:
    """Fills the tables through one connection, in the caller's transaction."""

    def __init__(
        self, connection: Connection, tables: Iterable[str] = TABLES, are_temporary: bool = False
    ) -> None:
        """`tables`: those that there will be. Temporary ones stand before those of the file."""
        self._execute = connection.execute
        self._many = connection.executemany
        for table in tables:
            self._execute(create_statement(table, are_temporary))

    def rows(
        self,
        table: str,
        rows: Iterable[Sequence[Any]],
        replace: bool = False,
        counts: bool = False,
    ) -> None:
        """Insert rows of plain values; strings that are no UTF-8 become bytes."""
        rows = iter(rows)
        stored = _as_stored if table == "run" else _cut
        for first in rows:
            statement = insert_statement(table, len(first), replace, counts=counts)
            self._many(statement, map(stored, itertools.chain((first,), rows)))

    def plain_rows(
        self, table: str, rows: Iterable[Sequence[int | str | None]], counts: bool = False
    ) -> None:
        """Insert rows of as many values as the table has columns, but for the first one where that
        `counts` from 1: nothing is to be looked at. Several by one statement: each costs as much as
        its values do."""
        width, rows = len(row_types(table)) - counts, iter(rows)
        at_once, rest = min(_MOST_ROWS, _MOST_VALUES // width), []

        def pieces() -> Iterator[list[int | str | None]]:
            while True:
                piece = list(_flat(itertools.islice(rows, at_once)))
                if len(piece) < width * at_once:
                    rest.extend(piece)
                    return
                yield piece

        self._many(insert_statement(table, width, at_once=at_once, counts=counts), pieces())
        self._many(insert_statement(table, width, counts=counts), zip(*[iter(rest)] * width))

    def copy(self, tables: Iterable[tuple[str, Iterable[Sequence[Any]]]]) -> None:
        """Insert (table, all its rows) of another trace, as SQLite gave them."""
        for table, rows in tables:
            if table in _OF_NUMBERS:
                self.plain_rows(table, rows)
            else:
                self.rows(table, rows)

    def numbered(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert the rows of an empty table whose first column counts from 1."""
        self.rows(table, rows, counts=True)


def _cut(row: Sequence[Any]) -> Sequence[Any]:
    return [
        value
        if type(value) is not str or value.isascii() and len(value) <= LONGEST_TEXT
        else to_text(value[:LONGEST_TEXT])
        for value in row
    ]


def _as_stored(row: Sequence[Any]) -> Sequence[Any]:
    if str not in map(type, row):
        return tuple(row)
    return [to_text(value) if isinstance(value, str) else value for value in row]


def verdict_row(verdict: Verdict) -> tuple[Any, ...]:
    return (
        verdict.origin,
        verdict.owner,
        json.dumps(list(verdict.via)),
        int(verdict.direct),
        verdict.decided_by,
        verdict.rule,
        verdict.confidence,
        verdict.for_whom,
    )


def purpose_row(purpose: Purpose) -> tuple[str | None, str, str]:
    return purpose.text, purpose.rule, purpose.source


def write_tables(
    connection: Connection,
    run: dict[str, Any],
    history: History,
    stacks: Mapping[int, Sequence[Frame]],
    programs: Programs | None = None,
) -> Kinds | None:
    """Everything of one run; what was counted. `stacks`: a StackTree, or {stack id: (Frame, …)};
    `run`: a dict, stored as JSON. `programs`: what each is for is found out when the trace is read,
    and needs these (unexplained.py); nothing is counted then."""
    tables = Tables(connection, TABLES if programs is None else (*TABLES, UNEXPLAINED))
    if programs is not None:
        run = dict(run, purposes=WHEN_READ)
    tree = StackTree.of(stacks, history.stacks)
    if history.packed is not None:
        sums = _copy_events(tables, history.packed)
    else:
        sums = _write_events(tables, history.events)
    nodes = tree.nodes(sums.groups.stack)
    write_groups(tables, sums, nodes)
    run = dict(run, peak=sums.peak, live_by_origin=by_origin(sums.stages, sums.groups))
    run.update(peaks=by_program.peaks(sums), live_by_program=by_program.lives(sums))
    _write_plain(tables, run, history)
    _write_stacks(tables, tree)
    if programs is None:
        return write_sums(tables, sums.groups, tree, nodes)
    _write_totals(tables, group_kinds.rough(sums.groups, [0]))
    tables.rows(UNEXPLAINED, unexplained.rows(sums.groups, programs))
    return None


def _write_plain(tables: Tables, run: dict[str, Any], history: History) -> None:
    tables.rows("run", ((key, json.dumps(value)) for key, value in run.items()))
    tables.numbered("modules", map(_module_row, history.modules))
    tables.numbered("hooks", map(_hook_row, history.hooks.values()))
    tables.numbered("borders", map(_border_row, history.borders))
    tables.plain_rows("blocks", _block_rows(history.blocks))
    tables.numbered("notes", ((note,) for note in history.notes))


def _module_row(module: Module) -> tuple[Any, ...]:
    addresses = [to_signed(value) for value in (module.base, module.start, module.end)]
    times = (module.loaded_ns, module.unloaded_ns)
    what = (*addresses, module.build_id, module.role, to_signed(module.image), *times)
    return (to_signed(module.id), module.path, *what)


def _hook_row(hook: Hook) -> tuple[int, int, str, str, int]:
    numbers = to_signed(hook.id), to_signed(hook.module)
    return (*numbers, hook.name, hook.impl, to_signed(hook.address))


def _border_row(border: Border) -> tuple[Any, ...]:
    faults = (border.minor_faults, border.major_faults)
    numbers = (border.rss_bytes, *faults, border.mapped_bytes, border.brk, border.mappings)
    image = to_signed(border.image)
    return (
        border.phase,
        border.t_ns,
        border.how,
        image,
        *[to_signed(number) for number in numbers],
    )


def _block_rows(blocks: list[Block]) -> Iterator[tuple[int, int, int, int, int]]:
    """Most runs have no number that is too large to stay as it is."""
    largest = max(max(map(of, blocks), default=0) for of in (_address, _size))
    return map(_of_block if largest <= MAX_INT else _block_row, blocks)


_address, _size = operator.attrgetter("address"), operator.attrgetter("size")
_of_block: Callable[[Block], Any] = operator.attrgetter("number", "address", "size", "seq", "last")


def _block_row(block: Block) -> tuple[int, int, int, int, int]:
    return block.number, to_signed(block.address), to_signed(block.size), block.seq, block.last


def _write_events(tables: Tables, events: list[Event]) -> Sums:
    made = EventColumns()
    for index, first in enumerate(range(0, len(events), columns.CHUNK)):
        part = events[first : first + columns.CHUNK]
        tables.rows("chunks", [(index, first, len(part))])
        tables.rows("columns", ((index, *row) for row in made.chunk(part)))
    tables.numbered("arguments", ((text,) for text in made.arguments.rows()))
    return made.sums()


def _copy_events(tables: Tables, packed: PackedHistory) -> Sums:
    """The chunks of a recorder are those of a trace."""
    if not packed.keeps_events:
        return packed.sums
    chunks = enumerate(packed.chunks)
    tables.rows("chunks", ((index, first, count) for index, (first, count, _) in chunks))
    write_columns(tables, packed)
    late = ((seq, COLUMN_NAMES[column], to_signed(value)) for seq, column, value in packed.late)
    tables.rows("late", late, replace=True)
    arguments = sorted(packed.arguments.items())
    tables.rows("arguments", ((id_, json.dumps(value)) for id_, value in arguments))
    return packed.sums


def write_columns(tables: Tables, packed: PackedHistory) -> None:
    """Of all chunks."""
    tables.rows(
        "columns",
        (
            (index, *row)
            for index, (_, count, columns_) in enumerate(packed.chunks)
            for row in _column_rows(columns_, count)
        ),
    )


def _column_rows(
    packed: list[Column], count: int
) -> Iterator[tuple[str, int, int, int, int, bytes]]:
    """Rows as EventColumns.chunk gives them; a recorder leaves out columns of zeros."""
    found = {COLUMN_NAMES[column.column]: column for column in packed}
    for name, delta in EVENT_COLUMNS:
        column = found.get(name)
        if column is None:
            yield (name, 0, int(delta), 0, count, b"")
        else:
            data = bytes(column.data) if column.width else b""
            yield (name, column.width, int(bool(column.delta)), column.base, column.period, data)


def write_groups(tables: Tables, sums: Sums, nodes: array[int]) -> None:
    groups, names, verdicts, purposes = sums.groups, Interned(), Interned(), Interned()
    ids = [names.plain(what[:3]) for what in groups.whats]
    judged = [verdicts.id(verdict, verdict_row) for verdict in groups.verdicts]
    explained = [purposes.id(purpose, purpose_row) for purpose in groups.purposes]
    tables.plain_rows("groups", groups.rows(ids, nodes, judged, explained), counts=True)
    tables.numbered("names", names.rows())
    tables.numbered("verdicts", verdicts.rows())
    tables.numbered("purposes", purposes.rows())
    tables.rows("timeline", map(_clamped, sums.timeline))


def _clamped(values: Iterable[int | str | None]) -> tuple[Any, ...]:
    """Sums of a hostile spool may pass 2^63: SQLite cannot hold them."""
    return tuple(
        [v if type(v) is not int or -MAX_INT <= v <= MAX_INT else _clamp(v) for v in values]
    )


def _clamp(value: int) -> int:
    return max(-MAX_INT, min(value, MAX_INT))


def _write_stacks(tables: Tables, tree: StackTree) -> None:
    frames, functions = list(tree.frames), Interned()
    named = [functions.plain(what) for what in map(_of_function, frames)]
    found: dict[tuple[Any, ...], int] = {}
    rows = zip(
        _signed(map(_pc, frames)),
        _signed(map(_offset, frames)),
        named,
        map(_line, frames),
        map(int, map(_inlined, frames)),
        _signed(map(_start, frames)),
        map(_known, frames),
    )
    ids = [found.setdefault(row, len(found) + 1) for row in rows]
    tables.numbered("functions", functions.rows())
    tables.plain_rows("frames", found, counts=True)
    nodes = zip(tree.parents, map((ids or [0]).__getitem__, tree.frame_of))
    next(nodes)  # nodes count from 1
    tables.plain_rows("stacks", nodes, counts=True)


_of_function = operator.attrgetter("function", "file", "module", "path", "role")
_pc, _offset, _line, _inlined, _start, _known = map(
    operator.attrgetter, ("pc", "offset", "line", "inlined", "start", "known")
)


def _signed(values: Iterable[int | None]) -> list[int | None]:
    """to_signed of each."""
    found = list(values)
    known = [value for value in found if value is not None]
    is_small = not known or 0 <= min(known) and max(known) <= MAX_INT
    return found if is_small else [to_signed(value) for value in found]


def write_sums(tables: Tables, groups: GroupTable, tree: StackTree, nodes: array[int]) -> Kinds:
    """The same sums that a report shows, so that plain SQL can read them."""
    sites, kinds = Sites(tree.deciding_frame), group_kinds.of(groups, tree, nodes)
    _write_totals(tables, kinds.rough)
    found, holds = kinds.groups, [True] * len(groups.whats)
    sites.add_all(found, tree.frames, kinds.deciders, holds, found.sums["peak_bytes"])
    tables.rows("sites", map(_clamped, sites.stored()))
    return kinds


def _write_totals(tables: Tables, groups: GroupTable) -> None:
    totals = Totals()
    for group in groups:
        totals.add(group)
    tables.rows("totals", (_clamped(row.values()) for row in totals.rows()))
