"""A damaged spool is a SpoolError or a history with notes: no crash, bounded time and memory."""

import json
import random
import time
import tracemalloc

import pytest

from alloctrace.history import history
from alloctrace.spool import spool
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
import made_traces
from made_records import STARTED, write_spool
from mutations import CASES as FEW, mutate

CASES = FEW * 200


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("spool") / "whole"
    write_spool(path, made_traces.made_records())
    return path.read_bytes()


def read(path, data):
    path.write_bytes(data)
    return history.build(spool.read(path))


def test_an_undamaged_spool_says_what_was_written(tmp_path, whole):
    built = read(tmp_path / "s", whole)
    assert built == made_traces.made_history() and not built.cut_off


def test_only_spool_errors_come_out_of_damage(tmp_path, whole):
    source, errors = random.Random(20220102), 0
    for _ in range(CASES):
        try:
            read(tmp_path / "s", mutate(source, whole))
        except spool.SpoolError as error:
            errors += 1
            assert "\n" not in str(error) and str(error)
    assert CASES // 20 < errors < CASES


def test_whatever_history_comes_out_can_be_written(tmp_path, whole):
    source, written = random.Random(7), 0
    for _ in range(CASES // 20):
        try:
            built = read(tmp_path / "s", mutate(source, whole))
        except spool.SpoolError:
            continue
        trace.write(tmp_path / "t", built, {}, {}, force=True)
        with trace.open(tmp_path / "t") as opened:
            assert len(list(opened.events())) == len(built.events)
        written += 1
    assert written > 10


def test_every_cut_keeps_what_came_before(tmp_path, whole):
    counts = []
    for size in range(16, len(whole), 5):
        built = read(tmp_path / "s", whole[:size])
        assert built.cut_off == any("inside a record" in note for note in built.notes)
        counts.append(len(built.events))
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] > 8


def test_what_is_no_spool_is_said(tmp_path):
    for data, word in (
        (b"", "not a brkpoint spool"),
        (b"x" * 40, "not a brkpoint spool"),
        (spool.MAGIC + b"\x09\0\0\0\0\0\0\0", "version 9"),
        (spool.MAGIC + b"\x01\0\0\0\0\0\0\0" + b"\xff" * 8, "damaged at byte 16"),
    ):
        with pytest.raises(spool.SpoolError, match=word):
            read(tmp_path / "s", data)


def hostile_records():
    """Wild threads, leaves without enters, unknown hooks, deep stacks that everything names."""
    yield spool.Info({"type": "run", "pid": 2**64 - 1, "started_ns": STARTED})
    yield spool.Info({"type": "hook", "id": 1, "name": "malloc"})
    yield spool.Stack(1, 0, tuple((i, i * 8) for i in range(20000)))
    for index in range(20000):
        tid = index * 7919 % 4096
        yield spool.Enter(index, tid, index % 3, 2**64 - 1 - index * 16, 2**64 - 1, 0, 0, 1)
        yield spool.Leave(index, tid + 1, 1, index, 2**64 - 1)
        yield spool.SysEnter(index, tid, 12, index, (2**64 - 1,) * 6, 1, b"\xff" * 50)
        yield spool.SysLeave(index, tid, 12, index - 10000)


def test_a_hostile_spool_costs_little(tmp_path):
    tracemalloc.start()
    begin = time.process_time()
    built = history.build(hostile_records())
    seconds, (_, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(built.events) > 20000 and seconds < 60 and peak < 200 << 20
    trace.write(tmp_path / "t", built, {}, {})
    with trace.open(tmp_path / "t") as opened:
        assert sum(1 for _ in opened.events()) == len(built.events)


@pytest.mark.parametrize(
    "text",
    ['{"type":' + "[" * 100000, '{"type":"note","text":' + "9" * 1000000 + "}", "[]", '{"type":7}'],
)
def test_json_that_is_a_bomb_is_an_error(tmp_path, text):
    with open(tmp_path / "s", "wb") as file:
        spool.Writer(file)._put(spool.JSON, text.encode())
    begin = time.process_time()
    with pytest.raises(spool.SpoolError):
        history.build(spool.read(tmp_path / "s"))
    assert time.process_time() - begin < 5


def test_a_plain_note_is_none(tmp_path):
    with open(tmp_path / "s", "wb") as file:
        spool.Writer(file)._put(spool.JSON, json.dumps({"type": "note", "text": "9"}).encode())
    assert history.build(spool.read(tmp_path / "s")).notes == ["9"]


def test_absurd_information_still_makes_a_readable_trace(tmp_path):
    for absurd in (None, 1.5, "x" * 100000, [[]], {"a": {}}, True, 2**64, -(2**63), "\udcff"):
        records = [
            spool.Info({"type": type_, "extra": absurd, **dict.fromkeys(keys, absurd)})
            for type_, keys in (
                ("run", ("pid", "engine", "gdb", "started_ns")),
                ("image", ("index", "path", "t_ns")),
                ("end", ("kind", "status", "t_ns", "rss_bytes")),
                ("cost", ("stops", "engine_ns")),
                ("main", ("address", "how")),
                ("fork", ("what", "child")),
            )
        ]
        trace.write(tmp_path / "t", history.build(records), {}, {}, force=True)
        with trace.open(tmp_path / "t") as opened:
            summarise(opened)
            assert isinstance(opened.run["engine"], str)
            assert opened.run["complete"] is False and opened.run["incomplete_because"]
