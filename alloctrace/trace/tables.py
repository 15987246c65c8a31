"""The large tables of a trace as columns: stacks as a StackTree, groups as a GroupTable.

The file is a stranger's: what does not fit together is a TraceError, or an error that
trace_check.checked turns into one.
"""

from __future__ import annotations

from array import array

from alloctrace import fields, words
from alloctrace.columns.check import TraceError
from alloctrace.columns.group_table import GroupTable, SUMS, What
from alloctrace.columns.growing import Growing
from alloctrace.columns.schema import MAX_DEPTH, to_unsigned
from alloctrace.columns.stored import Stored
from alloctrace.model import Purpose, Verdict
from alloctrace.stacks.frames import FrameTable
from alloctrace.stacks.tree import StackTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from sqlite3 import Connection
    from typing import Any

_ROWS = 4096  # read at once


def stack_tree(
    connection: Connection, table: Callable[[str], Iterator[tuple[Any, ...]]], limit: int
) -> StackTree:
    """The StackTree. `table(name)`: its rows; `limit`: of rows that a table may have."""
    frames = FrameTable(connection, table)
    parents, of, depths = array("i", [0]), array("I", [0]), array("I", [0])
    for first, (ids, outer, frame) in _columns(connection, "stacks", limit):
        if any(map(int.__ge__, outer, ids)):
            raise TraceError("damaged: a stack behind %d has no end" % first)
        parents.extend(outer)
        for above in outer:
            depths.append(depths[above] + 1 if above > 0 else 1)
        if max(depths[first:]) > MAX_DEPTH:
            raise TraceError("damaged: a stack behind %d is too deep" % first)
        if not 0 < min(frame) <= max(frame) <= len(frames):
            raise TraceError("damaged: a stack behind %d is of no frame" % first)
        of.extend([number - 1 for number in frame])
    return StackTree(frames, parents, of, None, range(1, len(parents)))


def groups(
    connection: Connection, table: Callable[[str], Iterator[tuple[Any, ...]]], limit: int
) -> GroupTable:
    """The GroupTable, its columns as narrow as can be. Arguments as of `stack_tree`."""
    names = {row[0]: _name(row[1:4]) for row in table("names")}
    made = GroupTable()
    whats: dict[tuple[int, int, int, int], int] = {}
    verdicts = _numbered(made.verdicts, table("verdicts"), _verdict)
    made.purposes = Purposes(connection, table)

    def what(key: tuple[int, int, int, int]) -> int:
        name, pid, phase, image = key
        if not 0 <= phase < len(words.PHASES):
            raise TraceError("damaged: no phase %d" % phase)
        if key not in whats:
            about = to_unsigned(pid), words.PHASES[phase], to_unsigned(image)
            whats[key] = made.what_id(What(*names[name], *about))
        return whats[key]

    read = _Narrow()
    for first, columns in _columns(connection, "groups", limit):
        ids, name, pid, phase, image, stack, within, verdict, purpose, *rest = columns
        if min(within) < 0 or any(map(int.__ge__, within, ids)):
            raise TraceError("damaged: a group behind %d" % first)
        sums = dict(zip(SUMS, rest[2:]))
        counts = (rest[0], *(sums[column] for column in SUMS if column != "bytes"))
        if min(min(values) for values in counts) < 0:
            raise TraceError("damaged: a count of a group behind %d" % first)
        if not 0 <= min(purpose) <= max(purpose) < len(made.purposes):
            raise TraceError("damaged: a group behind %d is for nothing that is told" % first)
        read.add("what", list(map(what, zip(name, pid, phase, image))))
        read.add("verdict", list(map(verdicts.__getitem__, verdict)))
        for column, values in zip(_PLAIN, (stack, within, purpose, *rest[:2])):
            read.add(column, values)
        added = rest[2 + len(SUMS) :]  # traces of older brkpoints have none, or the first
        if len(added) == len(_ADDED) and not 0 <= min(added[-1]) <= max(added[-1]) < 1 << 32:
            raise TraceError("damaged: the region of a group behind %d" % first)
        for column, values in zip(SUMS + _ADDED, rest[2 : 2 + len(SUMS)] + added):
            read.add(column, values)
    read.into(made)
    return made


