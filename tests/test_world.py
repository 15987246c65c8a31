"""The world that tests find: signals as a login has them, and a limit of time."""

import os
import signal
import subprocess
import sys
import time

import launching
import pytest
import world

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IGNORED = "trap '' INT QUIT HUP TERM; exec \"$@\""


LIBC_S = 1 << 31 | 1 << 32  # SIGCANCEL and SIGSETXID: glibc lets no program set them (nptl)


def signals_of(words):
    """(ignored, blocked) signals of a program, as bits."""
    done = subprocess.run([*words, "cat", "/proc/self/status"], stdout=subprocess.PIPE, text=True)
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines())
    return tuple(int(lines[name], 16) & ~LIBC_S for name in ("SigIgn", "SigBlk"))


def test_programs_start_with_no_signal_ignored_or_blocked():
    assert signals_of([]) == (0, 0)


def test_a_shell_may_ignore_some_for_its_programs():
    assert signals_of(["sh", "-c", IGNORED, "sh"])[0] & 1 << (signal.SIGINT - 1)


@pytest.mark.parametrize(
    "started", [["sh", "-c", IGNORED, "sh"], ["nice", "-n", "5"]], ids=" ".join
)
def test_however_the_tests_are_started(started):
    one = "tests/test_world.py::test_programs_start_with_no_signal_ignored_or_blocked"
    words = [*started, sys.executable, "-m", "pytest", "-q", one]
    done = subprocess.run(words, cwd=TOP, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def test_what_hangs_is_ended_with_all_that_it_started(capfd):
    begun = time.monotonic()
    with pytest.raises(world.TookTooLong, match="it did not end within 0.2 s"):
        sleeper = subprocess.Popen(["sleep", "1000"])
        with world.limited("it", 0.2):
            sleeper.communicate()
    assert sleeper.wait() == -signal.SIGKILL
    assert time.monotonic() - begun < launching.LIMIT_S
    assert "most recent call first" in capfd.readouterr().err


def test_what_ends_in_time_is_let_alone():
    with world.limited("it", 30):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    with world.limited("inner", 30):
        sleeper = subprocess.Popen(["sleep", "0.01"])
    assert sleeper.wait() == 0
