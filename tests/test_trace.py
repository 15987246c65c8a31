"""A trace keeps what the history knew, appears whole or not at all, and is read-only."""

import os
import sqlite3

import pytest

from alloctrace.columns import schema as trace_schema
from alloctrace.history import history
from alloctrace.purpose import classify
from alloctrace.trace import trace
import made_traces
from made_records import Made


@pytest.fixture(autouse=True)
def made_up_rules(monkeypatch):
    monkeypatch.setattr(classify, "classify", made_traces.classify)


def write(path, built=None, outcome=None, **more):
    built = built or made_traces.made_history()
    stacks = made_traces.symbolise(built)
    trace.write(path, built, stacks, outcome or {}, **more)
    return built, stacks


def comparable(event, stack):
    return dict(vars(event), stack=stack)


def test_events_come_back_as_they_were(tmp_path):
    built, stacks = write(tmp_path / "t")
    with trace.open(tmp_path / "t") as opened:
        read = list(opened.events())
        assert len(read) == len(built.events) > 8
        for before, after in zip(built.events, read):
            wanted = comparable(before, stacks.get(before.stack, ()))
            assert comparable(after, opened.stack(after.stack)) == wanted


def test_the_made_history_has_the_awkward_values():
    events = made_traces.made_history().events
    assert {e.kind for e in events} == {"call", "syscall"}
    assert any(e.size == 2**63 for e in events) and any((e.size or 0) < 0 for e in events)
    assert any(e.result == 2**64 - 16 for e in events)
    assert any(e.outer is not None for e in events) and any(e.cause is not None for e in events)
    assert any(e.dur_ns is None for e in events) and any(e.failed for e in events)


def test_the_rest_comes_back_too(tmp_path):
    built, _ = write(tmp_path / "t")
    with trace.open(tmp_path / "t") as opened:
        assert opened.modules == built.modules
        assert opened.borders == built.borders
        assert list(opened.blocks()) == built.blocks and built.blocks
        assert opened.notes == built.notes
        assert opened.modules[0].path == made_traces.LINE_BREAK


