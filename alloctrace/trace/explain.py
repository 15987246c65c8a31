"""Finds out what the allocations of a trace are for that was written without (unexplained.py).

By the same code as when it is written, with the same result: in temporary tables that stand before
those of the file, which stays as it is. The file is a stranger's. Where that took long, the tables
are kept for whoever opens it next (alloctrace/kept.py), those of the last few such traces.
"""

from __future__ import annotations

import json
import marshal
import os
import time
import zlib
from array import array

from alloctrace import cache_folder, fields, kept, kernels
from alloctrace.columns import members
from alloctrace.columns.check import checked
from alloctrace.columns.few_events import FewEvents
from alloctrace.columns.group_table import SUMS
from alloctrace.columns.schema import COLUMN_NAMES, UNEXPLAINED, to_unsigned
from alloctrace.history import packed as packed_history
from alloctrace.history.groups import Sums
from alloctrace.history.history import History
from alloctrace.history.packed import PackedHistory
from alloctrace.purpose import classify
from alloctrace.spool import spool
from . import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.purpose.judging import Programs
    from alloctrace.spool.spool import Column
    from alloctrace.stacks.tree import StackTree
    from .read import Trace

MORE_GROUPS = packed_history.MANY  # that a run of few events may have when it is explained
_MORE = 1 << 21  # bytes of what is known of programs; those with events have a group's as well
_KEPT = "SELECT name, data FROM %s WHERE name IN ('members', 'before', 'programs')" % UNEXPLAINED
_LIBCS = ("shared", "static", "none")
_REPLACED = ("run", "groups", "names", "verdicts", "purposes", "timeline", "totals", "sites")
_WIDE = {"before": "q", "own_peak": "q", "first_seq": "q", "first_t": "q", "stack": "q"}
_LONG_S, _MOST_KEPT = 0.2, 4  # of CPU; traces
_COLUMNS = ("what", "within", "verdict", "purpose", "region", *_WIDE)


def explain(connection: Connection, trace: Trace) -> StackTree | None:
    """Of a `trace` that is read through `connection`. May raise TraceError. Gives its tree, where
    that was needed."""
    known, began = _load(trace), time.process_time()
    tree = None
    with checked():
        execute = connection.execute
        execute("PRAGMA temp_store=MEMORY")
        execute("PRAGMA query_only=OFF")
        execute("BEGIN")
        if known is None:
            tree = _find_out(connection, trace)
        else:
            write.Tables(connection, known, are_temporary=True).copy(known.items())
        execute("COMMIT")
        execute("PRAGMA query_only=ON")
    if known is None and time.process_time() - began > _LONG_S:
        _store(trace)
    return tree


def _load(trace: Trace) -> dict[str, list[Any]] | None:
    """{table: rows}, where they were kept, of the very same file and by the same code."""
    found: Any = kept.load(_slot(trace.path), _code())
    if not found or found[0] != trace.state or cache_folder.state(trace.path) != trace.state:
        return None
    known: dict[str, list[Any]] = marshal.loads(zlib.decompress(found[1]))
    return known


def _store(trace: Trace) -> None:
    """Not where another run has put its trace there meanwhile: they are not of that one."""
    rows = {name: list(rows) for name, rows in trace.replaced()}
    packed = zlib.compress(marshal.dumps(rows), 1)
    if cache_folder.state(trace.path) == trace.state:
        kept.store(_slot(trace.path), _code(), (trace.state, packed))


def _slot(path: str) -> str:
    """A name to keep them under: of two traces with the same one the latter is kept."""
    return "explained trace %d" % (zlib.crc32(os.fsencode(os.path.abspath(path))) % _MOST_KEPT)


def _code() -> list[str]:
    """The files that what is found out rests on: all of alloctrace, and its passes in C."""
    top = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    return kernels.paths() + [
        os.path.join(folder, name)
        for folder, _, names in sorted(os.walk(top))
        for name in sorted(names)
        if name.endswith((".py", ".ini"))
    ]


