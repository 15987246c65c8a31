"""docs/trace-format.md is enough to read a trace: by a reader that uses nothing of brkpoint."""

import os
import re
import sqlite3
import struct
import zlib

import pytest

from alloctrace.columns import columns, schema as trace_schema
from alloctrace.purpose import classify
from alloctrace.trace import trace
from alloctrace.trace.sql import Query
import made_traces

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(classify, "classify", made_traces.classify)
    monkeypatch.setattr(columns, "CHUNK", 4)
    built = made_traces.made_history()
    trace.write(tmp_path / "t", built, made_traces.symbolise(built), {})
    return built, tmp_path / "t"


def page():
    with open(os.path.join(TOP, "docs", "trace-format.md"), encoding="utf-8") as file:
        return file.read()


def column(db, chunk, count, name):
    """By the page's four steps."""
    query = "SELECT width, delta, base, period, data FROM columns WHERE chunk = ? AND name = ?"
    width, delta, base, period, data = db.execute(query, (chunk, name)).fetchone()
    if width == 0:
        return [base] * count
    raw, code = zlib.decompress(data), {1: "b", 2: "h", 4: "i", 8: "q"}[width]
    whole = bytes(raw[plane * period + row] for row in range(period) for plane in range(width))
    few = struct.unpack("<%d%s" % (period, code), whole)
    values = [few[row % period] for row in range(count)]
    if not delta:
        return [base + value for value in values]
    return [base + sum(values[: row + 1]) for row in range(count)]


def read(path):
    """(seq, present, name, size, result, cause) of all events."""
    db, found = sqlite3.connect(path), []
    names = dict(db.execute("SELECT g.id, n.name FROM groups g JOIN names n ON n.id = g.name"))
    for chunk, first, count in db.execute("SELECT id, first_seq, count FROM chunks ORDER BY id"):
        wanted = ("present", "group", "size", "result", "cause")
        rows = zip(*(column(db, chunk, count, name) for name in wanted))
        for seq, (present, group, size, result, cause) in enumerate(rows, first):
            size = None if not present & 2 else size if present & 1024 else size % 2**64
            result = result % 2**64 if present & 32 else None
            found.append((seq, names[group], size, result, seq - cause if present & 256 else None))
    return found


def test_the_page_is_enough_to_read_events(recorded):
    built, path = recorded
    wanted = [(e.seq, e.name, e.size, e.result, e.cause) for e in built.events]
    assert read(path) == wanted


def test_a_page_that_said_otherwise_would_fail(recorded, monkeypatch):
    built, path = recorded
    monkeypatch.setattr(
        struct, "unpack", lambda form, data: struct.Struct(">" + form[1:]).unpack(data)
    )
    assert read(path) != [(e.seq, e.name, e.size, e.result, e.cause) for e in built.events]


def test_every_table_and_column_is_explained():
    text = page()
    for table in trace_schema.TABLES:
        assert re.search(r"`%s`" % table, text), table
    for name, _ in trace_schema.EVENT_COLUMNS:
        assert "`%s`" % name in text, name


def test_the_bits_of_present_are_those_of_the_page():
    text = page()
    for name, bit in trace_schema.PRESENT.items():
        assert "%d `%s`" % (bit, name) in text
    assert "%d: `size` is signed" % trace_schema.SIGNED_SIZE in text


def test_the_queries_of_the_page_run(recorded):
    queries = re.findall(r"```sql\n(.*?)```", page(), re.DOTALL)[0].split(";\n")
    assert len([query for query in queries if query.strip()]) == 4
    with trace.open(recorded[1]) as opened:
        for query in filter(str.strip, queries):
            with Query(opened) as asked:
                names, rows = asked.run(query)
                assert names and isinstance(list(rows), list)


def test_the_first_query_finds_the_cause(recorded):
    with trace.open(recorded[1]) as opened, Query(opened) as asked:
        text = re.findall(r"```sql\n(.*?);", page(), re.DOTALL)[0]
        rows = list(asked.run(text)[1])
    assert [(row[0], row[1], row[3]) for row in rows] == [(1, "malloc", "brk")]