@pytest.mark.parametrize("large", [7, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("name", ["address", "size"])
def test_blocks_of_any_address_and_size_come_back(tmp_path, name, large):
    built = made_traces.made_history()
    block = built.blocks[-1]
    block.address = block.size = 7  # else another number may be the large one
    setattr(block, name, large)
    write(tmp_path / "t", built)
    with trace.open(tmp_path / "t") as opened:
        assert list(opened.blocks()) == built.blocks
    with sqlite3.connect(tmp_path / "t") as plain:  # SQLite's are signed
        stored = {row[0] for row in plain.execute("SELECT %s FROM blocks" % name)}
    assert (large if large < 2**63 else large - 2**64) in stored


def test_rows_that_count_are_numbered_from_1(tmp_path):
    built, _ = write(tmp_path / "t")
    with sqlite3.connect(tmp_path / "t") as plain:
        for table in ("groups", "stacks", "frames", "functions", "names", "modules"):
            rows = plain.execute("SELECT rowid, * FROM %s ORDER BY rowid" % table).fetchall()
            assert rows and [row[:2] for row in rows] == [(n, n) for n in range(1, len(rows) + 1)]


def test_totals_and_sites_count_unnested_events(tmp_path):
    built, _ = write(tmp_path / "t")
    with trace.open(tmp_path / "t") as opened:
        totals, sites = list(opened.totals()), list(opened.sites())
    counted = [e for e in built.events if e.outer is None]
    assert sum(row["count"] for row in totals) == len(counted) < len(built.events)
    assert sum(row["live_blocks"] for row in sites) == len(built.blocks)


def test_the_run_says_what_the_parent_and_the_engine_know(tmp_path):
    outcome = {"command": ["./a", "\udcff"], "exit": {"kind": "signalled", "status": 11}}
    write(tmp_path / "t", outcome=outcome)
    with trace.open(tmp_path / "t") as opened:
        run = opened.run
    assert run["command"] == ["./a", "\udcff"] and run["exit"]["status"] == 11
    assert run["engine"] == "breakpoints" and run["pid"] == 77
    assert run["complete"] is True and run["events_lost"] == 0
    assert run["children_not_followed"] == 1 and run["cost"]["stops"] == 20
    assert run["calls_hooked"] is True and run["process_at_end"]["kind"] == "exited"


@pytest.mark.parametrize("spoil", ["lost", "end", "cut_off"])
def test_an_incomplete_run_is_never_called_complete(tmp_path, spoil):
    built = made_traces.made_history()
    setattr(built, spoil, {"lost": 3, "end": None, "cut_off": True}[spoil])
    write(tmp_path / "t", built, {"complete": True, "incomplete_because": None})
    with trace.open(tmp_path / "t") as opened:
        assert opened.run["complete"] is False and opened.run["incomplete_because"]


def test_why_a_stack_is_cut_is_kept(tmp_path):
    made = Made()
    made.call("malloc", 1, result=16)
    cut = made.stack((1, 2), (3, 4), cut=1)
    made.enter("malloc", 2, stack=cut, sp=2)
    made.enter("malloc", 3, stack=0, sp=1)
    write(tmp_path / "t", history.build(made.records))
    with trace.open(tmp_path / "t") as opened:
        whole, short, none = [event.stack for event in opened.events()]
        assert opened.cut(whole) is None and opened.cut(none) is None
        assert "unwind" in opened.cut(short) and len(opened.stack(short)) == 3
        assert opened.stack(none) == () and list(opened.run["cuts"].values()) == [1]


def test_a_history_without_events_is_a_trace(tmp_path):
    write(tmp_path / "t", history.build([]))
    with trace.open(tmp_path / "t") as opened:
        assert list(opened.events()) == [] and list(opened.blocks()) == []
        assert opened.run["complete"] is False and opened.run["calls_hooked"] is False


def test_more_events_than_a_chunk_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("alloctrace.columns.columns.CHUNK", 7)
    built, _ = write(tmp_path / "t", _many(50))
    with trace.open(tmp_path / "t") as opened:
        assert [e.result for e in opened.events()] == [e.result for e in built.events]
    db = sqlite3.connect(tmp_path / "t")
    assert db.execute("SELECT count(*), max(count) FROM chunks").fetchone() == (8, 7)


def _many(count):
    made = Made()
    for index in range(count):
        made.call("malloc", index + 1, result=4096 + 32 * index)
    return history.build(made.records)


def test_an_existing_file_is_only_replaced_by_force(tmp_path):
    path = tmp_path / "t"
    path.write_text("precious")
    with pytest.raises(trace.TraceError, match="exists"):
        write(path)
    assert path.read_text() == "precious" and os.listdir(tmp_path) == ["t"]
    write(path, force=True)
    trace.open(path).close()
    assert os.listdir(tmp_path) == ["t"]


def test_no_file_is_left_beside_the_trace(tmp_path):
    write(tmp_path / "t")
    with trace.open(tmp_path / "t") as opened:
        list(opened.events())
        assert os.listdir(tmp_path) == ["t"]
    assert os.listdir(tmp_path) == ["t"]


def test_a_failure_while_writing_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("alloctrace.trace.write.write_sums", _fail)
    with pytest.raises(trace.TraceError, match="full"):
        write(tmp_path / "t")
    assert os.listdir(tmp_path) == []


def _fail(*_):
    raise sqlite3.OperationalError("database or disk is full")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(trace.TraceError, match="No such file"):
        write(tmp_path / "missing" / "t")


def test_odd_file_names_are_only_names(tmp_path):
    folder = os.fsencode(tmp_path)
    for name in (b"a?mode=rwc", b"a#b", b"100%41", b"sp ace", b"\xff\n", b"-x", b":memory:"):
        path = os.fsdecode(os.path.join(folder, name))
        write(path)
        with trace.open(path) as opened:
            assert opened.run["engine"] == "breakpoints"
    assert len(os.listdir(folder)) == 7


def test_a_trace_is_plain_sqlite_with_a_mark(tmp_path):
    write(tmp_path / "t")
    db = sqlite3.connect(tmp_path / "t")
    assert db.execute("PRAGMA application_id").fetchone()[0] == trace_schema.APPLICATION_ID
    assert db.execute("PRAGMA user_version").fetchone()[0] == 2
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_link_where_hard_links_are_not_allowed(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "t")
    trace.open(tmp_path / "t").close()
    with pytest.raises(trace.TraceError, match="exist"):
        write(tmp_path / "t")
    assert os.listdir(tmp_path) == ["t"]
