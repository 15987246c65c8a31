"""The events of a trace as a table for SQL: `events`, a view with names in place of ids.

Beneath it lie two tables: what events alike have in common, and of each event only those columns
that the query names, copied chunk by chunk without making an Event of any.
"""

from __future__ import annotations

import json
import re
import sqlite3

from alloctrace.columns import columns, schema as trace_schema
from alloctrace.columns.check import checked
from alloctrace.columns.schema import PRESENT, SIGNED_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from sqlite3 import Connection
    from typing import Any

    from alloctrace.model import Group, Verdict
    from alloctrace.trace.read import Trace

COLUMNS = (
    "seq t_ns dur_ns pid tid kind name impl size nmemb align ptr result errno args block phase"
    " image origin owner via direct decided_by rule confidence for_whom purpose cause outer stack"
    " function module file line"
).split()
TELL_EVERY = 16  # chunks between two words of progress
_2_64 = "18446744073709551616.0"  # sizes beyond 2^63 are as good as floating-point numbers


def _known(name: str, value: str) -> str:
    return "CASE WHEN e.present & %d THEN %s END" % (PRESENT[name], value)


def _unsigned(name: str, signed: str = "0") -> str:
    value = "CASE WHEN e.{0} < 0 AND NOT {1} THEN e.{0} + {2} ELSE e.{0} END"
    return _known(name, value.format(name, signed, _2_64))


# What an event has of its own -> how the view makes it of the columns of a chunk.
_OWN = {
    "t_ns": "e.t_ns",
    "tid": "e.tid",
    "dur_ns": _known("dur_ns", "e.dur_ns"),
    "size": _unsigned("size", "e.present & %d" % SIGNED_SIZE),
    "nmemb": _unsigned("nmemb"),
    "align": _unsigned("align"),
    "ptr": _known("ptr", "printf('0x%x', e.ptr)"),
    "result": _known("result", "printf('0x%x', e.result)"),
    "errno": _known("errno", "e.errno"),
    "args": "ifnull((SELECT json FROM trace.arguments WHERE id = e.args), '{}')",
    "block": _known("block", "e.block"),
    "cause": _known("cause", "e.seq - e.cause"),
    "outer": _known("outer", "e.seq - e.outer"),
}
_SHARED = [name for name in COLUMNS if name not in _OWN and name != "seq"]


def make(
    connection: Connection, trace: Trace, query: str, tell: Callable[[int], None] | None = None
) -> None:
    """Make `events` for `query`. `tell(events so far)` is called on the way."""
    own = _named(query)
    stored = ["present", "group", *own]
    connection.execute("CREATE TABLE main.alike (id INTEGER PRIMARY KEY, %s)" % ", ".join(_SHARED))
    typed = ['"%s" INTEGER' % name for name in stored]
    connection.execute("CREATE TABLE main.each (seq INTEGER PRIMARY KEY, %s)" % ", ".join(typed))
    connection.execute("BEGIN")
    _insert(connection, "alike", len(_SHARED) + 1, map(_shared(trace), trace.sums().groups))
    with checked():
        for number, (first, found) in enumerate(trace.chunk_columns(stored)):
            rows = zip(range(first, first + len(found[0])), *found)
            _insert(connection, "each", len(stored) + 1, rows)
            if tell is not None and number % TELL_EVERY == TELL_EVERY - 1:
                tell(first + len(found[0]))
    connection.execute("COMMIT")
    connection.execute(_view(own))


def _named(query: str) -> list[str]:
    """Of the columns that events have of their own those that the query may ask for."""
    words = set(re.findall(r"\w+", query.lower()))
    rest = re.sub(r"count\s*\(\s*\*\s*\)", "", query.lower())
    products = re.sub(r"[\w)]\s*\*\s*[\w(]", "", re.sub(r"\b(select|distinct|all)\b", "!", rest))
    if "*" in products or "natural" in words:
        return list(_OWN)
    return [name for name in _OWN if name in words]


def _view(own: list[str]) -> str:
    """Outer loop over events, inner one over what they have in common, in any query."""
    shown = ["e.seq AS seq"]
    for name in COLUMNS[1:]:
        if name in _SHARED:
            shown.append("g.%s AS %s" % (name, name))
        elif name in own:
            shown.append("%s AS %s" % (_OWN[name], name))
    select = 'SELECT %s FROM main.each e CROSS JOIN main.alike g ON g.id = e."group"'
    return "CREATE TEMP VIEW events AS " + select % ", ".join(shown)


def _insert(connection: Connection, table: str, width: int, rows: Iterable[Any]) -> None:
    try:
        connection.executemany(trace_schema.insert_statement("main." + table, width), rows)
    except sqlite3.OperationalError as error:  # no damage of the trace, but a full disk
        raise OSError(str(error)) from None


def _shared(trace: Trace) -> Callable[[Group], list[Any]]:
    """A function: the row of a Group in the table `alike`."""

    def row(group: Group) -> list[Any]:
        frame = trace.tree.deciding_frame(group.stack, group.verdict)
        site = (frame.function, frame.module, frame.file, frame.line) if frame else (None,) * 4
        values = (
            *(group.id, _small(group.pid), group.kind, group.name, group.impl, group.phase),
            *(_small(group.image), *_verdict(group.verdict)),
            group.purpose.text if group.purpose else None,
            *(group.stack, *site),
        )
        return [trace_schema.to_text(v) if isinstance(v, str) else v for v in values]

    return row


def _verdict(verdict: Verdict | None) -> tuple[Any, ...]:
    if verdict is None:
        return ("unknown",) + (None,) * 7
    via, direct = json.dumps(list(verdict.via)), int(verdict.direct)
    made_by = (verdict.decided_by, verdict.rule, verdict.confidence, verdict.for_whom)
    return (verdict.origin, verdict.owner, via, direct, *made_by)


def _small(number: int) -> float:
    """SQLite's integers end at 2^63."""
    return number if number is None or number < columns.SIGN else float(number)
