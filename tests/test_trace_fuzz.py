"""A trace from a stranger: damage, other databases, newer versions, bombs are one line."""

import os
import random
import sqlite3
import time
import zlib

import pytest

from alloctrace.columns import schema as trace_schema
from alloctrace.purpose import classify
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from reports import event_json
import made_traces
from mutations import CASES as FEW, mutate

CASES = FEW * 100


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "whole"
    built = made_traces.made_history()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classify, "classify", made_traces.classify)
        trace.write(path, built, made_traces.symbolise(built), {"command": ["./a"]})
    return path.read_bytes()


def read_all(path):
    """Everything that a report reads of a trace."""
    with trace.open(path) as opened:
        lines = list(event_json.lines(opened, opened.events()))
        lists = [list(opened.blocks()), list(opened.sites()), list(opened.totals())]
        summarise(opened)
        return len(lines), lists


def test_only_trace_errors_come_out_of_damage(tmp_path, whole):
    path, source, errors = tmp_path / "t", random.Random(20220102), 0
    for _ in range(CASES):
        path.write_bytes(mutate(source, whole))
        try:
            read_all(path)
        except trace.TraceError as error:
            errors += 1
            assert "\n" not in str(error) and str(error)
    assert CASES // 4 < errors


def test_only_trace_errors_come_out_of_sound_sqlite(tmp_path, whole):
    """Single cells of sound tables, as somebody with SQLite would set them."""
    source, errors = random.Random(20220103), 0
    odd = (-1, 0, 1, 7, 1 << 31, 1 << 62, -(1 << 63), "", "x", "call", "0", b"\xff", None)
    for _ in range(CASES // 5):
        table = source.choice(list(trace_schema.TABLES))
        name = source.choice([row[0] for row in trace_schema.row_types(table)])
        size = "max(1, (SELECT count(*) FROM %s))" % table
        place = "LIMIT 1 OFFSET %d %% %s" % (source.randrange(1 << 30), size)
        rows = "rowid IN (SELECT rowid FROM %s ORDER BY rowid %s)" % (table, place)
        change = "UPDATE OR IGNORE %s SET %s = ? WHERE %s" % (table, name, rows)
        path = changed(tmp_path, whole, (change, (source.choice(odd),)))
        try:
            read_all(path) if path else None  # a key that is no number: SQLite itself refuses it
        except trace.TraceError as error:
            errors += 1
            assert "\n" not in str(error) and str(error)
    assert 0 < errors < CASES // 5


def test_the_undamaged_one_is_read(tmp_path, whole):
    (tmp_path / "t").write_bytes(whole)
    count, _ = read_all(tmp_path / "t")
    assert count == 1 + len(made_traces.made_history().events)


def changed(tmp_path, whole, *statements):
    (tmp_path / "t").write_bytes(whole)
    return made_traces.changed(tmp_path / "t", *statements)


# Sound SQLite, wrong content: a trace that only a program could have made so.
WRONG = [
    "UPDATE stacks SET parent = id",
    "UPDATE stacks SET parent = id + 1",
    "UPDATE stacks SET parent = -99 WHERE parent = 0",
    "UPDATE stacks SET frame = 999",
    "DELETE FROM stacks",
    "DELETE FROM frames",
    "UPDATE frames SET pc = 'text'",
    "DELETE FROM functions",
    "DELETE FROM names",
    "DELETE FROM verdicts",
    "UPDATE verdicts SET origin = 'me'",
    "UPDATE verdicts SET via = '7'",
    "UPDATE verdicts SET via = 'no json'",
    "DELETE FROM purposes",
    "DELETE FROM arguments",
    "UPDATE arguments SET json = '[]'",
    "UPDATE borders SET phase = 'lunch'",
    "UPDATE chunks SET count = 70000",
    "UPDATE chunks SET count = count + 1",
    "UPDATE chunks SET count = 0",
    "UPDATE chunks SET first_seq = 5",
    "DELETE FROM columns WHERE name = 'size'",
    "UPDATE columns SET width = 3 WHERE name = 'size'",
    "UPDATE columns SET data = x'00' WHERE name = 'size'",
    "UPDATE columns SET width = 0, base = 0 WHERE name = 'outer'",
    "UPDATE columns SET width = 0, base = 99999 WHERE name = 'group'",
    "UPDATE columns SET width = 0, base = 0 WHERE name = 'group'",
    "UPDATE columns SET period = 70000",
    "UPDATE columns SET period = 0",
    "DELETE FROM groups WHERE id = 1",
    "UPDATE groups SET within = id",
    "UPDATE groups SET phase = 4",
    "UPDATE groups SET name = 99",
    "UPDATE groups SET verdict = 99",
    "UPDATE groups SET count = 'many'",
    "INSERT INTO late VALUES (1, 'what', 7)",
    "INSERT INTO late VALUES (1, 'cause', 7)",
    "UPDATE run SET value = '[]' WHERE key = 'peak'",
    "UPDATE run SET value = '{'",
    "UPDATE run SET value = '7' WHERE key = 'command'",
    "UPDATE run SET value = '[7]' WHERE key = 'command'",
    "UPDATE run SET value = '[]' WHERE key = 'exit'",
    "CREATE TABLE more (x)",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON notes BEGIN DELETE FROM notes; END",
    "CREATE INDEX i ON notes (text)",
    "DROP TABLE notes",
    "ALTER TABLE notes ADD COLUMN x",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = 0",
    "PRAGMA application_id = 7",
]


@pytest.mark.parametrize("statement", WRONG)
def test_wrong_content_is_one_line(tmp_path, whole, statement):
    path = changed(tmp_path, whole, statement)
    with pytest.raises(trace.TraceError):
        read_all(path)


def test_an_innocent_change_is_read(tmp_path, whole):
    path = changed(tmp_path, whole, "UPDATE notes SET text = 'changed'", "VACUUM")
    assert read_all(path)


def test_newer_and_foreign_files_are_named(tmp_path, whole):
    newer = changed(tmp_path, whole, "PRAGMA user_version = 9")
    with pytest.raises(trace.TraceError, match="version 9; this brkpoint reads version 2"):
        trace.open(newer)
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE t (x)").connection.commit()
    with pytest.raises(trace.TraceError, match="another SQLite file"):
        trace.open(tmp_path / "other")
    for data in (b"", b"short", b"x" * 4096):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(trace.TraceError, match="not a brkpoint trace"):
            trace.open(tmp_path / "x")


def test_missing_files_folders_and_devices_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, word in (
        (tmp_path / "pipe", "not a file"),
        (tmp_path / "no", "No such"),
        (tmp_path, "directory"),
        ("/dev/zero", "not a"),
    ):
        with pytest.raises(trace.TraceError, match=word):
            trace.open(path)


def test_a_bomb_in_a_column_is_not_unfolded(tmp_path, whole):
    bomb = zlib.compress(b"\0" * (256 << 20), 9)
    path = changed(tmp_path, whole, ("UPDATE columns SET width = 8, data = ?", (bomb,)))
    begin = time.process_time()
    with pytest.raises(trace.TraceError, match="length"):
        read_all(path)
    assert time.process_time() - begin < 5


def test_reading_never_writes(tmp_path, whole):
    path = tmp_path / "t"
    path.write_bytes(whole)
    path.chmod(0o444)
    read_all(path)
    assert path.read_bytes() == whole
    assert [entry.name for entry in tmp_path.iterdir()] == ["t"]


def test_a_journal_left_beside_it_is_not_replayed(tmp_path, whole):
    (tmp_path / "t").write_bytes(whole)
    (tmp_path / "t-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 4096)
    read_all(tmp_path / "t")
    assert (tmp_path / "t").read_bytes() == whole


def test_the_schema_is_the_one_that_was_agreed(whole, tmp_path):
    (tmp_path / "t").write_bytes(whole)
    db = sqlite3.connect(tmp_path / "t")
    for table in trace_schema.TABLES:
        names = [row[1] for row in db.execute("PRAGMA table_info(%s)" % table)]
        assert names == [row[0] for row in trace_schema.row_types(table)]
