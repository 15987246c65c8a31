"""The spool: what an engine writes while the target runs, append-only, one writer.

Layout (little-endian; docs/trace-format.md): 16 bytes of header (magic, version, zero), then
records of 8 bytes of header (payload length u32, kind u8, three zero bytes) and a payload.
A record that the end of the file cuts off is no error: the reader stops before it and says so.
A spool comes from a stranger: lengths and kinds are checked, nothing is trusted.
"""

from __future__ import annotations

import json
import os
import struct
from collections import namedtuple

from alloctrace import fields
from .rows import ARGUMENTS, AT_PEAK, BLOCKS, COLUMN, ENTER, GROUPS, JSON, LATE, LEAVE, MAGIC
from .rows import MAX_PAYLOAD, MEMBERS, NODES, PEAKS, STACK, STAGES, SUMS, SYSENTER, SYSLEAVE
from .rows import VERSION, VERSIONS, layout, names
from .table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import FileIO
    from typing import Any, BinaryIO, NamedTuple

_FILE = layout("file")
_RECORD = layout("record")
_STACK = layout("stack")
_ENTER = layout("enter")
_LEAVE = layout("leave")
_SYSENTER = layout("sysenter")
_SYSLEAVE = layout("sysleave")
_ARGUMENTS = layout("arguments")
_COLUMN = layout("column")

# One class a kind. Addresses and arguments are unsigned 64-bit integers, t_ns is CLOCK_MONOTONIC.
if TYPE_CHECKING:

    class Info(NamedTuple):
        data: dict[str, Any]

    class Stack(NamedTuple):
        id: int
        cut: int
        frames: tuple[tuple[int, int], ...]

    class Enter(NamedTuple):
        t_ns: int
        tid: int
        hook: int
        sp: int
        arg0: int
        arg1: int
        arg2: int
        stack: int

    class Leave(NamedTuple):
        t_ns: int
        tid: int
        hook: int
        sp: int
        result: int

    class SysEnter(NamedTuple):
        t_ns: int
        tid: int
        number: int
        sp: int
        args: tuple[int, ...]
        stack: int
        path: bytes

    class SysLeave(NamedTuple):
        t_ns: int
        tid: int
        number: int
        result: int

    class CutOff(NamedTuple):
        offset: int
        lost_bytes: int

    class GroupRow(NamedTuple):
        id: int
        name: int
        pid: int
        phase: int
        within: int
        stack: int
        image: int
        first_seq: int
        first_t: int
        before: int

    class SumRow(NamedTuple):
        id: int
        count: int  # type: ignore[assignment]  # hides what a tuple counts
        failed: int
        unfinished: int
        reached: int
        bytes: int
        allocations: int
        allocated: int
        live_blocks: int
        live_bytes: int
        temporary_blocks: int
        temporary_bytes: int
        peak_bytes: int

else:
    Info = namedtuple("Info", "data")  # a dict with a "type"; docs/trace-format.md lists them
    Stack = namedtuple("Stack", "id cut frames")  # frames: ((pc, slot), …), innermost first
    Enter = namedtuple("Enter", "t_ns tid hook sp arg0 arg1 arg2 stack")
    Leave = namedtuple("Leave", "t_ns tid hook sp result")
    SysEnter = namedtuple("SysEnter", "t_ns tid number sp args stack path")
    SysLeave = namedtuple("SysLeave", "t_ns tid number result")
    CutOff = namedtuple("CutOff", "offset lost_bytes")  # only ever the last one
    GroupRow = namedtuple("GroupRow", names("group"))
    SumRow = namedtuple("SumRow", names("sum"))

# What the history in C hands out (recorder/host/history/history.h): rows are plain tuples.
if TYPE_CHECKING:
    _Numbers = tuple[int, ...]

    class Nodes(NamedTuple):
        rows: Table

    class Groups(NamedTuple):
        rows: Table

    class Arguments(NamedTuple):
        id: int
        number: int
        args: _Numbers
        path: bytes

    class Column(NamedTuple):
        first: int
        count: int  # type: ignore[assignment]  # hides what a tuple counts
        column: int
        width: int
        delta: int
        base: int
        period: int
        data: bytes

    class Late(NamedTuple):
        rows: list[_Numbers]

    class Sums(NamedTuple):
        rows: Table

    class Blocks(NamedTuple):
        rows: list[_Numbers]

    class Stages(NamedTuple):
        rows: list[tuple[int, int, int, int]]

    class Members(NamedTuple):
        rows: Table

    class Peaks(NamedTuple):
        rows: list[_Numbers]

    class AtPeak(NamedTuple):
        rows: Table

