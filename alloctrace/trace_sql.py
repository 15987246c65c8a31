"""SQL over a trace: its tables as they are, and `events` as a table with names. Reading only."""

from __future__ import annotations

import json
import re
import sqlite3
import time

from . import trace_check, trace_schema
from .measure import deciding_frame


MAX_MEMORY = 512 << 20  # bytes that one query may take
MAX_EVENTS = 20000000  # as a table they take some 300 bytes each, in a temporary file
TIMEOUT = 300  # seconds
_STEPS = 10000  # of SQLite's virtual machine between two looks at the clock

EVENTS = (
    "seq INTEGER PRIMARY KEY, t_ns INTEGER, dur_ns INTEGER, pid INTEGER, tid INTEGER, kind, name,"
    " impl, size, nmemb, align, ptr, result, errno INTEGER, args, block INTEGER, phase,"
    " image INTEGER, origin, owner, via, direct INTEGER, decided_by INTEGER, rule, confidence,"
    " for_whom, purpose, cause INTEGER, outer INTEGER, stack INTEGER, function, module, file,"
    " line INTEGER"
)
EVENT_COLUMNS = [column.split()[0] for column in EVENTS.split(", ")]

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

    def __init__(self, trace, timeout=TIMEOUT):
        self._trace = trace
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
            self._make_events()
        self._db.set_authorizer(_only_reading)
        end = time.monotonic() + self._timeout
        self._db.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        with _query_errors():
            cursor = self._db.execute(query)
            names = [column[0] for column in cursor.description or ()]
        return names, _rows(cursor)

    def _make_events(self):
        self._db.execute("CREATE TABLE main.events (%s)" % EVENTS)
        insert = trace_schema.insert_statement("main.events", len(EVENT_COLUMNS))
        self._db.execute("BEGIN")
        self._db.executemany(insert, self._few_events())
        self._db.execute("COMMIT")

    def _few_events(self):
        for count, event in enumerate(self._trace.events()):
            if count == MAX_EVENTS:
                raise QueryError("more than %d events: too many for a table" % MAX_EVENTS)
            yield self._event_row(event)

    def _event_row(self, event):
        frame = deciding_frame(event, self._trace.stack(event.stack))
        site = (frame.function, frame.module, frame.file, frame.line) if frame else (None,) * 4
        values = (
            *(event.seq, event.t_ns, event.dur_ns, _small(event.pid), event.tid, event.kind),
            *(event.name, event.impl, _small(event.size), _small(event.nmemb)),
            *(_small(event.align), _hex(event.ptr), _hex(event.result), event.errno),
            *(json.dumps(event.args), event.block, event.phase, _small(event.image)),
            *_verdict(event.verdict),
            event.purpose.text if event.purpose else None,
            *(event.cause, event.outer, event.stack),
            *site,
        )
        return [trace_schema.to_text(v) if isinstance(v, str) else v for v in values]


def _verdict(verdict):
    if verdict is None:
        return ("unknown",) + (None,) * 7
    via, direct = json.dumps(list(verdict.via)), int(verdict.direct)
    made_by = (verdict.decided_by, verdict.rule, verdict.confidence, verdict.for_whom)
    return (verdict.origin, verdict.owner, via, direct, *made_by)


def _small(number):
    """SQLite's integers end at 2^63; a size beyond is as good as a floating-point number."""
    return number if number is None or number < 1 << 63 else float(number)


def _hex(address):
    return None if address is None else hex(address)


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
    if "not authorized" in text or "prohibited" in text or "authorization denied" in text:
        return "a query may only read: SELECT and WITH"
    if text == "interrupted":
        return "the query took too long"
    return text.splitlines()[0] if text else "the query failed"


def tables():
    """{table: [columns]} of all that a query can name."""
    found = {name: [row[0] for row in trace_schema.row_types(name)] for name in trace_schema.TABLES}
    return dict(events=EVENT_COLUMNS, **found)
