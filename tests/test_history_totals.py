"""Runs of which only sums are kept, and live bytes by origin through time: no number changes."""

import json
import os
import sqlite3
import subprocess
from collections import Counter

import pytest

from alloctrace.columns.group_table import GroupTable, MAX_INT
from alloctrace.history import groups, history, stages
from alloctrace.model import Verdict
from alloctrace.spool import spool
from alloctrace.summary.summary import summarise
from alloctrace.trace import sql as trace_sql, trace
import made_chaos
import made_traces
from made_records import Made
from test_history_c import SUMS, TOOL, convert, frames, key, tool  # noqa: F401

TOTALS = ("--totals", "1")


def everything(built):
    """All sums of a history in C, by what is alike."""
    keys, found = {}, {}
    for group in built.packed.sums.groups:
        keys[group.id] = key(group, frames(built, group.stack), keys)
        found[group.id] = (keys[group.id], [getattr(group, name) for name in SUMS])
    sums = built.packed.sums
    return found, sums.peak, sums.timeline, sums.stages, built.blocks, len(built.events)


def told_totals(folder, records, *options):
    """The History of a spool with sums alone, and the spool's path."""
    made = Made()
    made.records = [
        r._replace(data=dict(r.data, keep="totals")) if is_run(r) else r for r in records
    ]
    _, built, path = convert(folder, made.records, *TOTALS, *options)
    return built, path


def is_run(record):
    return isinstance(record, spool.Info) and record.data["type"] == "run"


@pytest.mark.parametrize("options", [(), ("--flush", "7")])
def test_sums_are_those_of_a_run_that_keeps_all(tmp_path, options):
    for seed in range(40):
        records = made_chaos.records(seed, calm=True)
        _, whole, _ = convert(tmp_path, records, *options)
        built, _ = told_totals(tmp_path, records, *options)
        assert everything(built) == everything(whole), seed
        assert built.has_many() and list(built.events) == []


def synthetic(folder, count, *more):
    path = str(folder / "synthetic.spool")
    words = ["--synthetic", str(count), "--stacks", "500", "--live", "1000", *more, path]
    subprocess.run([TOOL, *words], check=True)
    return path


def test_its_size_does_not_grow_with_the_run(tmp_path):
    sizes = {}
    for count in (300000, 3000000):
        path = synthetic(tmp_path, count, *TOTALS)
        sizes[count] = os.path.getsize(path)
        records = list(spool.read(path))
        kept = {
            record.first: record.count for record in records if isinstance(record, spool.Column)
        }
        assert sum(kept.values()) == 16384
        assert sum(row[1] for row in last_sums(records).values()) == count
    assert sizes[3000000] < 3 * sizes[300000] and sizes[3000000] < 16 << 20


def last_sums(records):
    rows = [row for record in records if isinstance(record, spool.Sums) for row in record.rows]
    return {row[0]: spool.SumRow(*row) for row in rows}


def cut(path, at):
    """The spool as far as its `at`th information record with sums; how many there are."""
    with open(path, "rb") as file:
        data = file.read()
    ends, position = [], 16
    while position < len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "little")
        if data[position + 8 :].startswith(b'{"type":"sums"'):
            ends.append(end)
        position = end
    with open(path, "wb") as file:
        file.write(data[: ends[at]])
    return len(ends)


def test_a_killed_recorder_leaves_the_sums_of_what_it_told_last(tmp_path):
    before = None
    for at in (0, 3, -1):
        path = synthetic(tmp_path, 1000000, *TOTALS)
        assert cut(path, at) > 10
        records = list(spool.read(path))
        run = spool.Info({"type": "run", "pid": 1, "engine": "recorder", "keep": "totals"})
        built = history.build([*records, run])
        known = built.packed
        assert sum(group.count for group in known.sums.groups) == known.told == len(built.events)
        assert known.is_whole == (at == -1)
        assert bool([note for note in built.notes if "sums" in note]) == (at != -1)
        assert before is None or known.told > before
        before = known.told
    assert before == 1000000


def test_sums_told_while_a_call_runs_are_told_again_when_it_has_returned(tmp_path):
    for before in range(18, 30):
        made = Made()
        made.call("malloc", 1000, result=0x5000)  # the peak
        made.call("free", 0x5000)
        for _ in range(2):
            made.call("malloc", 10, result=0x6000, line=2)
            made.call("free", 0x6000)
        for _ in range(before):
            made.call("free", 0)
        made.enter("malloc", 10, line=2)
        for _ in range(2):  # sums are told here, or at another call
            made.info("note", text="so that a flush comes here")
        made.leave("malloc", 0x6000)
        for _ in range(200):
            made.call("free", 0)
        _, path = told_totals(tmp_path, made.records, "--flush", "1")
        cut(path, -2)  # the recorder was killed: before it told all for the last time
        sums = last_sums(spool.read(path)).values()
        assert sum(row.allocations for row in sums) == 4, before


