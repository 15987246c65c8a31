"""Remembered stacks are those that a full unwinding finds, at every event of many programs. `make
recorder-check-stacks` does the same for ten million."""

import fcntl
import os
import shutil
import subprocess

import pytest
import recorder_checked
import recorder_runs
from recorder_runs import NOT_BUILT, probe

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