else:
    Nodes = namedtuple("Nodes", "rows")  # a Table: id, parent, pc
    Groups = namedtuple("Groups", "rows")  # a Table: GroupRow
    Arguments = namedtuple("Arguments", "id number args path")
    Column = namedtuple("Column", "first count column width delta base period data")
    Late = namedtuple("Late", "rows")  # seq, column, value
    Sums = namedtuple("Sums", "rows")  # a Table: SumRow
    Blocks = namedtuple("Blocks", "rows")  # number, address, size, seq, last, pid
    Stages = namedtuple("Stages", "rows")  # seq, t_ns, group (0: all), live bytes
    # A Table: group, 4 makers, sized least most nulls known grew shrank
    Members = namedtuple("Members", "rows")
    Peaks = namedtuple("Peaks", "rows")  # pid, phase, image, bytes, seq, t_ns
    # A Table: group, bytes live at the peak of its own program
    AtPeak = namedtuple("AtPeak", "rows")


class Source:
    """A spool that is opened once for all its pieces, when the first of them is asked for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: FileIO | None = None

    def read(self, offset: int, length: int) -> bytes:
        if self._file is None:
            self._file = open(self._path, "rb", buffering=0)
        return os.pread(self._file.fileno(), length, offset)


class Piece:
    """Bytes that stay in the spool until somebody asks for them."""

    __slots__ = ("_source", "_offset", "_length")

    def __init__(self, source: Source, offset: int, length: int) -> None:
        self._source, self._offset, self._length = source, offset, length

    def __bytes__(self) -> bytes:
        return self._source.read(self._offset, self._length)


class SpoolError(Exception):
    """The file is no spool, of another version, or damaged. One line, for people."""


class Writer:
    """Appends records to `file` (binary, owned by the caller). Not thread-safe: gdb has one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(_FILE.pack(MAGIC, VERSION))

    def _put(self, kind: int, payload: bytes) -> None:
        self._file.write(_RECORD.pack(len(payload), kind) + payload)

    def info(self, type_: str, **data: object) -> None:
        """A rare record, as JSON; bytes that are no UTF-8 travel as lone surrogates."""
        data["type"] = type_
        self._put(JSON, json.dumps(data, separators=(",", ":")).encode("ascii"))

    def stack(self, id_: int, cut: int, frames: Iterable[tuple[int, int]]) -> None:
        """`frames`: (pc, slot) pairs, innermost first; slot holds the frame's return address."""
        flat = [word for frame in frames for word in frame]
        self._put(STACK, _STACK.pack(id_, cut) + struct.pack("<%dQ" % len(flat), *flat))

    def enter(
        self, t_ns: int, tid: int, hook: int, sp: int, args: Iterable[int], stack: int
    ) -> None:
        self._put(ENTER, _ENTER.pack(t_ns, tid, hook, sp, *args, stack))

    def leave(self, t_ns: int, tid: int, hook: int, sp: int, result: int) -> None:
        self._put(LEAVE, _LEAVE.pack(t_ns, tid, hook, sp, result))

    def sysenter(
        self,
        t_ns: int,
        tid: int,
        number: int,
        sp: int,
        args: Iterable[int],
        stack: int,
        path: bytes = b"",
    ) -> None:
        """`path`: of the mapped file, empty where there is none."""
        self._put(SYSENTER, _SYSENTER.pack(t_ns, tid, number, sp, *args, stack) + path)

    def sysleave(self, t_ns: int, tid: int, number: int, result: int) -> None:
        """`result`: signed, as the kernel returns it (-errno on failure)."""
        self._put(SYSLEAVE, _SYSLEAVE.pack(t_ns, tid, number, result))

    def flush(self) -> None:
        self._file.flush()


def read(path: str) -> Iterator[Any]:
    """Yield the records of the spool at `path`; raises SpoolError."""
    with open(path, "rb") as file:
        size, source = os.fstat(file.fileno()).st_size, Source(path)
        _check_header(file.read(_FILE.size))
        after = _FILE.size  # counted: each file.tell() asks the kernel
        while True:
            offset = after
            head = file.read(_RECORD.size)
            if not head:
                return
            if len(head) < _RECORD.size:
                yield CutOff(offset, size - offset)
                return
            length, kind = _RECORD.unpack(head)
            if length > MAX_PAYLOAD:
                raise SpoolError(
                    "spool damaged at byte %d: a record of %d bytes" % (offset, length)
                )
            rest, after = length - _COLUMN.size, offset + _RECORD.size + length
            stays = kind == COLUMN and rest >= 0 and after <= size
            payload = file.read(_COLUMN.size if stays else length)
            if len(payload) < (_COLUMN.size if stays else length):
                yield CutOff(offset, size - offset)
                return
            record = _decode(kind, payload, offset)
            if stays:
                record = record._replace(data=Piece(source, after - rest, rest))
                file.seek(rest, os.SEEK_CUR)
            yield record


