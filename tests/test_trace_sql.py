"""`events` as a table: every value is that of the Event, whichever columns a query names."""

import json
import os

import pytest

from alloctrace.measure import deciding_frame
from alloctrace.trace import sql as trace_sql, table as trace_table, trace
import made_chaos
import made_traces
from test_history_c import convert, tool  # noqa: F401

TRACES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "traces")
NAMES = sorted(os.listdir(TRACES))


def small(number):
    return number if number is None or number < 1 << 63 else float(number)


def address(number):
    return None if number is None else hex(number)


def expected(opened):
    """The rows of `select * from events`, made of Events."""
    for event in opened.events():
        verdict, frame = event.verdict, deciding_frame(event, opened.stack(event.stack))
        who = ("unknown",) + (None,) * 7
        if verdict is not None:
            who = (verdict.origin, verdict.owner, json.dumps(list(verdict.via)), verdict.direct)
            who += (verdict.decided_by, verdict.rule, verdict.confidence, verdict.for_whom)
        yield (
            *(event.seq, event.t_ns, event.dur_ns, small(event.pid), event.tid, event.kind),
            *(event.name, event.impl, small(event.size), small(event.nmemb), small(event.align)),
            *(address(event.ptr), address(event.result), event.errno, json.dumps(event.args)),
            *(event.block, event.phase, small(event.image), *who),
            event.purpose.text if event.purpose else None,
            *(event.cause, event.outer, event.stack),
            *((frame.function, frame.module, frame.file, frame.line) if frame else (None,) * 4),
        )


def asked(opened, query):
    with trace_sql.Query(opened) as made:
        names, rows = made.run(query)
        return names, list(rows)


def check(opened):
    wanted = list(expected(opened))
    assert asked(opened, "select * from events order by seq") == (trace_table.COLUMNS, wanted)
    for at, name in enumerate(trace_table.COLUMNS):
        names, rows = asked(opened, "SELECT %s FROM events ORDER BY seq" % name.upper())
        assert [row[0] for row in rows] == [row[at] for row in wanted], name


@pytest.mark.parametrize("name", NAMES)
def test_every_column_of_stored_traces(name):
    with trace.open(os.path.join(TRACES, name)) as opened:
        check(opened)


@pytest.mark.parametrize("flush", ["0", "7"])
def test_every_column_of_random_targets(tmp_path, flush):
    """Chunks that end anywhere, sizes beyond 2^63, breaks that shrink, calls that never return."""
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        options = ("--flush", flush) if flush != "0" else ()
        _, built, _ = convert(folder, made_chaos.records(seed, threads=2), *options)
        trace.write(folder / "t", built, made_traces.symbolise(built), {})
        with trace.open(folder / "t") as opened:
            check(opened)


@pytest.mark.parametrize("is_many", [False, True])
def test_chunks_of_a_recorder(tmp_path, monkeypatch, is_many):
    monkeypatch.setattr("alloctrace.history.packed.MANY", 3 if is_many else 50000)
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        _, built, _ = convert(folder, made_chaos.records(seed, calm=True), "--flush", "7")
        assert built.has_many() == is_many
        trace.write(folder / "t", built, made_traces.symbolise(built), {})
        with trace.open(folder / "t") as opened:
            check(opened)


QUERIES = [
    ("select count(*) from events", []),
    ("SELECT sum(size*nmemb) FROM events", ["size", "nmemb"]),
    ("select name, max( tid ) * 2 from events group by 1", ["tid"]),
    ("select e.* from events e", None),
    ("select*from events", None),
    ("select distinct * from events", None),
    ("select 1, * from events", None),
    ("select /* all */ * from events", None),
    ("select 1 from events natural join blocks", None),
]


@pytest.mark.parametrize("query, wanted", QUERIES)
def test_only_what_a_query_names_is_read(query, wanted):
    named = trace_table._named(query)
    assert named == (list(trace_table._OWN) if wanted is None else wanted)
    with trace.open(os.path.join(TRACES, "alloc.brkpoint")) as opened:
        asked(opened, query)


def test_too_many_events_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(trace_sql, "MAX_EVENTS", 3)
    with trace.open(os.path.join(TRACES, "alloc.brkpoint")) as opened:
        with pytest.raises(trace_sql.QueryError, match="ask `groups`"):
            asked(opened, "select count(*) from events")
        assert asked(opened, "select count(*) > 3 from groups")[1] == [(1,)]


def test_progress_is_told(monkeypatch):
    monkeypatch.setattr(trace_table, "TELL_EVERY", 1)
    told = []
    with trace.open(os.path.join(TRACES, "alloc.brkpoint")) as opened:
        with trace_sql.Query(opened, tell=told.append) as made:
            made.run("select tid from events")
        assert told == [opened.run["events"]]
