"""A trace, opened for reading. Each method may raise TraceError: the file is a stranger's."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from alloctrace import fields, words
from alloctrace.columns import chunk_checks, columns
from alloctrace.columns import events as trace_events, schema as trace_schema
from alloctrace.columns.check import TraceError, checked, checked_value
from alloctrace.columns.schema import LONGEST_TEXT, to_unsigned
from alloctrace.history import run_facts
from alloctrace.history.blocks import Block
from alloctrace.history.groups import Sums
from alloctrace.model import Border, Module
from . import tables as trace_tables
from .where import Where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from sqlite3 import Connection
    from typing import Any

    from alloctrace.columns.events import PackedChunk
    from alloctrace.model import Event, Frame, Group
    from alloctrace.stacks.tree import StackTree
    from .where import Chooser

_KEPT_STACKS = 1000
_PACKED = "SELECT name, width, base, period, data, delta FROM columns WHERE chunk = ?"
_LATE = "SELECT seq, name, value FROM late WHERE seq >= ? AND seq < ?"
_KNOWN = {"origin": words.ORIGINS, "phase": words.PHASES, "kind": ("call", "syscall")}
_COUNTS = ("count", "live_blocks", "live_bytes")
_SIZE = 2  # its place in a state
_SMALLEST_ROW = 3  # bytes a row needs at least: more rows than that allow, a file cannot hold


class Trace:
    """A recorded run. Iterators read lazily; every method may raise TraceError."""

    def __init__(
        self, connection: Connection, path: str, state: Sequence[int], more: int = 0
    ) -> None:
        """`state`: cache_folder.state of the file just before it was opened. `more`: rows that a
        table may have beyond those that it can hold."""
        self._db = connection
        self.path, self.state = path, state
        self._limit = state[_SIZE] // _SMALLEST_ROW + more
        self._stacks: dict[int, tuple[Frame, ...]] = {}
        self._sums: Sums | None = None
        try:
            with checked():
                self.run = {key: fields.loads(value) for key, value in self._table("run")}
                run_facts.check(self.run)
                self.modules = [self._module(row) for row in self._table("modules")]
                self.borders = [self._border(row) for row in self._table("borders")]
                self.notes = [row[1] for row in self._table("notes")]
                self._check_counts()
        except TraceError:
            self.close()
            raise

    def __enter__(self) -> Trace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def _check_counts(self) -> None:
        """Whoever believes the sums must not meet more events, nor less."""
        said = self.run.get("events") or 0
        found: list[tuple[str, int, int]] = [("groups", *self._count("groups"))]
        found += [("chunks", *self._count("chunks"))] if self.keeps_events else []
        for table, fewest, events in found:
            if fewest < 0 or events != said:
                text = "damaged: its %s hold %d events, it says %d"
                raise TraceError(text % (table, events, said))

    def _count(self, table: str) -> tuple[int, int]:
        query = "SELECT ifnull(min(count), 0), ifnull(sum(count), 0) FROM " + table
        fewest, events = self._db.execute(query).fetchone()
        return int(fewest), int(events)

    # plain tables

    def _table(self, table: str) -> Iterator[tuple[Any, ...]]:
        """All rows, in order; a b-tree that a stranger tied into a knot is cut."""
        types = trace_schema.row_types(table)
        plain = tuple(type_ for _, type_, _ in types)
        texts = [at for at, type_ in enumerate(plain) if type_ is str and table != "run"]
        for count, row in enumerate(self._db.execute("SELECT * FROM " + table)):
            if count > self._limit:
                raise TraceError("damaged: more rows in %s than the file can hold" % table)
            if tuple(map(type, row)) != plain:
                row = tuple(checked_value(value, *type_) for value, type_ in zip(row, types))
            for at in texts:
                if row[at] is not None and len(row[at]) > LONGEST_TEXT:
                    raise TraceError("damaged: a text in %s is too long" % table)
            yield row

    @staticmethod
    def _module(row: tuple[Any, ...]) -> Module:
        _, id_, path, base, start, end, build_id, role, image, loaded, unloaded = row
        base, start, end = map(to_unsigned, (base, start, end))
        id_, image = to_unsigned(id_), to_unsigned(image)
        return Module(id_, path, base, start, end, build_id, role, image, loaded, unloaded)

    @staticmethod
    def _border(row: tuple[Any, ...]) -> Border:
        _, phase, t_ns, how, image, *numbers = row
        if phase not in words.PHASES or t_ns < 0:
            raise TraceError("damaged: no phase %r at %d" % (phase, t_ns))
        return Border(phase, t_ns, how, to_unsigned(image), *map(to_unsigned, numbers))

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks live at the end (blocks.Block), by number."""
        with checked():
            for number, address, size, seq, last in self._table("blocks"):
                yield Block(number, to_unsigned(address), to_unsigned(size), seq, last)

    def sites(self) -> Iterator[dict[str, Any]]:
        """Yield the allocation sites as dicts: the columns of the table `sites`."""
        return self._dicts("sites")

    def totals(self) -> Iterator[dict[str, Any]]:
        """Yield the matrix of un-nested events as dicts: the columns of the table `totals`."""
        return self._dicts("totals")

    def _dicts(self, table: str) -> Iterator[dict[str, Any]]:
        with checked():
            names = [type_[0] for type_ in trace_schema.row_types(table)]
            for row in self._table(table):
                made = dict(zip(names, row))
                for name, value in made.items():
                    if value not in _KNOWN.get(name, (value,)) or (name in _COUNTS and value < 0):
                        raise TraceError("damaged: %s %r in %s" % (name, value, table))
                yield made

    # stacks

    @cached_property
    def tree(self) -> StackTree:
        """The StackTree: an event's `stack` is a node."""
        with checked():
            return trace_tables.stack_tree(self._db, self._table, self._limit)

    def stack(self, id_: int) -> tuple[Frame, ...]:
        """The frames of an event's stack, innermost first; () for 0."""
        if id_ not in self._stacks:
            if len(self._stacks) >= _KEPT_STACKS:
                self._stacks.clear()
            with checked():
                self._stacks[id_] = self.tree[id_] if id_ > 0 else ()
        return self._stacks[id_]

    def cut(self, id_: int) -> str | None:
        """Why the stack ends before its outermost frame, in words; None: it does not."""
        with checked():
            while id_ > 0:
                id_ = self.tree.parents[id_]
            return words.CUTS[-id_]

    # groups and events

    @property
    def keeps_events(self) -> bool:
        """Whether there are events to read, and not only their sums."""
        return self.run.get("keep") != "totals"

    def sums(self) -> Sums:
        """The groups.Sums: all that is alike, counted."""
        if self._sums is None:
            with checked():
                peak = self.run.get("peak") or {}
                events = self.run.get("events") or 0
                groups = trace_tables.groups(self._db, self._table, self._limit)
                timeline = list(self._table("timeline"))
                self._sums = Sums(groups, events, peak, timeline=timeline)
        return self._sums

    def events(
        self, wanted: Callable[[Group], bool] | None = None, where: Chooser | None = None
    ) -> Iterator[Event]:
        """Every Event in order; `wanted(group)`: whether its events are; `where`: which of these.
        None is made of the others. Memory: one chunk."""
        return (event for event, _ in self.events_of_groups(wanted, where))

    def events_of_groups(
        self, wanted: Callable[[Group], bool] | None = None, where: Chooser | None = None
    ) -> Iterator[tuple[Event, int]]:
        """The same, each with the id of its group. All groups are counted, but where `where` leaves
        out chunks by their numbers."""
        self._check_kept()
        with checked():
            groups = self.sums().groups
            chosen = None if wanted is None else {g.id for g in groups if wanted(g)}
            made = trace_events.Events(groups, self._arguments_of())
            leaves_out = where is not None and where.leaves_out
            counted = chunk_checks.Counted(groups.sums["count"])
            for index, first, count in self._chunks():
                rows = range(count) if where is None else where.numbered(first, count)
                if not rows:
                    continue
                if chosen is not None or not leaves_out:
                    of_events = self._group_column(index, count)
                    counted.add(of_events)
                if chosen is not None:
                    none = chosen.isdisjoint(of_events)
                    rows = [] if none else [row for row in rows if of_events[row] in chosen]
                if rows and where is not None and where.columns:
                    rows = where.among(rows, self._chunk(index, first, count, where.columns))
                if len(rows) == count:
                    yield from made.of(first, self._chunk(index, first, count))
                elif rows:
                    seqs = map(first.__add__, rows)
                    yield from made.some(seqs, self._chunk(index, first, count, rows=rows))
            if not leaves_out:
                counted.compare()

    def events_within(self, ranges: Sequence[Sequence[int]]) -> Iterator[Event]:
        """Yield the events of some ranges of seqs, pairs (first, last); chunks that hold none of
        them are not read."""
        return self.events(where=Where(ranges))

    def group_columns(self, seq: int = 0, step: int = 1) -> Iterator[tuple[int, list[int]]]:
        """Yield (first seq, of which group its events are) chunk by chunk, from the one that holds
        `seq` on, forwards or (step -1) backwards."""
        self._check_kept()
        with checked():
            for index, first, count in self._chunks_from(seq, step):
                yield first, self._group_column(index, count)

    def chunk_columns(self, names: Sequence[str]) -> Iterator[tuple[int, list[list[int]]]]:
        """Yield (seq of the first event, [column of each name]) chunk by chunk; `present`
        and `group` are among `names`."""
        self._check_kept()
        groups = len(self.sums().groups)
        with checked():
            for index, first, count in self._chunks():
                chunk = self._chunk(index, first, count, names)
                chunk_checks.places(dict(zip(names, chunk)), first, groups)
                yield first, chunk

    def stored_chunks(
        self, names: Sequence[str]
    ) -> Iterator[tuple[int, int, list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
        """Yield (seq of the first event, count, rows of `columns`, rows of `late`) chunk by chunk:
        as they are stored, and not to be believed."""
        self._check_kept()
        with checked():
            for index, first, count in self._chunks():
                found = {row[0]: row for row in self._db.execute(_PACKED, (index,))}
                late = self._db.execute(_LATE, (first, first + count)).fetchall()
                yield first, count, [found[name] for name in names], late

    def stored_columns(self, index: int) -> list[tuple[Any, ...]]:
        """The rows of `columns` of one chunk: (name, width, base, period, data, delta), as they are
        in the file, and not to be believed."""
        with checked():
            query = _PACKED.replace("FROM columns", "FROM main.columns")
            return self._db.execute(query, (index,)).fetchall()

    def chunks(self) -> list[tuple[int, int, int]]:
        """[(index, seq of the first event, count)]"""
        with checked():
            return list(self._chunks())

    def argument_texts(self) -> dict[int, str]:
        """{id: JSON} of what syscalls were given."""
        with checked():
            return {row[0]: row[1] for row in self._table("arguments")}

    def replaced(self) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
        """Yield (table, rows) of those that are not the file's: its purposes were found out when it
        was opened (unexplained.py)."""
        query = "SELECT name FROM sqlite_temp_master WHERE type = 'table'"
        for (name,) in self._db.execute(query).fetchall():
            yield name, self._db.execute("SELECT * FROM temp." + name)

    def packed_chunks(
        self, names: tuple[str, ...], seq: int = 0, step: int = 1
    ) -> Iterator[tuple[int, PackedChunk]]:
        """Yield (seq of the first event, trace_events.PackedChunk) chunk by chunk; `seq`, `step`:
        as group_columns takes them."""
        self._check_kept()
        query = _PACKED + " AND name IN (%s)" % ",".join("?" * len(names))
        with checked():
            for index, first, count in self._chunks_from(seq, step):
                rows = self._db.execute(query, (index, *names)).fetchall()
                yield first, trace_events.PackedChunk(rows, count)

    def _check_kept(self) -> None:
        if not self.keeps_events:
            raise TraceError("its events were not kept: it was recorded with --keep totals")

    def _chunks(self) -> Iterator[tuple[int, int, int]]:
        expected = 0
        for index, first, count in self._table("chunks"):
            if first != expected or count < 1:
                raise TraceError("damaged: chunk %r begins at event %r" % (index, first))
            expected += count
            yield index, first, count

    def _chunks_from(self, seq: int, step: int) -> list[tuple[int, int, int]]:
        chunks = list(self._chunks())
        at = bisect_right([first for _, first, _ in chunks], seq) - 1
        return chunks[max(0, at) :] if step > 0 else chunks[: at + 1][::-1]

    def late_values(self, names: tuple[str, ...]) -> list[tuple[int, str, int]]:
        """[(seq, name, value)] of what became known when the chunk was written already."""
        with checked():
            query = "SELECT seq, name, value FROM late WHERE name IN (%s) ORDER BY seq"
            return self._db.execute(query % ",".join("?" * len(names)), names).fetchall()

    def _arguments_of(self) -> Callable[[int], dict[str, Any]]:
        texts = self.argument_texts()

        def arguments(id_: int) -> dict[str, Any]:
            value = fields.loads(texts[id_])
            if not isinstance(value, dict):
                raise TraceError("damaged: arguments %d" % id_)
            return value

        return arguments

    def _group_column(self, index: int, count: int) -> list[int]:
        """Of which group each event of a chunk is."""
        row = self._db.execute(_PACKED + " AND name = 'group'", (index,)).fetchone()
        return columns.decode(columns.Packed(*row[1:5]), row[5], count)

    def _chunk(
        self,
        index: int,
        first: int,
        count: int,
        names: Sequence[str] = trace_schema.COLUMN_NAMES,
        rows: Sequence[int] | None = None,
    ) -> list[list[int]]:
        """Its columns; `rows`: of these only."""
        found = trace_events.by_name(self._db.execute(_PACKED, (index,)))
        chunk = trace_events.unpack(found, count, names, rows)
        late: Iterable[Any] = self._db.execute(_LATE, (first, first + count))
        if rows is not None:
            place_of = {first + row: first + place for place, row in enumerate(rows)}
            late = [(place_of[seq], *more) for seq, *more in late if seq in place_of]
        trace_events.mend(chunk, first, late, names)
        chunk_checks.numbers(dict(zip(names, chunk)), first)
        return chunk
