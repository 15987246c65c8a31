"""brkpoint is ended while it makes the trace: no process and no file is left but the spool."""

import os
import signal
import subprocess

import pytest

import launching

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)


def is_naming(pid):
    """Whether `pid` is the gdb that reads debug information."""
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return b"symbolise.py" in file.read()
    except OSError:
        return False


@pytest.fixture
def making(tmp_path, cold):
    """A run that has seen its target's end and asks gdb for names: (started, marker, gdb). gdb has
    been stopped over it, and cannot end by itself."""
    (tmp_path / "tmp").mkdir()
    marker = b"BRKPOINT_TEST_MARK=%d" % os.getpid()
    environment = launching.current_environment()
    environment += [marker, b"TMPDIR=" + bytes(tmp_path / "tmp")]
    words = launching.watched(b"/usr/bin/python3", b"-c", b"pass", trace=tmp_path / "t.brkpoint")
    started = launching.start(words, environment)
    below = launching.wait_for(lambda: [*filter(is_naming, launching.descendants(started[0]))])
    os.kill(below[0], signal.SIGSTOP)
    return started, marker, below[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_told_to_end_it_leaves_the_spool_alone(making, tmp_path, number):
    started, marker, _ = making
    os.kill(started[0], number)
    done = launching.finish(started)
    assert done.status == 125
    assert b"interrupted" in done.err and b"exited with status 0" in done.err
    assert sorted(os.listdir(tmp_path)) == ["t.brkspool", "tmp"]
    assert os.listdir(tmp_path / "tmp") == []
    assert launching.gone(launching.marked(marker))


def test_killed_it_leaves_no_process_and_a_spool(making, tmp_path):
    started, marker, _ = making
    try:
        os.kill(started[0], signal.SIGKILL)
        assert launching.finish(started).status == -signal.SIGKILL
        assert launching.gone(launching.marked(marker))
    finally:
        for pid in launching.marked(marker):
            os.kill(pid, signal.SIGKILL)
    spool = str(tmp_path / "t.brkspool")
    subprocess.run([launching.BRKPOINT, "recover", spool], check=True, capture_output=True)
    assert launching.report(tmp_path)["totals"]


def test_left_alone_it_ends_with_a_trace(making, tmp_path):
    started, marker, gdb = making
    os.kill(gdb, signal.SIGCONT)
    assert launching.finish(started).status == 0
    assert sorted(os.listdir(tmp_path)) == ["t.brkpoint", "tmp"]
    assert os.listdir(tmp_path / "tmp") == [] and launching.marked(marker) == []
