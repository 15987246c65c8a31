"""Remembered stacks are those that a full unwinding finds, at every event of many programs. `make
recorder-check-stacks` does the same for ten million."""

import fcntl
import os
import shutil
import subprocess

import pytest
import recorder_checked
import recorder_runs
from alloctrace.trace import trace
from recorder_runs import NOT_BUILT, TOP, probe, traced

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


@pytest.fixture(scope="module", autouse=True)
def built():
    with open(os.path.join(recorder_runs.OUT + "-checked.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "recorder-checked"], cwd=recorder_checked.TOP, check=True)


@pytest.mark.parametrize("name", recorder_checked.PROGRAMS)
def test_programs(name):
    words = recorder_checked.PROGRAMS[name]
    if not shutil.which(words[0]):
        pytest.skip("no " + words[0])
    count, wrong = recorder_checked.compared(words)
    assert count > 1000 and wrong == 0


PROBES = [
    ("storm.c", []),
    ("storm.c", ["jump"]),
    ("coroutines.c", []),
    ("crowd.c", ["101", "53"]),
    ("unwound.cc", []),
    ("passing.cc", ["profile"]),
    ("interrupted.c", ["jump"]),
    ("switching.c", ["up", "101"]),
    ("switching.c", ["same", "101"]),
]


@pytest.mark.parametrize("source, words", PROBES, ids=["-".join([s, *w]) for s, w in PROBES])
def test_stacks_that_change_under_it(source, words):
    count, wrong = recorder_checked.compared([probe(source), *words])
    assert count > 100 and wrong == 0


def test_twin_a_stack_that_is_another_one_is_noticed():
    count, wrong = recorder_checked.compared(recorder_checked.PROGRAMS["perl"], way=2)
    assert count == wrong > 1000


def test_a_place_that_is_come_to_in_thousands_of_ways(tmp_path):
    """More chains than a bucket holds: each stack tells the way that the program went."""
    pairs, ways, nodes = 20030, 2003, ["add", "multiply", "call", "index"]
    program = str(tmp_path / "many_stacks")
    source = os.path.join(TOP, "bench", "many_stacks.c")
    flags = ["-O1", "-fno-builtin", "-fno-optimize-sibling-calls"]
    subprocess.run(["gcc", *flags, "-o", program, source], check=True)
    path = traced(tmp_path, "recorder", program, str(pairs), str(ways))
    with trace.open(path) as opened:
        gone = []
        for event in opened.events():
            names = [frame.function for frame in opened.stack(event.stack)]
            if event.name == "malloc" and "leaf" in names:
                digits = [nodes.index(name) for name in reversed(names) if name in nodes]
                gone.append(sum(digit << 2 * at for at, digit in enumerate(reversed(digits))))
    assert gone == [at // 5 * 7919 % ways for at in range(pairs)]
