"""Writes a trace: all tables of trace_schema, from classified events and symbolised stacks."""

from __future__ import annotations

import itertools
import json
import operator

from . import by_program, columns, words
from .sites import Sites
from .stages import by_origin
from .totals import Totals
from .trace_columns import EventColumns, Interned
from .trace_schema import (
    COLUMN_NAMES,
    EVENT_COLUMNS,
    MAX_DEPTH,
    TABLES,
    create_statement,
    insert_statement,
    to_signed,
    to_text,
)

MAX_INT = (1 << 63) - 1


class Tables:
    """Fills the tables through one connection, in the caller's transaction."""

    def __init__(self, connection):
        self._execute = connection.execute
        self._many = connection.executemany
        for table in TABLES:
            self._execute(create_statement(table))

    def rows(self, table, rows, replace=False):
        """Insert rows of plain values; strings that are no UTF-8 become bytes."""
        rows = iter(rows)
        for first in rows:
            statement = insert_statement(table, len(first), replace)
            self._many(statement, map(_as_stored, itertools.chain((first,), rows)))

    def numbered(self, table, rows):
        """Insert rows whose first column counts from 1."""
        self.rows(table, ((index, *row) for index, row in enumerate(rows, 1)))


def _as_stored(row):
    if str not in map(type, row):
        return tuple(row)
    return [to_text(value) if isinstance(value, str) else value for value in row]


class StackTree:
    """Stacks as a tree: a node is a frame and its caller's node; a stack is its innermost node."""

    def __init__(self):
        self.functions, self.frames = Interned(), Interned()
        self._nodes = {}
        self.node_of = {0: 0}  # stack id of the spool -> node

    def add(self, id_, cut, frames):
        if len(frames) > MAX_DEPTH:
            frames, cut = frames[:MAX_DEPTH], words.CUT_DEEP
        node = -cut if cut in words.CUTS else 0
        nodes = self._nodes
        for frame in reversed(self.frames.all(frames, self._frame_row)):
            node = nodes.setdefault((node, frame), len(nodes) + 1)
        self.node_of[id_] = node

    def _frame_row(self, frame):
        what = (frame.function, frame.file, frame.module, frame.path, frame.role)
        function = self.functions.plain(what)
        return (
            to_signed(frame.pc),
            to_signed(frame.offset),
            function,
            frame.line,
            int(frame.inlined),
            to_signed(frame.start),
            frame.known,
        )

    def rows(self):
        return self._nodes


def verdict_row(verdict):
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


def purpose_row(purpose):
    return purpose.text, purpose.rule, purpose.source


def write_tables(connection, run, history, stacks):
    """Everything of one run. `stacks`: {stack id: (Frame, …)}; `run`: a dict, stored as JSON."""
    tables = Tables(connection)
    tree = StackTree()
    for id_, raw in history.stacks.items():
        tree.add(id_, raw.cut, stacks.get(id_, ()))
    recorded = history.recorded if history.has_many() else None
    write = _copy_events if recorded else _write_events
    sums = write(tables, recorded or history.events)
    _write_groups(tables, sums, tree)
    run = dict(run, peak=sums.peak, live_by_origin=by_origin(sums.stages, sums.groups))
    run.update(peaks=by_program.peaks(sums), live_by_program=by_program.lives(sums))
    _write_plain(tables, run, history)
    _write_stacks(tables, tree)
    _write_sums(tables, sums, stacks)


def _write_plain(tables, run, history):
    tables.rows("run", ((key, json.dumps(value)) for key, value in run.items()))
    tables.numbered("modules", map(_module_row, history.modules))
    tables.numbered("hooks", map(_hook_row, history.hooks.values()))
    tables.numbered("borders", map(_border_row, history.borders))
    tables.rows("blocks", map(_block_row, history.blocks))
    tables.numbered("notes", ((note,) for note in history.notes))


def _module_row(module):
    addresses = [to_signed(value) for value in (module.base, module.start, module.end)]
    times = (module.loaded_ns, module.unloaded_ns)
    what = (*addresses, module.build_id, module.role, to_signed(module.image), *times)
    return (to_signed(module.id), module.path, *what)


def _hook_row(hook):
    numbers = to_signed(hook.id), to_signed(hook.module)
    return (*numbers, hook.name, hook.impl, to_signed(hook.address))


