"""SQL over a trace: its tables as they are, and `events` as a table with names. Reading only."""

from __future__ import annotations

import re
import sqlite3
import time

from alloctrace import cache_folder
from alloctrace.columns import check as trace_check, schema as trace_schema
from . import table as trace_table, write as trace_write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from sqlite3 import Connection, Cursor

    from alloctrace.trace.read import Trace

MAX_MEMORY = 512 << 20  # bytes that one query may take
MAX_EVENTS = 50000000  # as a table they take up to 100 bytes each, in a temporary file
FILE_LIMIT = 8 << 20  # pages of 4 KiB that this table may have
TIMEOUT = 300  # seconds
TOO_LONG = "the query took too long: --timeout S gives it more time"
_STEPS = 10000  # of SQLite's virtual machine between two looks at the clock

_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    33,  # SQLITE_RECURSIVE, without a name in Python 3.9
}
_EXPLAIN = re.compile(r"\A\s*EXPLAIN\b(\s+QUERY\s+PLAN\b)?", re.IGNORECASE)
_LACKS_EVENTS = re.compile(r"no such table: (temp\.)?events", re.IGNORECASE)
_INNOCUOUS = 0x200000  # SQLITE_INNOCUOUS
# Give or take pointers, or run code.
_REFUSED = {"fts3_tokenizer", "load_extension"}


class QueryError(Exception):
    """The query is wrong, writes, or takes too long. One line."""


class Query:
    """Runs a query over `trace` (alloctrace.trace.trace.Trace); close it or use it in a `with`."""

    def __init__(
        self, trace: Trace, timeout: float = TIMEOUT, tell: Callable[[int], None] | None = None
    ) -> None:
        """`tell(events so far)` is called while many events are read. May raise QueryError."""
        self._trace, self._tell = trace, tell
        self._is_making = False  # our own statements are run
        # A private database that SQLite keeps in a temporary file, gone when closed.
        self._db = sqlite3.connect("", uri=True, isolation_level=None)
        self._db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        self._db.execute("PRAGMA trusted_schema=OFF")
        self._db.execute("PRAGMA hard_heap_limit=%d" % MAX_MEMORY)
        self._db.execute("PRAGMA main.max_page_count=%d" % FILE_LIMIT)
        try:
            with _query_errors():  # a full disk
                self._attach()
                replaced = dict(trace.replaced())
                trace_write.Tables(self._db, replaced).copy(replaced.items())
        except QueryError:
            self.close()
            raise
        self._refused = _REFUSED | _not_innocuous(self._db)
        self._end = time.monotonic() + timeout

    def _attach(self) -> None:
        uri = trace_check.read_only_uri(self._trace.path)
        if cache_folder.state(self._trace.path) is not None:
            self._db.execute("ATTACH ? AS trace", (uri,))
        if cache_folder.state(self._trace.path) != self._trace.state:
            raise QueryError("the trace is another one than a moment ago: ask again")

    def __enter__(self) -> Query:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def run(self, query: str) -> tuple[list[str], Iterator[tuple[float | str | None, ...]]]:
        """(column names, iterator of rows); raises QueryError, the iterator too."""
        self._db.set_authorizer(self._only_reading)
        if self._asks_events(query):
            self._is_making = True
            try:
                self._make_events(query)
            finally:
                self._is_making = False
        self._db.set_progress_handler(self._is_late, _STEPS)
        with _query_errors():
            cursor = self._db.execute(query)
            names = [column[0] for column in cursor.description or ()]
        return names, _rows(cursor)

    def _asks_events(self, query: str) -> bool:
        """Whether it lacks that table: the word may also be a value, or a table of its own."""
        if not re.search(r"\bevents\b", query, re.IGNORECASE):
            return False
        try:
            self._db.execute("EXPLAIN " + _EXPLAIN.sub("", query))
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            return bool(_LACKS_EVENTS.fullmatch(str(error)))  # what else is wrong is told later
        return False

    def _make_events(self, query: str) -> None:
        count = self._trace.run.get("events") or 0
        if count > MAX_EVENTS:
            raise QueryError(
                "%d events are too many for a table (%d): ask `groups`, `sites` or `totals`"
                % (count, MAX_EVENTS)
            )
        try:
            trace_table.make(self._db, self._trace, query, self._told)
        except OSError as error:
            raise QueryError("no table of the events can be made: %s" % error) from None

    def _told(self, count: int) -> None:
        if self._is_late():
            raise QueryError(TOO_LONG)
        if self._tell is not None:
            self._tell(count)

    def _is_late(self) -> bool:
        return time.monotonic() > self._end

    def _only_reading(
        self, action: int, _: str | None, function: str | None, *__: str | None
    ) -> int:
        if self._is_making:
            return sqlite3.SQLITE_OK
        name = (function or "").lower()
        is_refused = action == sqlite3.SQLITE_FUNCTION and name in self._refused
        is_allowed = action in _ALLOWED and not is_refused
        return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _not_innocuous(connection: Connection) -> set[str]:
    """Functions that SQLite itself would not let a stranger's schema call; JSON's are harmless."""
    harmless, names = set(), set()
    for row in connection.execute("PRAGMA function_list"):
        names.add(row[0])
        if row[0].startswith(("json", "->")) or row[5] & _INNOCUOUS:
            harmless.add(row[0])
    return names - harmless


def _rows(cursor: Cursor) -> Iterator[tuple[float | str | None, ...]]:
    with _query_errors():
        for row in cursor:
            yield tuple(map(trace_schema.from_text, row))


class _query_errors:
    """Inside it, SQLite's complaints are QueryErrors of one line."""

    def __enter__(self) -> _query_errors:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, MemoryError):
            raise QueryError("the query needs too much memory") from None
        if isinstance(error, (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError)):
            raise QueryError(_message(str(error))) from None


def _message(text: str) -> str:
    refused = re.search("not authorized to use function: (.*)", text)
    if refused:
        return "a query may not use the function %s" % refused[1]
    if (
        "cannot modify" in text
        or "not authorized" in text
        or "prohibited" in text
        or "authorization denied" in text
    ):
        return "a query may only read: SELECT and WITH"
    if text == "interrupted":
        return TOO_LONG
    return text.splitlines()[0] if text else "the query failed"


def tables() -> dict[str, list[str]]:
    """{table: [columns]} of all that a query can name."""
    found = {name: [row[0] for row in trace_schema.row_types(name)] for name in trace_schema.TABLES}
    return dict(events=trace_table.COLUMNS, **found)
