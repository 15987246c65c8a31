"""Events by number and bytes, and what is left between two moments, are found in columns: the same
that all events give, and no Event is made of another one."""

import glob
import os
import random

import pytest

from alloctrace import measure
from alloctrace.columns import columns, events as trace_events
from alloctrace.columns.check import TraceError
from alloctrace.columns.schema import PRESENT
from alloctrace.compare import left, left_of_trace
from alloctrace.history import history
from alloctrace.purpose import classify
from alloctrace.trace import trace
from alloctrace.trace.where import Where
import made_chaos
import made_traces
from target_programs import ROOT

STORED = sorted(glob.glob(os.path.join(ROOT, "tests/data/traces/*.brkpoint")))

NUMBERS = [None, -9, -4, 0, 1, 41, 43, 51, 52, 100, 8192, 2**63, 2**65]


@pytest.fixture(params=[1, 4, 7, columns.CHUNK])
def path(request, tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "CHUNK", request.param)
    return made_traces.write(tmp_path / "t", monkeypatch, {})


@pytest.fixture
def made(monkeypatch):
    """The numbers of the events that were made."""
    seqs = []
    one = trace_events.Events.one
    monkeypatch.setattr(
        trace_events.Events, "one", lambda *words: seqs.append(words[1]) or one(*words)
    )
    return seqs


def is_wanted(event, seqs, least, most):
    if seqs is not None and not any(begin <= event.seq <= end for begin, end in seqs):
        return False
    if least is None and most is None:
        return True
    size = measure.bytes_asked(event)
    return (
        event.size is not None
        and (least is None or size >= least)
        and (most is None or size <= most)
    )


def compare(opened, made, seed, count=300):
    chance, found = random.Random(seed), 0
    of_all = list(opened.events())
    for _ in range(count):
        pairs = [(chance.randrange(-2, 14), chance.randrange(-2, 14)) for _ in range(3)]
        seqs = chance.choice([None, [], pairs[:1], pairs])
        asked = (seqs, chance.choice(NUMBERS), chance.choice(NUMBERS))
        phase = chance.choice([None, "load", "main", "exit"])
        wanted = [e for e in of_all if is_wanted(e, *asked) and phase in (None, e.phase)]
        made.clear()
        by_group = None if phase is None else lambda group, phase=phase: group.phase == phase
        assert list(opened.events(by_group, Where(*asked))) == wanted, (asked, phase)
        assert made == [event.seq for event in wanted]
        found += 0 < len(wanted) < len(of_all)
    assert found > count / 10


def test_as_all_events_give(path, made):
    with trace.open(path) as opened:
        compare(opened, made, 1)


def test_also_what_became_known_late(path, made):
    changed = made_traces.changed(path, "INSERT INTO late VALUES (6, 'size', 8192)")
    with trace.open(changed) as opened:
        assert {e.seq for e in opened.events(where=Where(None, 8192))} >= {6}
        compare(opened, made, 2)


def test_twin_groups_are_counted_unless_numbers_leave_out_chunks(path):
    """A group that says another count than the chunks have: damage, which sizes do not hide."""
    statements = (
        "UPDATE groups SET count = count + 1 WHERE id = 1",
        "UPDATE groups SET count = count - 1 WHERE id = (SELECT max(id) FROM groups)",
    )
    with trace.open(made_traces.changed(path, *statements)) as opened:
        with pytest.raises(TraceError, match="damaged: group"):
            list(opened.events(where=Where(None, 2**66)))
        assert [event.seq for event in opened.events(where=Where([(3, 3)]))] == [3]


MARKS = ["load", "init", "main", "exit", "end", "0", "3", "41", "100", "9999", "170ns", "0.5us"]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_left_is_the_same(seed, tmp_path, monkeypatch):
    """Of everything at once, execs too: by columns, and of all events one after the other; of one
    process, and of three that have blocks of the same numbers."""
    monkeypatch.setattr(columns, "CHUNK", 5 + seed)
    monkeypatch.setattr(classify, "classify", made_traces.classify)
    built = history.build(made_chaos.records(seed))
    trace.write(tmp_path / "t", built, {}, {})
    several = "UPDATE groups SET pid = pid + id % 3", "UPDATE groups SET image = 0 WHERE id % 3"
    anything = list(with_anything(tmp_path / "t", seed))
    for statements in ((), anything, several):
        with trace.open(made_traces.changed(tmp_path / "t", *statements)) as opened:
            assert compare_left(opened, seed) > 0 or seed not in (0, 1, 2)


def with_anything(path, seed):
    """Statements: a block that is not present may hold anything (docs/trace-format.md)."""
    chance = random.Random(seed)
    with trace.open(path) as opened:
        for index, _, count in opened.chunks():
            found = trace_events.by_name(opened.stored_columns(index))
            presents, blocks = trace_events.unpack(found, count, ("present", "block"))
            most = max(blocks)
            made = [
                block if present & PRESENT["block"] else chance.randint(0, most)
                for present, block in zip(presents, blocks)
            ]
            packed = columns.encode(made, found["block"][1])
            text = "UPDATE columns SET width=?, base=?, period=?, data=? WHERE chunk=? AND name=?"
            yield text, (*packed, index, "block")


@pytest.mark.parametrize("path", STORED)
def test_what_is_left_of_stored_traces(path):
    with trace.open(path) as opened:
        compare_left(opened, 1, 20)


def compare_left(opened, seed, count=40):
    chance, most = random.Random(seed), 0
    for _ in range(count):
        marks = chance.choice(MARKS), chance.choice(MARKS)
        wanted = left.between(opened.events(), *marks, lambda event: None)
        assert left_of_trace.between(opened, *marks, lambda event: None) == wanted, marks
        most = max(most, wanted["blocks"])
    return most
