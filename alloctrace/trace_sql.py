"""SQL over a trace: its tables as they are, and `events` as a table with names. Reading only."""

from __future__ import annotations

import re
import sqlite3
import time

from . import trace_check, trace_schema, trace_table

MAX_MEMORY = 512 << 20  # bytes that one query may take
MAX_EVENTS = 50000000  # as a table they take up to 100 bytes each, in a temporary file
TIMEOUT = 300  # seconds
_STEPS = 10000  # of SQLite's virtual machine between two looks at the clock

_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    33,  # SQLITE_RECURSIVE, without a name in Python 3.9
}


class QueryError(Exception):
    """The query is wrong, writes, or takes too long. One line."""


class Query:
    """Runs a query over `trace` (alloctrace.trace.Trace); close it or use it in a `with`."""

    def __init__(self, trace, timeout=TIMEOUT, tell=None):
        """`tell(events so far)` is called while many events are read."""
        self._trace, self._tell = trace, tell
        # A private database that SQLite keeps in a temporary file, gone when closed.
        self._db = sqlite3.connect("", uri=True, isolation_level=None)
        self._db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        self._db.execute("PRAGMA trusted_schema=OFF")
        self._db.execute("PRAGMA hard_heap_limit=%d" % MAX_MEMORY)
        self._db.execute("ATTACH ? AS trace", (trace_check.read_only_uri(trace.path),))
        self._timeout = timeout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._db.close()

    def run(self, query):
        """(column names, iterator of rows); raises QueryError, the iterator too."""
        if re.search(r"\bevents\b", query, re.IGNORECASE):
            self._make_events(query)
        self._db.set_authorizer(_only_reading)
        end = time.monotonic() + self._timeout
        self._db.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        with _query_errors():
            cursor = self._db.execute(query)
            names = [column[0] for column in cursor.description or ()]
        return names, _rows(cursor)

    def _make_events(self, query):
        count = self._trace.run.get("events") or 0
        if count > MAX_EVENTS:
            raise QueryError(
                "%d events are too many for a table (%d): ask `groups`, `sites` or `totals`"
                % (count, MAX_EVENTS)
            )
        trace_table.make(self._db, self._trace, query, self._tell)


def _only_reading(action, *_):
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _rows(cursor):
    with _query_errors():
        for row in cursor:
            yield tuple(map(trace_schema.from_text, row))


class _query_errors:
    """Inside it, SQLite's complaints are QueryErrors of one line."""

    def __enter__(self):
        return self

    def __exit__(self, _, error, __):
        if isinstance(error, MemoryError):
            raise QueryError("the query needs too much memory") from None
        if isinstance(error, (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError)):
            raise QueryError(_message(str(error))) from None


def _message(text):
    if (
        "cannot modify" in text
        or "not authorized" in text
        or "prohibited" in text
        or "authorization denied" in text
    ):
        return "a query may only read: SELECT and WITH"
    if text == "interrupted":
        return "the query took too long"
    return text.splitlines()[0] if text else "the query failed"


def tables():
    """{table: [columns]} of all that a query can name."""
    found = {name: [row[0] for row in trace_schema.row_types(name)] for name in trace_schema.TABLES}
    return dict(events=trace_table.COLUMNS, **found)
