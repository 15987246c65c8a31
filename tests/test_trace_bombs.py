"""Small files that claim much: refused when they are opened, or read in bounded room."""

import os
import resource
import sqlite3
import subprocess
import sys

import pytest

from alloctrace.columns.schema import COLUMN_NAMES, LONGEST_TEXT, MAX_DEPTH
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from command.main import main
import made_traces

ROOM = 400 << 20  # bytes of address space for a reader; a page of Python takes 60 MiB of it
HUGE = 65536


@pytest.fixture
def path(tmp_path, monkeypatch):
    return made_traces.write(tmp_path / "t.brkpoint", monkeypatch, {"command": ["a"]})


def change(path, *statements):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN")
    for statement, *rows in statements:
        db.executemany(statement, *rows) if rows else db.execute(statement)
    db.execute("COMMIT")
    db.close()


def fill(path, chunks, groups_say=None):
    """Events all alike, 65536 a chunk, in next to no bytes; the sums say the same, or not."""
    of_chunk = [(n, n * HUGE, HUGE) for n in range(chunks)]
    columns = [(n, name, int(name == "group")) for n in range(chunks) for name in COLUMN_NAMES]
    said = chunks * HUGE if groups_say is None else groups_say
    change(
        path,
        ("DELETE FROM chunks",),
        ("DELETE FROM columns",),
        ("DELETE FROM groups WHERE id > 1",),
        ("UPDATE groups SET name = 1, count = %d" % said,),
        ("UPDATE run SET value = '%d' WHERE key = 'events'" % said,),
        ("INSERT INTO chunks VALUES (?, ?, ?)", of_chunk),
        ("INSERT INTO columns VALUES (?, ?, 0, 0, ?, 1, x'')", columns),
    )


def brkpoint(*words):
    """The command in little room, and what it said."""
    room = lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))  # noqa: E731
    command = [sys.executable, os.path.join(os.path.dirname(__file__), "..", "brkpoint"), *words]
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=room, timeout=300
    )
    return done.returncode, done.stderr.decode()


def test_chunks_that_hold_more_than_the_sums_say(path):
    fill(path, 20, groups_say=9)
    with pytest.raises(trace.TraceError, match="chunks hold 1310720 events, it says 9"):
        trace.open(path)


@pytest.mark.parametrize("table", ["groups", "chunks"])
def test_counts_that_are_negative_or_pass_the_largest_number(path, table):
    for count in (-1, (1 << 63) - 1):
        change(path, ("UPDATE %s SET count = %d" % (table, count),))
        with pytest.raises(trace.TraceError, match="damaged"):
            trace.open(path)


def test_groups_that_say_another_groups_events(path):
    change(
        path,
        ("UPDATE groups SET count = count + 1 WHERE id = 1",),
        ("UPDATE groups SET count = count - 1 WHERE id = 2",),
    )
    with trace.open(path) as opened:
        with pytest.raises(trace.TraceError, match="group 1 has"):
            list(opened.events())
        with pytest.raises(trace.TraceError, match="group 1 has"):
            list(opened.events(lambda group: group.id == 3))


def test_as_many_as_it_says_are_read(path):
    fill(path, 2)
    with trace.open(path) as opened:
        assert sum(1 for _ in opened.events()) == 2 * HUGE == summarise(opened)["events"]


@pytest.mark.parametrize("form", [["--events"], ["--events", "--markdown"]])
def test_a_page_of_too_many_events_is_refused(path, form, capsys):
    fill(path, 4)
    assert main(["report", *form, str(path)]) == 2
    said = capsys.readouterr().err
    assert "lists 200000 events at most, not 262144" in said and said.count("\n") == 1


@pytest.mark.parametrize("verb", [["report"], ["report", "--markdown"], ["events"]])
def test_readers_of_a_large_trace_need_little_room(path, verb):
    fill(path, 8)
    assert brkpoint(*verb, str(path)) == (0, "")


def test_calls_in_one_another_without_end(path):
    """Each event lies in the one before it: a page hangs them up without falling down."""
    fill(path, 1)
    change(
        path,
        ("UPDATE chunks SET count = 1",),
        ("INSERT INTO chunks VALUES (1, 1, 4000)",),
        ("INSERT INTO columns SELECT 1, name, 0, 0, base, 1, x'' FROM columns",),
        ("UPDATE columns SET base = 768 WHERE chunk = 1 AND name = 'present'",),  # cause, outer
        ("UPDATE columns SET base = 1 WHERE chunk = 1 AND name IN ('cause', 'outer')",),
        ("UPDATE groups SET count = 4001",),
        ("UPDATE run SET value = '4001' WHERE key = 'events'",),
    )
    for form in ([], ["--markdown"]):
        assert brkpoint("report", "--events", *form, str(path)) == (0, "")


def test_stacks_without_end(path):
    rows = [(id_, id_ - 1, 1) for id_ in range(1, MAX_DEPTH + 2)]
    change(path, ("DELETE FROM stacks",), ("INSERT INTO stacks VALUES (?, ?, ?)", rows[:-1]))
    with trace.open(path) as opened:
        assert len(opened.stack(MAX_DEPTH)) == MAX_DEPTH
    change(path, ("INSERT INTO stacks VALUES (?, ?, ?)", rows[-1:]))
    with trace.open(path) as opened, pytest.raises(trace.TraceError, match="too deep"):
        opened.stack(1)


def test_texts_without_end(path):
    change(path, ("UPDATE functions SET name = printf('%%.*c', %d, 'x')" % LONGEST_TEXT,))
    with trace.open(path) as opened:
        summarise(opened)
    change(path, ("UPDATE functions SET name = name || 'x'",))
    with trace.open(path) as opened, pytest.raises(trace.TraceError, match="functions is too long"):
        summarise(opened)


def test_what_we_write_ourselves_is_never_too_long(tmp_path):
    built = made_traces.made_history()
    built.notes.append("x" * (LONGEST_TEXT + 1))
    trace.write(tmp_path / "own", built, {}, {"program": "y" * (LONGEST_TEXT + 1)})
    with trace.open(tmp_path / "own") as opened:
        assert len(opened.notes[-1]) == LONGEST_TEXT
        assert len(opened.run["program"]) == LONGEST_TEXT + 1