def whole_records(data: bytes, at: int) -> tuple[list[Any], int]:
    """What `data`, a part of a growing spool that begins at its byte `at`, holds so far.

    Returns (records, bytes used): the rest is the beginning of a record still being written.
    `at` 0: with the file's header. Raises SpoolError.
    """
    records: list[Any] = []
    used = 0
    if at == 0:
        if len(data) < _FILE.size:
            return records, 0
        _check_header(data[: _FILE.size])
        used = _FILE.size
    while used + _RECORD.size <= len(data):
        length, kind = _RECORD.unpack_from(data, used)
        if length > MAX_PAYLOAD:
            raise SpoolError("spool damaged at byte %d: %d bytes" % (at + used, length))
        end = used + _RECORD.size + length
        if end > len(data):
            break
        records.append(_decode(kind, data[used + _RECORD.size : end], at + used))
        used = end
    return records, used


def _check_header(data: bytes) -> None:
    if len(data) < _FILE.size or data[:8] != MAGIC:
        raise SpoolError("not a brkpoint spool")
    version = _FILE.unpack(data)[1]
    if version not in VERSIONS:
        raise SpoolError(
            "a spool of version %d; this brkpoint reads version %d" % (version, VERSIONS[-1])
        )


def _decode(kind: int, payload: bytes, offset: int) -> Any:
    try:
        return _DECODERS[kind](payload)
    except (KeyError, struct.error, ValueError, RecursionError, TypeError) as error:
        raise SpoolError("spool damaged at byte %d: %s" % (offset, error)) from None


def _decode_info(payload: bytes) -> Info:
    data = fields.loads(payload.decode("ascii"))
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise ValueError("an information record without a type")
    return Info(data)


def _decode_stack(payload: bytes) -> Stack:
    id_, cut = _STACK.unpack_from(payload)
    count = (len(payload) - _STACK.size) // 8
    words = struct.unpack_from("<%dQ" % count, payload, _STACK.size)
    if count % 2 or len(payload) != _STACK.size + 8 * count:
        raise ValueError("a stack of odd length")
    return Stack(id_, cut, tuple(zip(words[::2], words[1::2])))


def _decode_sysenter(payload: bytes) -> SysEnter:
    t_ns, tid, number, sp, *rest = _SYSENTER.unpack_from(payload)
    return SysEnter(t_ns, tid, number, sp, tuple(rest[:6]), rest[6], payload[_SYSENTER.size :])


def _decode_arguments(payload: bytes) -> Arguments:
    id_, number, *args = _ARGUMENTS.unpack_from(payload)
    return Arguments(id_, number, tuple(args), payload[_ARGUMENTS.size :])


def _decode_column(payload: bytes) -> Column:
    return Column._make((*_COLUMN.unpack_from(payload), payload[_COLUMN.size :]))


def _rows(row: Any, layout: struct.Struct, type_: Any) -> Callable[[bytes], Any]:
    """A decoder of many rows of one layout."""
    return lambda payload: row(list(map(type_._make, layout.iter_unpack(payload))))


def _plain_rows(row: Any, layout: struct.Struct) -> Callable[[bytes], Any]:
    return lambda payload: row(list(layout.iter_unpack(payload)))


def _table(row: Any, layout: struct.Struct) -> Callable[[bytes], Any]:
    return lambda payload: row(Table(payload, layout))


_DECODERS: dict[int, Callable[[bytes], Any]] = {
    NODES: _table(Nodes, layout("node")),
    GROUPS: _table(Groups, layout("group")),
    ARGUMENTS: _decode_arguments,
    COLUMN: _decode_column,
    LATE: _plain_rows(Late, layout("late")),
    SUMS: _table(Sums, layout("sum")),
    BLOCKS: _plain_rows(Blocks, layout("block")),
    STAGES: _plain_rows(Stages, layout("stage")),
    MEMBERS: _table(Members, layout("members")),
    PEAKS: _plain_rows(Peaks, layout("peak")),
    AT_PEAK: _table(AtPeak, layout("at_peak")),
    JSON: _decode_info,
    STACK: _decode_stack,
    ENTER: lambda payload: Enter(*_ENTER.unpack(payload)),
    LEAVE: lambda payload: Leave(*_LEAVE.unpack(payload)),
    SYSENTER: _decode_sysenter,
    SYSLEAVE: lambda payload: SysLeave(*_SYSLEAVE.unpack(payload)),
}
