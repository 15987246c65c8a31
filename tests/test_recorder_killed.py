"""Killed at random moments, whoever of them: nobody of ours is left (killing.py).

BRKPOINT_MOMENTS=300 looks longer."""

import os
import subprocess
import sys

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)

KILLING = os.path.join(recorder_runs.TOP, "tests", "killing.py")
MOMENTS = os.environ.get("BRKPOINT_MOMENTS", "30")


def test_nobody_of_ours_is_left():
    done = subprocess.run([sys.executable, KILLING, MOMENTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_whoever_is_left_is_found():
    """An orphan whose parent was killed: the harness adopts it, tells of it and ends it."""
    code = """
import sys
sys.path.insert(0, %r)
import killing
killing.adopt()
run = killing.subprocess.Popen(["/bin/sh", "-c", "sleep 97 & read nothing; wait"], stdin=-1)
found = killing.launching.descendant(run.pid, "sleep")
killing.strike(run, "brkpoint")
print([(found, "sleep")] == killing.left_over(0.3))
print(killing.left_over(killing.PATIENCE_S))
"""
    words = [sys.executable, "-c", code % os.path.dirname(KILLING)]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert out == "True\n[]\n"
