"""A trace, opened for reading. Each method may raise TraceError: the file is a stranger's."""

from __future__ import annotations

import os

from . import columns, fields, run_facts, trace_schema, words
from .blocks import Block
from .model import Border, Frame, Module
from .trace_check import TraceError, checked, checked_value
from .trace_events import Events
from .trace_schema import MAX_DEPTH, to_unsigned

_KEPT_STACKS = 20000
_SMALLEST_ROW = 3  # bytes a row needs at least: more rows than that allow, a file cannot hold


class Trace:
    """A recorded run. Iterators read lazily; every method may raise TraceError."""

    def __init__(self, connection, path):
        self._db = connection
        self.path = path
        self._size = os.path.getsize(path)
        self._stacks = {}
        try:
            with checked():
                self.run = {key: fields.loads(value) for key, value in self._table("run")}
                run_facts.check(self.run)
                self.modules = [self._module(row) for row in self._table("modules")]
                self.borders = [self._border(row) for row in self._table("borders")]
                self.notes = [row[1] for row in self._table("notes")]
                self._load_stacks()
        except TraceError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._db.close()

    # plain tables

    def _table(self, table):
        """All rows, in order; a b-tree that a stranger tied into a knot is cut."""
        limit = self._size // _SMALLEST_ROW
        types = trace_schema.row_types(table)
        for count, row in enumerate(self._db.execute("SELECT * FROM " + table)):
            if count > limit:
                raise TraceError("damaged: more rows in %s than the file can hold" % table)
            yield tuple(checked_value(value, *type_) for value, type_ in zip(row, types))

    @staticmethod
    def _module(row):
        _, id_, path, base, start, end, build_id, role, image, loaded, unloaded = row
        addresses = map(to_unsigned, (base, start, end))
        return Module(
            to_unsigned(id_), path, *addresses, build_id, role, to_unsigned(image), loaded, unloaded
        )

    @staticmethod
    def _border(row):
        _, phase, t_ns, how, image, *numbers = row
        if phase not in words.PHASES:
            raise TraceError("damaged: no phase %r" % (phase,))
        return Border(phase, t_ns, how, to_unsigned(image), *map(to_unsigned, numbers))

    def blocks(self):
        """Yield the blocks live at the end (blocks.Block), by number."""
        with checked():
            for number, address, size, seq, last in self._table("blocks"):
                yield Block(number, to_unsigned(address), to_unsigned(size), seq, last)

    def sites(self):
        """Yield the allocation sites as dicts: the columns of the table `sites`."""
        return self._dicts("sites")

    def totals(self):
        """Yield the matrix of un-nested events as dicts: the columns of the table `totals`."""
        return self._dicts("totals")

    def _dicts(self, table):
        with checked():
            names = [type_[0] for type_ in trace_schema.row_types(table)]
            for row in self._table(table):
                yield dict(zip(names, row))

    # stacks

    def _load_stacks(self):
        self._functions = {row[0]: row[1:] for row in self._table("functions")}
        self._frames = {row[0]: row[1:] for row in self._table("frames")}
        self._nodes = {row[0]: row[1:] for row in self._table("stacks")}
        self._made_frames = {}

    def stack(self, id_):
        """The frames of an event's stack, innermost first; () for 0."""
        if id_ not in self._stacks:
            if len(self._stacks) >= _KEPT_STACKS:
                self._stacks.clear()
            with checked():
                nodes = self._walk(id_)
                self._stacks[id_] = tuple(self._frame(self._nodes[node][1]) for node in nodes)
        return self._stacks[id_]

    def cut(self, id_):
        """Why the stack ends before its outermost frame, in words; None: it does not."""
        with checked():
            nodes = self._walk(id_)
            root = self._nodes[nodes[-1]][0] if nodes else min(id_, 0)
            return words.CUTS[-root]

    def _walk(self, id_):
        """The nodes of a stack. A parent is always older: no cycle, and a bounded depth."""
        nodes = []
        while id_ > 0:
            nodes.append(id_)
            parent = self._nodes[id_][0]
            if parent >= id_ or len(nodes) > MAX_DEPTH:
                raise TraceError("damaged: stack %d has no end" % nodes[0])
            id_ = parent
        return nodes

    def _frame(self, id_):
        if id_ not in self._made_frames:
            pc, offset, function, line, inlined, start, known = self._frames[id_]
            name, file, module, path, role = self._functions[function]
            pc, offset, start = map(to_unsigned, (pc, offset, start))
            self._made_frames[id_] = Frame(
                pc, module, path, role, offset, name, file, line, bool(inlined), start, known
            )
        return self._made_frames[id_]

    # events

    def events(self):
        """Yield every Event in order, with its verdict and purpose. Memory: one chunk."""
        with checked():
            shared = Events(self._table)
            expected = 0
            for index, first, count in self._table("chunks"):
                if first != expected or not isinstance(count, int) or count < 1:
                    raise TraceError("damaged: chunk %r begins at event %r" % (index, first))
                yield from shared.of(first, self._chunk(index, count))
                expected += count

    def _chunk(self, index, count):
        query = "SELECT name, width, delta, data FROM columns WHERE chunk = ?"
        found = {
            name: columns.decode(width, delta, data, count)
            for name, width, delta, data in self._db.execute(query, (index,))
        }
        return [found[name] for name, _ in trace_schema.EVENT_COLUMNS]
