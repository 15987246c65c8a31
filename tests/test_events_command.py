"""brkpoint events, sql and recover over made traces: contracts, filters, and what is refused."""

import argparse
import json
import os
import time

import pytest

from alloctrace.history import history
from alloctrace.model import Verdict
from alloctrace.purpose import classify
from alloctrace.spool import spool
from alloctrace.trace import trace
from command import events, recover, sql
from reports import event_json
from start.errors import USAGE, UserError
import made_exports
import made_traces
from made_records import Made, write_spool

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture(autouse=True)
def made_up_rules(monkeypatch):
    monkeypatch.setattr(classify, "classify", made_traces.classify)


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A trace in the current folder."""
    monkeypatch.chdir(tmp_path)
    built = made_traces.made_history()
    outcome = {"command": ["./a", "\x1b[2J"], "program": "./a"}
    trace.write("a.7.brkpoint", built, made_traces.symbolise(built), outcome)
    return built


def run(capsys, verb, *words):
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    assert verb.invoke(parser.parse_args(words)) == 0
    return capsys.readouterr().out


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def validator(name):
    jsonschema = pytest.importorskip("jsonschema")
    with open(os.path.join(TOP, "docs", "schema", name), encoding="utf-8") as file:
        return jsonschema.Draft7Validator(json.load(file))


@pytest.mark.parametrize("stacks", ["full", "ids", "none"])
def test_each_json_line_keeps_the_contract(recorded, capsys, stacks):
    schema = validator("events.json")
    lines = objects(run(capsys, events, "--json", "--stacks", stacks))
    for line in lines:
        schema.validate(line)
    assert lines[0]["kind"] == "header" and lines[0]["schema"] == 1
    assert sum(line["kind"] in ("call", "syscall") for line in lines) == len(recorded.events)


def test_the_contract_notices_a_missing_and_a_wrong_field(recorded, capsys):
    schema = validator("events.json")
    line = objects(run(capsys, events, "--json"))[1]
    assert schema.is_valid(line)
    for name in ("seq", "origin", "size", "cause"):
        assert not schema.is_valid({key: line[key] for key in line if key != name})
    assert not schema.is_valid(dict(line, origin="me"))
    assert not schema.is_valid(dict(line, ptr=4096))


def test_the_json_says_what_the_history_knew(recorded, capsys):
    lines = [o for o in objects(run(capsys, events, "--json")) if o["kind"] != "header"]
    for event, line in zip(recorded.events, lines):
        for name in ("seq", "tid", "kind", "name", "size", "nmemb", "block", "cause", "outer"):
            assert line[name] == getattr(event, name)
        assert line["result"] == (None if event.result is None else hex(event.result))


def test_a_stack_is_told_once_before_it_is_used(recorded, capsys):
    told = set()
    for line in objects(run(capsys, events, "--json", "--stacks", "ids"))[1:]:
        if line["kind"] == "stack":
            assert line["id"] not in told and line["frames"]
            told.add(line["id"])
        else:
            assert line["stack"] in told


@pytest.mark.parametrize(
    "options, wanted",
    [
        (["--origin", "loader"], lambda e: e.verdict and e.verdict.origin == "loader"),
        (["--origin", "unknown"], lambda e: not e.verdict),
        (["--phase", "load"], lambda e: e.phase == "load"),
        (["--name", "malloc", "--name", "free"], lambda e: e.name in ("malloc", "free")),
        (["--kind", "syscall"], lambda e: e.kind == "syscall"),
        (["--min-size", "51"], lambda e: (e.size or 0) * (e.nmemb or 1) >= 51),
        (["--max-size", "41"], lambda e: e.size is not None and e.size * (e.nmemb or 1) <= 41),
        (["--purpose", "file OBJECT"], lambda e: bool(e.purpose and e.purpose.text)),
        (["--purpose", "nothing such"], lambda e: False),
        (["--limit", "3"], lambda e: e.seq < 3),
    ],
)
def test_filters(recorded, capsys, options, wanted):
    made_traces.classify(recorded, {})
    lines = objects(run(capsys, events, "--json", *options))[1:]
    assert [line["seq"] for line in lines] == [e.seq for e in recorded.events if wanted(e)]


def test_the_text_has_a_line_an_event_and_no_control_character(recorded, capsys):
    text = run(capsys, events)
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("--")] == ["-- load --", "-- main --"]
    assert len(lines) == len(recorded.events) + 2
    assert all(line.isprintable() for line in lines)
    assert any("malloc(9223372036854775808) = ENOMEM" in line for line in lines)
    assert any("calloc(3, 17) = 0xfffffffffffffff0" in line for line in lines)
    assert any("(no return seen)" in line for line in lines)


def test_what_a_call_made_stands_beneath_it(recorded, capsys):
    lines = run(capsys, events).splitlines()
    column = {line.split("(")[0].split()[-1]: line.index("(") for line in lines if "(" in line}
    assert any(line[7:].startswith("   brk(-4)") for line in lines), lines
    assert column["posix_memalign"] > 0


def test_without_a_trace_the_newest_is_taken(recorded, capsys, tmp_path):
    built = history.build([])
    trace.write("older.brkpoint", built, {}, {})
    os.utime("older.brkpoint", (1, 1))
    assert len(objects(run(capsys, events, "--json"))) == 1 + len(recorded.events)
    os.utime("older.brkpoint", (2**33, 2**33))
    assert len(objects(run(capsys, events, "--json"))) == 1


def test_no_trace_and_no_good_trace_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no trace here"):
        run(capsys, events)
    (tmp_path / "\x1b[31m").write_text("x")
    with pytest.raises(UserError) as caught:
        run(capsys, events, "\x1b[31m")
    assert str(caught.value).isprintable() and "not a brkpoint trace" in str(caught.value)


def test_sql_sees_events_with_their_names(recorded, capsys):
    query = "SELECT seq, name, size, result, origin, purpose, function FROM events ORDER BY seq"
    lines = run(capsys, sql, query).splitlines()
    assert lines[0].split("\t") == "seq name size result origin purpose function".split()
    assert lines[1].split("\t")[:4] == ["0", "mmap", "8192", "0x7f1234567000"]
    assert len(lines) == 1 + len(recorded.events)


def test_sql_as_json_and_the_plain_tables(recorded, capsys):
    rows = objects(run(capsys, sql, "--json", "a.7.brkpoint", "SELECT path FROM modules"))
    assert rows == [{"path": made_traces.LINE_BREAK}]
    text = run(capsys, sql, "SELECT path FROM modules")
    assert text == "path\n/tmp/\\x1b[31m\\xff\\x0a.so\n"
    assert objects(run(capsys, sql, "--json", "SELECT count(*) n FROM chunks")) == [{"n": 1}]


def test_sql_lists_what_there_is(recorded, capsys):
    text = run(capsys, sql, "--tables")
    assert "events: seq, t_ns" in text and "modules: number, id, path" in text


@pytest.mark.parametrize(
    "query, word",
    [
        ("DELETE FROM events", "only read"),
        ("DROP TABLE trace.notes", "only read"),
        ("INSERT INTO notes VALUES (1, 'x')", "only read"),
        ("ATTACH 'x.db' AS x", "only read"),
        ("PRAGMA query_only = 0", "only read"),
        ("CREATE TABLE t (x)", "only read"),
        ("VACUUM INTO 'x.db'", "only read"),
        ("SELECT load_extension('x')", "only read|may not use"),
        ("SELECT 1; DELETE FROM events", "one statement"),
        ("SELEC", "syntax"),
        ("SELECT x FROM events", "no such column"),
    ],
)
def test_sql_only_reads(recorded, capsys, query, word):
    before = open("a.7.brkpoint", "rb").read()
    with pytest.raises(UserError, match=word) as caught:
        run(capsys, sql, query)
    assert caught.value.status == USAGE
    assert open("a.7.brkpoint", "rb").read() == before
    assert os.listdir() == ["a.7.brkpoint"]


def test_sql_gives_up_in_time_and_memory(recorded, capsys):
    endless = "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT max(x) FROM a"
    begin = time.process_time()
    with pytest.raises(UserError, match="too long"):
        run(capsys, sql, "--timeout", "0.2", endless)
    assert time.process_time() - begin < 30
    with pytest.raises(UserError, match="memory|too big"):
        run(capsys, sql, "SELECT length(zeroblob(900000000) || zeroblob(900000000))")


def test_sql_makes_no_table_without_end(recorded, capsys, monkeypatch):
    monkeypatch.setattr("alloctrace.trace.sql.MAX_EVENTS", len(recorded.events) - 1)
    with pytest.raises(UserError, match="too many"):
        run(capsys, sql, "SELECT 1 FROM events")
    assert run(capsys, sql, "SELECT 1 FROM notes") == "1\n1\n"


def test_sql_needs_a_query(recorded, capsys):
    for words in ([], ["a", "b", "c"]):
        with pytest.raises(UserError, match="takes a query"):
            run(capsys, sql, *words)


def cut_spool(path, lost=5):
    write_spool(path, made_traces.made_records())
    data = open(path, "rb").read()
    open(path, "wb").write(data[:-lost])


def test_recover_makes_a_trace_and_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cut_spool("a.7.spool")
    parser = argparse.ArgumentParser()
    recover.configure(parser)
    assert recover.invoke(parser.parse_args(["a.7.spool"])) == 0
    assert "incomplete: the last record was cut off" in capsys.readouterr().err
    with trace.open("a.7.brkpoint") as opened:
        assert opened.run["complete"] is False and opened.run["exit"]["kind"] == "exited"
        assert len(list(opened.events())) == len(made_traces.made_history().events) - 1


def test_recover_overwrites_nothing_and_names_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cut_spool("s")
    (tmp_path / "t").write_text("precious")
    for words, text in (
        (["s", "-o", "t"], "exists already"),
        (["t"], "not a brkpoint spool"),
        (["missing"], "No such file"),
        (["s", "-o", "no/t"], "No such file"),
    ):
        with pytest.raises(UserError, match=text):
            run(capsys, recover, *words)
    assert (tmp_path / "t").read_text() == "precious"
    run(capsys, recover, "s", "-o", "t", "--force")
    assert spool.MAGIC not in (tmp_path / "t").read_bytes()[:16]


def test_report_keeps_its_contract(recorded):
    schema = validator("report.json")
    from alloctrace.summary.summary import summarise

    with trace.open("a.7.brkpoint") as opened:
        summary = json.loads(json.dumps(summarise(opened)))
    schema.validate(summary)
    for name in ("totals", "exit", "peak_bytes", "leaked"):
        assert not schema.is_valid({key: summary[key] for key in summary if key != name})


def test_calls_of_several_threads_show_which(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made = Made()
    made.info("thread", tid=78, t_ns=made.tick())
    made.call("malloc", 3, result=0x1000, tid=78)
    built = history.build(made.records)
    trace.write("t.brkpoint", built, made_traces.symbolise(built), {})
    assert " 78 " in run(capsys, events)


def fields_of(event):
    """All fields of the contract but the stack, one by one."""
    names = "seq t_ns dur_ns pid tid kind name impl size nmemb align ptr result errno args block"
    made = {name: getattr(event, name) for name in (names + " phase image").split()}
    made.update(ptr=event_json.address(event.ptr), result=event_json.address(event.result))
    verdict = event.verdict or Verdict(rule=None, confidence=None)
    for name in "origin owner via direct decided_by rule confidence for_whom".split():
        made[name] = getattr(verdict, name)
    made["purpose"] = event.purpose.text if event.purpose else None
    return dict(made, via=list(verdict.via), cause=event.cause, outer=event.outer)


@pytest.mark.parametrize("stacks", event_json.STACKS)
@pytest.mark.parametrize("kept", [event_json._MOST_KEPT, 10])
def test_a_line_is_its_fields_as_json_whatever_is_kept(tmp_path, monkeypatch, stacks, kept):
    """With names of every kind; what events share is made into text once."""
    monkeypatch.setattr(event_json, "_MOST_KEPT", kept)
    with trace.open(made_exports.write(tmp_path)) as recorded:
        events = list(recorded.events())
        lines = list(event_json.lines(recorded, events, stacks))
        found = [line for line in lines[1:] if not line.startswith('{"kind":"stack"')]
        plain = [
            dict(fields_of(e), **event_json._stack_fields(recorded, e.stack, stacks))
            for e in events
        ]
    told = list(map(json.loads, found))
    assert told == json.loads(json.dumps(plain))
    assert found == [json.dumps(each, separators=(",", ":")) + "\n" for each in told]
    assert len(set(found)) == len(events) > 100
