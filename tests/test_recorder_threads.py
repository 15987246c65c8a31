"""Thousands of threads at once: each of their calls is seen, at a cost that grows with their number
and no faster; those that wait for the recorder sleep."""

import json
import os
import signal
import subprocess
import sys
import time

import launching
import pytest
import recorder_runs
import verbs
from alloctrace.trace import trace
from recorder_runs import NOT_BUILT, both, counted, probe

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)

CHILD = os.path.join(recorder_runs.TOP, "bench", "recorder_child.py")
OPTIONS = (b"--engine", b"recorder")


def cost(folder, at_once):
    """Seconds of CPU of target and recorder together, of so many threads at once; MiB of Python.

    The recorder's grow with what of the shared memory is full when its turn comes.
    """
    words = [os.fsencode(word) for word in (probe("crowd.c"), "1", str(at_once))]
    command = launching.watched(*words, options=(b"--force", *OPTIONS), trace=folder / "t.brkpoint")
    result = folder / "cost.json"
    child = [sys.executable, CHILD, result, *command[1:]]
    subprocess.run(child, check=True, timeout=launching.LIMIT_S, stdout=subprocess.DEVNULL)
    costs = json.loads(result.read_text())
    cpu = costs["recorder"]["cpu"] + costs["target"]["cpu"]
    return cpu, costs["python"]["mib"]


def test_thousands_at_once(tmp_path):
    few, many = [], []
    for _ in range(3):  # what else the machine does makes one dearer, and none cheaper
        few.append(cost(tmp_path, 1000)[0])
        cpu, mib = cost(tmp_path, 4000)
        many.append(cpu)
        if min(many) <= 4 * 1.6 * min(few):
            break
    assert min(many) <= 4 * 1.6 * min(few), (many, few)
    assert mib < 300
    report = launching.report(tmp_path)
    assert report["complete"] and report["events_lost"] == 0
    query = "select count(*) from events where name = 'malloc' and size = %d"
    for size, count in ((1013, 4000), (1019, 28000)):
        assert str(count) in verbs.said("sql", tmp_path / "t.brkpoint", query % size)


CHUNK_EVENTS = (16384 - 32) // 32  # recorder/shared.h


def test_who_waits_for_space_is_woken_for_many_chunks(tmp_path):
    """Once for each of them would be twice the program's CPU."""
    program = str(tmp_path / "micro")
    source = os.path.join(recorder_runs.TOP, "bench", "recorder_micro.c")
    flags = ["-O2", "-fno-builtin", "-fno-optimize-sibling-calls", "-pthread"]
    subprocess.run(["gcc", *flags, "-o", program, source], check=True)
    path = recorder_runs.traced(tmp_path, "recorder", program, "20000", "7", "64")
    with trace.open(path) as opened:
        waits, complete = opened.run["cost"]["waits"], opened.run["complete"]
    assert waits < 64 * 40000 / CHUNK_EVENTS / 2 and complete


@pytest.mark.parametrize("stops", [True, False])
def test_who_waits_for_the_recorder_sleeps(tmp_path, stops):
    """It is stopped, and all threads that begin want an answer of it. Else they use the time."""
    words = (os.fsencode(probe("crowd.c")), b"1000000", b"1")
    command = launching.watched(*words, options=OPTIONS, trace=tmp_path / "t.brkpoint")
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def child(name):
        below = launching.descendants(run.pid)
        return next((pid for pid in below if launching.name_of(pid) == name), None)

    target = launching.wait_for(lambda: child("crowd"))
    launching.wait_for(lambda: launching.cpu_of(target) > 0.1)
    recorder = child("brkpoint-record")

    def sleeps():
        before = launching.cpu_of(target)
        time.sleep(1)
        return launching.cpu_of(target) - before < 0.05

    try:
        if stops:
            launching.stop(recorder)
            launching.wait_for(sleeps)
        else:
            before = launching.cpu_of(target)
            launching.wait_for(lambda: launching.cpu_of(target) > before + 0.05)
    finally:
        os.kill(recorder, signal.SIGCONT)
        run.kill()
        run.wait()


def test_threads_with_one_pointer(tmp_path):
    """As under valgrind: each is told apart by its number, and none waits for another's answer."""
    for turn in range(5):
        (tmp_path / str(turn)).mkdir()
        past = both(tmp_path / str(turn), [probe("one_pointer.c")]).history
        found = counted(past, [1009 << 12], kind="syscall")
        assert found == {(name, 1009 << 12): 5 * 211 for name in ("mmap", "munmap")}
        numbers = {event.tid for event in past.events if event.size == 1009 << 12}
        assert len(numbers) == 5 and past.run["pid"] not in numbers