def _find_out(connection: Connection, trace: Trace) -> StackTree:
    """Into temporary tables; the trace's tree."""
    groups = _wide(trace.sums().groups)
    found = dict(_unpacked(connection, members.SIZE * len(groups) + _MORE))
    groups.members_rows = members.checked(found["members"], len(groups))
    groups.before = array("q", found["before"])
    if len(groups.before) != len(groups):
        raise ValueError("damaged: what was before is of other groups")
    history, tree, table = _history(trace, groups), trace.tree, trace.tree.frames
    tree.frames = list(table)  # each is asked for many times
    packed = history.packed
    assert packed is not None
    chunks = packed.chunks
    classify.explain(history, tree, _programs(found["programs"], trace))
    is_split = packed.chunks is not chunks  # into other groups, which events name
    replaced = (*_REPLACED, "columns") if is_split else _REPLACED
    rows_ = connection.execute("SELECT * FROM run").fetchall()
    tables = write.Tables(connection, replaced, are_temporary=True)
    purposes = json.dumps("examples" if history.has_many() else "each")
    tables.rows("run", [(k, purposes if k == "purposes" else v) for k, v in rows_])
    nodes = tree.nodes(packed.sums.groups.stack)
    write.write_groups(tables, packed.sums, nodes)
    write.write_sums(tables, packed.sums.groups, tree, nodes)
    if is_split:
        write.write_columns(tables, packed)
    tree.frames = table
    return tree


def _unpacked(connection: Connection, most: int) -> Iterator[tuple[str, bytes]]:
    """Of values of `most` bytes."""
    for name, data in connection.execute(_KEPT):
        unpack = zlib.decompressobj()
        try:
            value = unpack.decompress(data, most)
        except zlib.error as error:
            raise ValueError("damaged: %s" % error) from None
        if not unpack.eof:
            raise ValueError("damaged: %s is cut off, or too large" % name)
        yield name, value


def _wide(groups: GroupTable) -> GroupTable:
    """Of a trace columns are as narrow as can be; what finds purposes takes them as the recorder
    tells them."""
    for name in _COLUMNS:
        setattr(groups, name, array(_WIDE.get(name, "I"), getattr(groups, name)))
    groups.sums = {name: array("q", groups.sums[name]) for name in SUMS} if groups.sums else {}
    return groups


def _history(trace: Trace, groups: GroupTable) -> History:
    """As much of it as classify.explain asks for."""
    made, run = PackedHistory(), trace.run
    made.sums = Sums(groups, run.get("events") or 0, run.get("peak") or {}, run.get("peaks") or [])
    made.sums.timeline = trace.sums().timeline
    made.arguments = _Arguments(trace.argument_texts())
    made.chunks = [
        (first, count, _Columns(trace, index, first, count))  # type: ignore[misc]  # iterated
        for index, first, count in trace.chunks()
    ]
    late = trace.late_values(COLUMN_NAMES)
    made.late = [(seq, COLUMN_NAMES.index(name), to_unsigned(value)) for seq, name, value in late]
    history = History(modules=trace.modules, packed=made)
    if not history.has_many():
        made.events = FewEvents(made)
    history.events = made.events
    return history


class _Columns:
    """The columns of one chunk as spool.Column, read each time that they are asked for."""

    def __init__(self, trace: Trace, index: int, first: int, count: int) -> None:
        self._trace, self._index, self._place = trace, index, (first, count)

    def __iter__(self) -> Iterator[Column]:
        for name, width, base, period, data, delta in self._trace.stored_columns(self._index):
            if type(data) is not bytes:
                raise ValueError("damaged: a column holds no bytes")
            number = COLUMN_NAMES.index(name)
            yield spool.Column(*self._place, number, width, delta, base, period, data)


class _Arguments(dict):  # type: ignore[type-arg]  # 3.9 has no subscript that costs nothing
    """{id: dict} of {id: JSON}: of many few are asked for."""

    def __getitem__(self, id_: int) -> dict[str, Any]:
        value = fields.loads(super().__getitem__(id_))
        if not isinstance(value, dict):
            raise ValueError("damaged: arguments %d" % id_)
        return value


def _programs(data: bytes, trace: Trace) -> Programs:
    found: Programs = {}
    for libc, holds, mixed, images in fields.loads(data.decode()):
        if libc not in _LIBCS or not isinstance(mixed, bool):
            raise ValueError("damaged: what is known of a program")
        told = {"libc": libc, "holds": frozenset(map(str, holds)), "executable_mixed": mixed}
        found.update(dict.fromkeys(images, told))
    for what in trace.sums().groups.whats:
        found[what.image]  # pylint: disable=pointless-statement  # KeyError: damaged
    return found
