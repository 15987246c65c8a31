"""What a trace must be before anything in it is believed: an SQLite file from a stranger."""

from __future__ import annotations

import os
import stat
import struct

from . import schema as trace_schema
from .schema import TABLES, from_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any
else:
    import _sqlite3 as sqlite3  # without what it adds: dates, which each start would pay for

_MAGIC = b"SQLite format 3\0"
_PLAIN = frozenset(b"/._-" + bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)))
_HEADER = 100  # bytes; www.sqlite.org/fileformat2.html, section 1.3


class TraceError(Exception):
    """The file is no trace, of a newer version, damaged, or cannot be written. One line."""


def check_header(path: str) -> None:
    """Refuse what is no trace before SQLite sees it."""
    try:
        # Without O_NONBLOCK opening a named pipe would wait for its writer.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise TraceError("not a file")
            header = file.read(_HEADER)
    except OSError as error:
        raise TraceError("cannot be read: %s" % error.strerror) from None
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise TraceError("not a brkpoint trace")
    version, application = struct.unpack_from(">I4xI", header, 60)
    if application != trace_schema.APPLICATION_ID:
        raise TraceError("not a brkpoint trace, but another SQLite file")
    if version != trace_schema.VERSION:
        text = "a trace of version %d; this brkpoint reads version %d"
        raise TraceError(text % (version, trace_schema.VERSION))


def read_only_uri(path: str) -> str:
    """The SQLite URI that opens `path` for reading and writes no file beside it."""
    named = os.fsencode(os.path.abspath(path))
    quoted = "".join(chr(byte) if byte in _PLAIN else "%%%02X" % byte for byte in named)
    return "file:%s?mode=ro&immutable=1" % quoted


def connect(path: str, is_own: bool = False) -> sqlite3.Connection:
    """`is_own`: this process wrote it just now; SQLite need not go through all of it once more."""
    connection = None
    try:
        connection = sqlite3.connect(read_only_uri(path), uri=True, isolation_level=None)
        connection.text_factory = _Texts().__getitem__
        protect(connection)
        _check_schema(connection, is_own)
        return connection
    except (sqlite3.Error, ValueError, TraceError) as error:  # a message may be no UTF-8
        if connection is not None:
            connection.close()
        raise TraceError(_damaged(error)) from None


class _Texts(dict[bytes, str]):
    """Names of files stand in row after row: each of the latest is one string."""

    MOST = 4096

    def __missing__(self, data: bytes) -> str:
        if len(self) >= self.MOST:
            self.clear()
        return self.setdefault(data, data.decode("utf-8", "surrogateescape"))


def protect(connection: sqlite3.Connection) -> None:
    """Before anything of the file is read: www.sqlite.org/security.html."""
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON"):
        connection.execute("PRAGMA " + pragma)


def _check_schema(connection: sqlite3.Connection, is_own: bool) -> None:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 1000").fetchall()
    found = {name: sql for type_, name, sql in rows if type_ == "table"}
    others = [row for row in rows if row[0] != "table" and row[2] is not None]
    tables = [*TABLES, *(name for name in trace_schema.SOMETIMES if name in found)]
    ours = all(found.get(name) in trace_schema.create_statements(name) for name in tables)
    if not ours or len(found) != len(tables) or others:
        raise TraceError("its tables are not those of a trace")
    for (answer,) in () if is_own else connection.execute("PRAGMA quick_check(1)"):
        if answer != "ok":
            raise TraceError(answer)


def _damaged(error: BaseException) -> str:
    return str(error) if str(error).startswith("damaged") else "damaged: %s" % _one_line(error)


def _one_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def checked_value(value: Any, name: str, type_: type, may_be_null: bool) -> Any:
    value = from_text(value) if type_ is str else value
    if not (isinstance(value, type_) or value is None and may_be_null):
        raise TraceError("damaged: %s holds no %s" % (name, type_.__name__))
    return value


class checked:
    """Inside it, whatever a damaged trace makes of plain code is a TraceError."""

    def __enter__(self) -> checked:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        expected = (sqlite3.Error, KeyError, IndexError, ValueError, TypeError, AttributeError)
        if isinstance(error, expected + (struct.error, RecursionError, OverflowError)):
            raise TraceError(_damaged(error)) from None
