"""Stacks that are always new: what they cost is in proportion to the events, memory has a bound, no
frame is lost below it, and what is cut beyond it is said."""

import re
import resource
import subprocess

import pytest
import recorder_runs
from alloctrace import words
from alloctrace.spool import spool
from made_records import Made, write_spool
from recorder_runs import NOT_BUILT, probe
from test_history_c import TOOL, tool  # noqa: F401

EVENTS = re.compile(r"([\d.]+) ns of CPU an event")
TOO_MANY = next(cut for cut, why in words.CUTS.items() if why and "too many" in why)


def synthetic(folder, count, ways=250):
    """(ns of CPU an event, records) of made-up events whose stacks are all new."""
    path = str(folder / "ways.spool")
    words_ = [TOOL, "--synthetic", str(count), "--ways", str(ways), path]
    done = subprocess.run(
        words_, capture_output=True, text=True, timeout=300, check=True, preexec_fn=in_little_memory
    )
    return float(EVENTS.search(done.stderr).group(1)), list(spool.read(path))


def in_little_memory():
    resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))


def rows(records, kind):
    return [row for record in records if isinstance(record, kind) for row in record.rows]


@pytest.mark.usefixtures("tool")
def test_an_event_costs_the_same_after_many(tmp_path):
    few, _ = synthetic(tmp_path, 3000)
    many, _ = synthetic(tmp_path, 24000)
    assert many < 4 * few


def cpu_of_regions(folder, names, begun=40000):
    """Seconds for so many regions begun and ended, of that many names."""
    plain, made = str(folder / "plain"), Made()
    for index in range(begun):
        made.info("region_begin", tid=made.tid, value=0x5000 + index % names, t_ns=made.tick())
        made.info("region_end", tid=made.tid, t_ns=made.tick())
    write_spool(plain, made.records)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([TOOL, plain, str(folder / "made")], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime


@pytest.mark.usefixtures("tool")
def test_a_region_costs_the_same_among_many(tmp_path):
    few, many = (cpu_of_regions(tmp_path, names) for names in (7, 20000))
    assert many < 4 * few + 0.1


@pytest.mark.usefixtures("tool")
def test_memory_has_a_bound_and_what_it_costs_is_said(tmp_path):
    _, records = synthetic(tmp_path, 100000)
    nodes, room = rows(records, spool.Nodes), (1 << 18) + 4 * 100000
    assert room < len(nodes) < 5 * room // 4 + 5000  # and what has two frames
    assert any(node[1] == -TOO_MANY for node in nodes)
    counted = sum(row[1] for row in {row[0]: row for row in rows(records, spool.Sums)}.values())
    assert counted == 100000


@pytest.mark.usefixtures("tool")
def test_below_the_bound_nothing_is_cut(tmp_path):
    _, records = synthetic(tmp_path, 1000, ways=200)
    assert min(node[1] for node in rows(records, spool.Nodes)) == 0


@pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
def test_no_frame_of_a_program_is_lost(tmp_path):
    """Several times as many frames as an agent remembers: it numbers them anew again and again."""
    run = recorder_runs.recorded(tmp_path, [probe("ways.c"), "600"])
    calls, depth = map(int, run.out.split())
    stacks = {}
    for event in run.history.events:
        if event.phase == "main" and event.name in ("malloc", "free"):
            stacks.setdefault(event.name, []).append(run.history.stacks[event.stack])
    assert calls == len(stacks["malloc"]) == len(stacks["free"]) == 600
    assert {stack.cut for each in stacks.values() for stack in each} == {0}
    outside = {len(each[0].frames) for each in stacks.values()}
    assert len(outside) == 1
    frames = sum(len(stack.frames) for stack in stacks["malloc"])
    fixed = (frames - depth) / calls
    assert fixed == int(fixed) > 3  # main's callers, main, down itself and malloc
    assert run.complete and not any("never written" in note for note in run.history.notes)
