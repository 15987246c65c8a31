"""What the JSON schemas forbid is refused when a trace is read: whatever a stranger put into it."""

import json
import os
import sqlite3

import pytest

from alloctrace.columns import schema as trace_schema
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from reports import event_json, json_report
from made_traces import changed
import made_traces

jsonschema = pytest.importorskip("jsonschema", reason="needs python3-jsonschema: ./setup")
DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "schema")
ODD = (-1, 0, 1 << 62, -(1 << 63), "strange", "")


def validator(name):
    with open(os.path.join(DOCS, name + ".json"), encoding="utf-8") as file:
        return jsonschema.Draft7Validator(json.load(file))


EVENTS, REPORT = validator("events"), validator("report")


@pytest.fixture
def path(tmp_path, monkeypatch):
    return made_traces.write(tmp_path / "t", monkeypatch, {"command": ["./a"]})


def is_refused(path):
    """Whether it is; if not, all that is told of it keeps the contract."""
    try:
        with trace.open(path) as opened:
            lines = list(event_json.lines(opened, opened.events()))
            lines += event_json.lines(opened, opened.events(), "ids")
            report = json_report.render(summarise(opened))
    except trace.TraceError as error:
        assert str(error) and "\n" not in str(error)
        return True
    for line in lines:
        EVENTS.validate(json.loads(line))
    REPORT.validate(json.loads(report))
    return False


def columns():
    for table in trace_schema.TABLES:
        for name, _, _ in trace_schema.row_types(table):
            if table != "run":
                yield table, name


@pytest.mark.parametrize("table, name", columns())
def test_each_column_of_each_table(path, table, name):
    for odd in ODD:
        copy = changed(path, ("UPDATE OR REPLACE %s SET %s = ?" % (table, name), (odd,)))
        if copy:
            is_refused(copy)


@pytest.mark.parametrize("name", [name for name, _ in trace_schema.EVENT_COLUMNS])
def test_each_column_of_events(path, name):
    """All ten bits of `present` are set, so that nothing is NULL."""
    everything = "UPDATE columns SET width = 0, base = 1023 WHERE name = 'present'"
    for odd in (-1, 0, 1 << 62):
        one = "UPDATE columns SET width = 0, base = ? WHERE name = ?"
        is_refused(changed(path, everything, (one, (odd, name))))
        late = "INSERT OR REPLACE INTO late VALUES (3, ?, ?)"
        is_refused(changed(path, (late, (name, odd))))


def keys(path):
    return sqlite3.connect(path).execute("SELECT key, value FROM run").fetchall()


def test_each_value_of_the_run(path):
    odd = (None, -1, True, 1.5, 1 << 70, "strange", "", [], {}, [[]], [{}], {"a": -1})
    values = dict(keys(path), date="null", keep="null", events_lost="0", programs_not_seen="0")
    refused = 0
    for key, value in values.items():
        for new in odd:
            statement = "INSERT OR REPLACE INTO run (value, key) VALUES (?, ?)"
            refused += is_refused(changed(path, (statement, (json.dumps(new), key))))
        inner = json.loads(value)
        for name in inner if isinstance(inner, dict) else ():
            for new in odd:
                text = json.dumps({**inner, name: new})
                refused += is_refused(
                    changed(path, ("UPDATE run SET value = ? WHERE key = ?", (text, key)))
                )
    assert refused > 100


REFUSED = [
    "UPDATE names SET name = 'gets' WHERE kind = 'call'",
    "UPDATE names SET name = 'open' WHERE kind = 'syscall'",
    "UPDATE names SET kind = 'signal'",
    "UPDATE verdicts SET confidence = 'sure'",
    "UPDATE groups SET failed = -1",
    "UPDATE groups SET live_bytes = -7",
    "UPDATE columns SET width = 0, base = -5 WHERE name = 't_ns'",
    "UPDATE columns SET width = 0, base = -5 WHERE name = 'tid'",
    "UPDATE run SET value = '-1' WHERE key = 'events_lost'",
    'UPDATE run SET value = \'{"kind": "eaten", "status": 1}\' WHERE key = \'exit\'',
    "UPDATE borders SET t_ns = -1",
    "UPDATE totals SET origin = 'me'",
    "UPDATE run SET value = '-4' WHERE key = 'pid'",
    "UPDATE run SET value = '\"4\"' WHERE key = 'pid'",
    "UPDATE run SET value = '[7]' WHERE key = 'images'",
    "UPDATE run SET value = '[{\"index\": -1, \"pid\": 4}]' WHERE key = 'images'",
    "UPDATE run SET value = '[{\"index\": 0, \"path\": 4}]' WHERE key = 'images'",
    "UPDATE run SET value = '[{\"index\": 0, \"command\": [4]}]' WHERE key = 'images'",
    "UPDATE run SET value = '[{\"pid\": \"4\"}]' WHERE key = 'exits'",
    "UPDATE sites SET count = -1",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_what_is_no_count_no_time_and_no_name(path, statement):
    copy = changed(path, statement)
    with pytest.raises(trace.TraceError, match="damaged"):
        with trace.open(copy) as opened:
            [list(opened.events()), list(opened.totals()), list(opened.sites())]
            summarise(opened)


def test_the_trace_itself_is_not_refused(path):
    assert not is_refused(path)


def test_a_life_as_it_is_written_is_read(path):
    """The negative twin."""
    rows = [{"index": 0, "pid": None, "path": "/bin/a", "command": ["a"], "t_ns": 0}]
    copy = changed(path, ("UPDATE run SET value = ? WHERE key = 'images'", (json.dumps(rows),)))
    assert not is_refused(copy)
