"""`brkpoint sql` at its edges: queries without end, odd values and names, functions of others."""

import json
import os
import signal
import subprocess
import sys

import launching
import pytest

from alloctrace.trace import sql as trace_sql, table as trace_table, trace
from command.main import main

HERE = os.path.dirname(os.path.abspath(__file__))
BRKPOINT = os.path.join(os.path.dirname(HERE), "brkpoint")
TRACE = os.path.join(HERE, "data", "traces", "alloc.brkpoint")
# One call of one function: SQLite asks nobody on the way whether it shall go on.
MINUTES = (
    "select length(replace(printf('%.*c', 50000000, 'a'), printf('%.*c', 1000000, 'a')||'b', 'c'))"
)


def answer(capsys, *words):
    assert main(["sql", *words]) == 0
    return capsys.readouterr().out


def refused(capsys, *words):
    assert main(["sql", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def start(*words):
    command = [sys.executable, BRKPOINT, "sql", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_single_function_ends_in_time():
    with start("--timeout", "0.5", TRACE, MINUTES) as process:
        said = process.communicate(timeout=300)
    assert process.returncode == 2 and said[1].count("\n") == 1 and "took too long" in said[1]


def test_ctrl_c_ends_a_single_function():
    with start(TRACE, MINUTES) as process:
        launching.wait_for(lambda: launching.cpu_of(process.pid) > 1)  # it is in the function
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGINT and "Traceback" not in said[1]


def test_a_query_that_ends_is_answered_in_full():
    with start("--timeout", "60", TRACE, "select 7 as a") as process:
        assert process.communicate(timeout=300) == ("a\n7\n", "")


def test_the_time_covers_the_copying_of_events(monkeypatch):
    monkeypatch.setattr(trace_table, "TELL_EVERY", 1)
    with trace.open(TRACE) as opened, trace_sql.Query(opened, timeout=0) as query:
        with pytest.raises(trace_sql.QueryError, match="too long"):
            query.run("select tid from events")


@pytest.mark.parametrize(
    "query, found",
    [
        ("select count(*) from run where key = 'events'", "1"),
        ("with events as (select 7 as x) select x from events", "7"),
        ("select 1 -- no events", "1"),
    ],
)
def test_the_word_alone_makes_no_table_of_events(capsys, monkeypatch, query, found):
    monkeypatch.setattr(trace_sql, "MAX_EVENTS", 0)
    assert answer(capsys, TRACE, query).endswith("\n%s\n" % found)
    for asks in "select count(*) from Events -- it's", "select 'events', 1 from temp.events":
        assert "too many for a table" in refused(capsys, TRACE, asks)


def test_how_sqlite_would_find_events_can_be_asked(capsys):
    assert "SCAN e" in answer(capsys, TRACE, "explain query plan select tid from events")
    assert "Rewind" in answer(capsys, TRACE, " Explain select tid from temp.events")


def test_a_query_after_one_that_failed_may_still_only_read(monkeypatch):
    monkeypatch.setattr(trace_sql, "MAX_EVENTS", 0)
    with trace.open(TRACE) as opened, trace_sql.Query(opened) as query:
        with pytest.raises(trace_sql.QueryError, match="too many for a table"):
            query.run("select * from events")
        with pytest.raises(trace_sql.QueryError, match="may only read"):
            query.run("create table events(a)")


def test_a_full_disk_is_no_damage_of_the_trace(capsys, monkeypatch):
    monkeypatch.setattr(trace_sql, "FILE_LIMIT", 3)
    assert "full" in refused(capsys, TRACE, "select * from events")
    assert "damaged" not in refused(capsys, TRACE, "select * from events")
    assert answer(capsys, TRACE, "select count(*) > 1 from groups").endswith("\n1\n")


def test_infinity_is_a_number_of_json(capsys):
    line = answer(capsys, "--json", TRACE, "select 9e999 as a, -9e999 as b, 1.5 as c")
    assert line == '{"a":9e999,"b":-9e999,"c":1.5}\n'
    strict = json.loads(line, parse_constant=lambda word: pytest.fail(word))
    assert strict == {"a": float("inf"), "b": float("-inf"), "c": 1.5}


def test_columns_of_one_name_are_told_apart(capsys):
    line = answer(capsys, "--json", TRACE, "select 1 as b, 2 as b, 3 as 'b:1', 4 as b, 5 as c")
    assert len(json.loads(line)) == 5 and json.loads(line)["b:1"] == 2
    assert json.loads(line)["b"] == 1 and json.loads(line)["c"] == 5
    assert answer(capsys, "--json", TRACE, "select 1 as a, 2 as b") == '{"a":1,"b":2}\n'


def test_options_may_stand_behind_the_trace(capsys):
    for words in (
        [TRACE, "--json", "select 1 as a"],
        ["--json", TRACE, "select 1 as a"],
        [TRACE, "select 1 as a", "--json"],
        [TRACE, "--timeout", "5", "select 1 as a", "--json"],
    ):
        assert answer(capsys, *words) == '{"a":1}\n', words
    assert "unrecognized arguments: --bogus" in refused(capsys, TRACE, "--bogus", "select 1")
    assert "takes a query" in refused(capsys, TRACE, "select 1", "select 2")


@pytest.mark.parametrize(
    "call",
    ["fts3_tokenizer('simple')", "FTS3_Tokenizer('x', x'4141414141414141')", "rtreenode(2, x'00')"],
)
def test_functions_that_give_or_take_pointers_are_refused(capsys, call):
    said = refused(capsys, TRACE, "select hex(%s)" % call)
    assert "may not use the function" in said or "no such function" in said


@pytest.mark.parametrize(
    "call, value",
    [
        ("json_extract('[3]', '$[0]')", "3"),
        ("group_concat(upper('a'))", "A"),
        ("date(0, 'unixepoch')", "1970-01-01"),
        ("row_number() over ()", "1"),
        ("printf('%d', round(1.2))", "1"),
    ],
)
def test_plain_functions_are_not(capsys, call, value):
    assert answer(capsys, TRACE, "select %s as a" % call) == "a\n%s\n" % value