def _border_row(border):
    numbers = (border.rss_bytes, border.minor_faults, border.major_faults, border.mapped_bytes)
    numbers += (border.brk, border.mappings)
    image = to_signed(border.image)
    return (border.phase, border.t_ns, border.how, image, *map(to_signed, numbers))


def _block_row(block):
    return block.number, to_signed(block.address), to_signed(block.size), block.seq, block.last


def _write_events(tables, events):
    made = EventColumns()
    for index, first in enumerate(range(0, len(events), columns.CHUNK)):
        part = events[first : first + columns.CHUNK]
        tables.rows("chunks", [(index, first, len(part))])
        tables.rows("columns", ((index, *row) for row in made.chunk(part)))
    tables.numbered("arguments", ((text,) for text in made.arguments.rows()))
    return made.sums()


def _copy_events(tables, recorded):
    """The chunks of a recorder are those of a trace."""
    if not recorded.keeps_events:
        return recorded.sums
    chunks = list(enumerate(recorded.chunks))
    tables.rows("chunks", ((index, first, count) for index, (first, count, _) in chunks))
    tables.rows(
        "columns",
        (
            (index, *row)
            for index, (_, count, packed) in chunks
            for row in _column_rows(packed, count)
        ),
    )
    late = ((seq, COLUMN_NAMES[column], to_signed(value)) for seq, column, value in recorded.late)
    tables.rows("late", late, replace=True)
    arguments = sorted(recorded.arguments.items())
    tables.rows("arguments", ((id_, json.dumps(value)) for id_, value in arguments))
    return recorded.sums


def _column_rows(packed, count):
    """Rows as EventColumns.chunk gives them; a recorder leaves out columns of zeros."""
    found = {COLUMN_NAMES[column.column]: column for column in packed}
    for name, delta in EVENT_COLUMNS:
        column = found.get(name)
        if column is None:
            yield (name, 0, int(delta), 0, count, b"")
        else:
            data = bytes(column.data) if column.width else b""
            yield (name, column.width, int(bool(column.delta)), column.base, column.period, data)


def _write_groups(tables, sums, tree):
    names, verdicts, purposes = Interned(), Interned(), Interned()
    tables.rows("groups", (_group_row(g, tree, names, verdicts, purposes) for g in sums.groups))
    tables.numbered("names", names.rows())
    tables.numbered("verdicts", verdicts.rows())
    tables.numbered("purposes", purposes.rows())
    tables.rows("timeline", map(_clamped, sums.timeline))


def _group_row(group, tree, names, verdicts, purposes):
    what = (
        group.id,
        names.plain((group.kind, group.name, group.impl)),
        to_signed(group.pid),
        words.PHASES.index(group.phase),
        to_signed(group.image),
        tree.node_of.get(group.stack, min(group.stack, 0)),
        group.within,
        verdicts.id(group.verdict, verdict_row),
        purposes.id(group.purpose, purpose_row),
    )
    return what + _clamped(_group_sums(group))


_group_sums = operator.attrgetter(
    *"first_seq first_t count bytes failed unfinished reached allocations allocated".split(),
    *"live_blocks live_bytes temporary_blocks temporary_bytes peak_bytes".split(),
)


def _clamped(values):
    """Sums of a hostile spool may pass 2^63: SQLite cannot hold them."""
    return tuple(
        [v if type(v) is not int or -MAX_INT <= v <= MAX_INT else _clamp(v) for v in values]
    )


def _clamp(value):
    return max(-MAX_INT, min(value, MAX_INT))


def _write_stacks(tables, tree):
    tables.numbered("functions", tree.functions.rows())
    tables.numbered("frames", tree.frames.rows())
    tables.numbered("stacks", tree.rows())


def _write_sums(tables, sums, stacks):
    """The same sums that a report shows, so that plain SQL can read them."""
    totals, sites = Totals(), Sites(lambda id_: stacks.get(id_, ()))
    for group in sums.groups:
        totals.add(group)
        sites.add(group)
    tables.rows("totals", (_clamped(row.values()) for row in totals.rows()))
    tables.rows("sites", (_clamped(row.values()) for row in map(_site, sites.rows())))


def _site(row):
    names = ("function", "module", "file", "line", "offset", "origin", "purpose")
    return {name: row[name] for name in names + ("count", "bytes", "live_blocks", "live_bytes")}
