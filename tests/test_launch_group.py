"""Signals that the program sends to its whole process group, brkpoint in it, or to its parent."""

import signal
import subprocess

import pytest
from recorder_runs import ENGINES
from target_programs import LIMIT_S, ROOT

TO_ITS_GROUP = "trap 'echo got' %d; kill -%d 0; sleep 0.3; echo survived; exit 4"
TO_ITS_PARENT = "trap 'echo got' USR1; kill -USR1 $PPID; sleep 0.3; echo survived; exit 4"
WAITS = "trap 'echo got; exit 4' PROF; echo ready; while :; do sleep 0.1; done"


def started(folder, engine, script):
    """brkpoint in a group of its own, at the program."""
    options = ["--quiet", "--engine", engine, "-o", str(folder / "t.brkpoint")]
    words = [ROOT + "/brkpoint", "run", *options, "--", "/bin/sh", "-c", script]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def ended(process):
    out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGPROF, signal.SIGRTMIN])
def test_it_comes_once_and_ends_nothing(tmp_path, engine, number):
    """Neither is it taken for a wish to end the run, nor does it end brkpoint."""
    found = ended(started(tmp_path, engine, TO_ITS_GROUP % (number, number)))
    assert found == (4, "got\nsurvived\n", "")


def test_what_is_for_its_parent_is_not_for_itself(tmp_path):
    assert ended(started(tmp_path, ENGINES[-1], TO_ITS_PARENT)) == (4, "survived\n", "")


def test_a_child_of_it_signals_the_group(tmp_path):
    script = "trap 'echo got' USR1; (trap '' USR1; kill -USR1 0; exec sleep 0.3); exit 4"
    assert ended(started(tmp_path, ENGINES[-1], script)) == (4, "got\n", "")


def test_twin_what_another_process_sends_to_brkpoint_alone(tmp_path):
    process = started(tmp_path, ENGINES[-1], WAITS)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGPROF)
    assert ended(process) == (4, "got\n", "")