_PLAIN = ("stack", "within", "purpose", "first_seq", "first_t")
_ADDED = ["own_peak", "region"]


class _Narrow:
    """The columns of a GroupTable, by name."""

    def __init__(self) -> None:
        self._columns: dict[str, Growing] = {}

    def add(self, name: str, values: Sequence[int]) -> None:
        self._columns.setdefault(name, Growing()).extend(values)

    def into(self, made: GroupTable) -> None:
        if not self._columns:
            return
        columns = {name: column.values for name, column in self._columns.items()}
        nothing = bytes(len(columns["what"]))
        made.sums = {name: columns.pop(name) for name in SUMS}
        made.before = array("b", b"\xff" * len(nothing))  # -1
        made.own_peak, made.region = array("B", nothing), array("B", nothing)
        vars(made).update(columns)


class Purposes(Stored):
    """`purposes[id]`; 0 is None. Of a million texts few are asked for: which rules there are, and
    whether they say something, is known of all."""

    def __init__(
        self, connection: Connection, table: Callable[[str], Iterator[tuple[Any, ...]]]
    ) -> None:
        self.rules, self.rule_of, self.is_said = [None], Growing(), bytearray(1)
        self.rule_of.append(0)
        numbers, count = {}, 0
        for id_, text, rule, _ in table("purposes"):
            count += 1
            if id_ != count:
                raise TraceError("damaged: the rows of purposes behind %d" % count)
            if rule not in numbers:
                numbers[rule] = len(self.rules)
                self.rules.append(rule)
            self.rule_of.append(numbers[rule])
            self.is_said.append(text is not None)
        super().__init__(connection, "purposes", count, Purpose)

    def __len__(self) -> int:
        return super().__len__() + 1

    def _read(self, index: int) -> Purpose | None:
        made: Purpose | None = super()._read(index - 1) if index > 1 else None
        return made


def _name(row: tuple[Any, ...]) -> tuple[str, str, str | None]:
    kind, name, impl = row
    known = {"call": words.ENTRY_POINTS, "syscall": words.SYSCALL_NAMES}
    if name not in known.get(kind, ()):
        raise TraceError("damaged: no %s %r" % (kind, name))
    return kind, name, impl


def _numbered(
    values: list[Verdict | None],
    rows: Iterable[tuple[Any, ...]],
    make: Callable[[list[Any]], Verdict],
) -> dict[int, int]:
    """Append what rows are to `values`; {id of the row: its place there}."""
    places = {0: 0}
    for id_, *row in rows:
        places[id_] = len(values)
        values.append(make(row))
    return places


def _verdict(row: list[Any]) -> Verdict:
    origin, owner, via, direct, decided_by, rule, confidence, for_whom = row
    if origin not in words.ORIGINS:
        raise TraceError("damaged: no origin %r" % (origin,))
    if confidence not in ("", *words.CONFIDENCES):
        raise TraceError("damaged: no confidence %r" % (confidence,))
    via = tuple(map(str, fields.loads(via)))
    return Verdict(origin, owner, via, bool(direct), decided_by, rule, confidence, for_whom)


def _columns(
    connection: Connection, table: str, limit: int
) -> Iterator[tuple[int, list[tuple[int, ...]]]]:
    """Yield (rows before, columns) of a table of numbers, whose first column counts from 1."""
    cursor, first = connection.execute("SELECT * FROM " + table), 0
    while rows := cursor.fetchmany(_ROWS):
        columns = list(zip(*rows))
        if set(map(type, columns[0])) != {int} or columns[0] != _count(first, len(rows)):
            raise TraceError("damaged: the rows of %s behind %d" % (table, first))
        yield first, columns
        first += len(rows)
        if first > limit:
            raise TraceError("damaged: more rows in %s than the file can hold" % table)


def _count(first: int, count: int) -> tuple[int, ...]:
    return tuple(range(first + 1, first + count + 1))
