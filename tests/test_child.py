"""start/child.py beside subprocess.Popen, which it stands for: the same of each."""

import os
import signal
import subprocess
import time

import pytest

from start.child import Child

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "GIVEN": "yes"}
SAID = 'echo "$GIVEN $HOME $(cat | wc -c)"; echo to stderr >&2'


def with_popen(words, log, inherited):
    nothing = subprocess.DEVNULL
    return subprocess.Popen(
        words, stdin=nothing, stdout=log, stderr=log, env=ENVIRONMENT, pass_fds=inherited,
        start_new_session=True,
    )  # fmt: skip


def with_child(words, log, inherited):
    return Child(words, ENVIRONMENT, log, inherited)


BOTH = pytest.mark.parametrize("start", [with_popen, with_child])


@pytest.fixture
def log():
    descriptor = os.memfd_create("log")
    yield descriptor
    os.close(descriptor)


def said(log):
    return os.pread(log, 4096, 0).decode().split("\n")


@BOTH
def test_streams_environment_and_session(start, log):
    child = start(["/bin/sh", "-c", SAID + "; sleep 0.2"], log, [])
    session = os.getsid(child.pid)
    assert child.wait() == child.returncode == 0
    assert said(log)[:2] == ["yes  0", "to stderr"]
    assert session == child.pid != os.getsid(0)


@BOTH
def test_descriptors(start, log):
    """Those that are named, under their numbers, and no others; here they stay our own."""
    given, other = os.memfd_create("given"), os.memfd_create("other")
    child = start(["/bin/sh", "-c", "readlink /proc/$$/fd/*"], log, [given])
    child.wait()
    text = "\n".join(said(log))
    assert "given" in text and "other" not in text
    assert not os.get_inheritable(given)
    os.close(given), os.close(other)


@BOTH
@pytest.mark.parametrize("how, status", [("exit 7", 7), ("kill -9 $$", -9)])
def test_how_it_ended(start, log, how, status):
    child = start(["/bin/sh", "-c", how], log, [])
    while child.poll() is None:
        time.sleep(0.01)
    assert child.poll() == child.wait() == child.returncode == status
    child.send_signal(signal.SIGTERM)  # to nobody


@BOTH
def test_it_is_killed(start, log):
    child = start(["/bin/sleep", "100"], log, [])
    assert child.poll() is None
    child.kill()
    assert child.wait() == -signal.SIGKILL


def test_it_is_waited_for_no_longer_than_asked(log):
    child = Child(["/bin/sleep", "100"], ENVIRONMENT, log, [])
    assert child.wait(0.05) is None
    child.kill()
    assert child.wait(300) == -signal.SIGKILL


@BOTH
def test_what_cannot_be_started_is_an_error(start, log):
    with pytest.raises(OSError):
        start(["/nonexistent/program"], log, [])