def test_what_each_origin_held_adds_up(tmp_path):
    """At each moment the groups hold together what the whole run does."""
    for seed in range(30):
        _, c, _ = convert(tmp_path, made_chaos.records(seed))
        held, checked, expected = Counter(), 0, None
        for seq, t_ns, id_, live in [*c.packed.sums.stages, (None, None, 0, None)]:
            if id_ == 0:
                assert expected is None or min(sum(held.values()), MAX_INT) == expected
                checked, expected = checked + 1, live
            else:
                held[id_] = live
        assert checked > 2


def many_calls(count):
    """One thread: every third block stays."""
    made = Made()
    for number in range(count):
        made.call("malloc", 16 + number % 50, result=0x10000 + 64 * number)
        if number % 3:
            made.call("free", 0x10000 + 64 * number)
    return made.records


def test_both_histories_have_the_same_moments(tmp_path):
    for count in (3, 100, 2000):
        python, c, _ = convert(tmp_path, many_calls(count))
        wanted, found = groups.of_events(python.events).stages, c.packed.sums.stages
        assert found == wanted
        moments = sum(1 for row in found if row[2] == 0)
        assert moments == len(python.events) if count == 3 else 128 <= moments <= 256


def test_by_origin():
    made = GroupTable()
    made.verdict.extend((1, 2))
    made.verdicts += [Verdict("user"), Verdict("loader")]
    rows = [
        (0, 5, 0, 0),
        (4, 9, 0, 30),
        (4, 9, 1, 10),
        (4, 9, 2, 20),
        (8, 11, 0, 27),
        (8, 11, 1, 7),
    ]
    assert stages.by_origin(rows, made) == {
        "seq": [0, 4, 8],
        "t_ns": [5, 9, 11],
        "live_bytes": {"user": [0, 10, 7], "loader": [0, 20, 20]},
    }
    assert stages.by_origin([], made) == {"seq": [], "t_ns": [], "live_bytes": {}}


@pytest.fixture
def traces(tmp_path, monkeypatch):
    """(a trace that keeps all, one of totals) of the same run."""
    monkeypatch.setattr("alloctrace.history.packed.MANY", 3)
    records = made_traces.made_records()
    folder = tmp_path / "sums"
    folder.mkdir()  # columns stay in the spool until they are asked for
    _, whole, _ = convert(tmp_path, records)
    built, _ = told_totals(folder, records)
    for name, past in (("all", whole), ("totals", built)):
        trace.write(tmp_path / name, past, made_traces.symbolise(past), {})
    with trace.open(tmp_path / "all") as a, trace.open(tmp_path / "totals") as b:
        yield a, b


def test_a_report_of_totals_has_the_same_numbers(traces):
    one, two = map(summarise, traces)
    same = ("causes", "phases", "leaked", "temporary", "peak", "events", "allocated", "timeline")
    for name in same:
        assert one[name] == two[name], name
    assert [row["count"] for row in one["totals"]] == [row["count"] for row in two["totals"]]
    assert (one["keep"], two["keep"]) == ("all", "totals")
    assert one["timeline"]["t_ns"] and "user" in one["timeline"]["live_bytes"]
    assert os.path.getsize(traces[1].path) < os.path.getsize(traces[0].path)


def test_whoever_wants_its_events_is_told(traces):
    kept, totals = traces
    assert list(kept.events()) and kept.keeps_events and not totals.keeps_events
    with pytest.raises(trace.TraceError, match="--keep totals"):
        list(totals.events())
    with trace_sql.Query(totals) as query:
        names, rows = query.run("select sum(count) from groups")
        assert next(rows)[0] == totals.run["events"]
    with trace_sql.Query(totals) as query:
        with pytest.raises((trace.TraceError, trace_sql.QueryError), match="--keep totals"):
            query.run("select count(*) from events")


DAMAGE = [
    {"seq": [1], "t_ns": [1, 2], "live_bytes": {}},
    {"seq": ["1"], "t_ns": [1], "live_bytes": {}},
    {"seq": [1], "t_ns": [1], "live_bytes": {"king": [1]}},
    {"seq": [1], "t_ns": [1], "live_bytes": [1]},
    {"seq": [1], "t_ns": [True], "live_bytes": {}},
    {"t_ns": [1], "live_bytes": {}},
]


@pytest.mark.parametrize("timeline", DAMAGE)
def test_a_strangers_timeline_is_refused(tmp_path, timeline):
    built = history.build(made_traces.made_records())
    path = tmp_path / "damaged"
    trace.write(path, built, made_traces.symbolise(built), {})
    with sqlite3.connect(path) as db:
        db.execute("UPDATE run SET value=? WHERE key='live_by_origin'", (json.dumps(timeline),))
    db.close()
    with pytest.raises(trace.TraceError, match="live_by_origin"):
        trace.open(path)


def test_a_strangers_stages_are_refused(tmp_path):
    _, _, path = convert(tmp_path, many_calls(10))
    records = list(spool.read(path))
    at = next(i for i, record in enumerate(records) if isinstance(record, spool.Stages))
    for row in ((0, 0, 999, 1), (1 << 63, 0, 0, 1), (0, 1 << 63, 0, 1)):
        damaged = [*records[:at], spool.Stages([row]), *records[at + 1 :]]
        built = history.build(damaged)
        assert built.packed.sums.stages == []
        assert any("stages" in note for note in built.notes)
