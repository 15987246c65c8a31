"""How long an observer is waited for once the target has ended: as long as it gets on."""

import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from idle import Idle
from made_records import Made, write_spool
from recorder_runs import BUILT, NOT_BUILT, TOP
from start import watch
from test_history_c import TOOL, tool  # noqa: F401

# READY is its pipe; FD in its words.
TELLS = "import os, time\nfor _ in range(30):\n    os.write(FD, b'W')\n    time.sleep(0.05)\n"
SLEEPS = "import time\ntime.sleep(60)\n"
SPINS = "while True:\n    pass\n"
TOLD_ONCE = "import os\nos.write(FD, b'W')\n" + SPINS
PROGRAM = """
#include <stdlib.h>
int main(void)
{
    for (int i = 0; i < 1000003; i++)
        if (malloc(24) == NULL)
            return 1;
    _Exit(0);
}
"""
RUN = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from start import launch, recorder, watch
works = recorder.Recorder.works
def told(self):
    os.kill(self.process.pid, signal.SIGSTOP)  # the target has ended
    return works(self)
recorder.Recorder.works = told
watch.FINISH = 2
argv = [os.fsencode(sys.argv[3])]
outcome = launch.run(argv, sys.argv[2], launch.Options(recorder=True))
print(outcome.complete, outcome.reason)
"""


def waited(code, monkeypatch, has_clock=False):
    """A Watch of a target that has ended, after its run, with an observer that does `code`;
    `has_clock`: each of its words takes a second."""
    monkeypatch.setattr(watch, "FINISH", 2)
    ready, write = os.pipe()
    words = [sys.executable, "-c", code.replace("FD", str(write))]
    signals = watch.waited(set())
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        process = subprocess.Popen(words, pass_fds=[write])
        target = os.posix_spawn("/bin/true", ["true"], {})
        observer = Idle(process, ready, os.memfd_create("log"))
        if has_clock:
            monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=observer.works))
        made = watch.Watch(target, observer, signals, done=observer.works)
        made.run()
        return made
    finally:
        observer.close()
        os.close(write)
        while signal.sigtimedwait(signals, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_one_that_says_that_it_gets_on_is_waited_for(monkeypatch):
    made = waited(TELLS, monkeypatch, has_clock=True)
    assert not made.hurried and made.reason is None and made.observer_status == 0


@pytest.mark.parametrize("code", [SLEEPS, SPINS, TOLD_ONCE])
def test_one_that_is_stuck_is_not(code, monkeypatch):
    made = waited(code, monkeypatch)
    assert made.hurried and made.observer_status == -signal.SIGKILL
    assert "did not finish and was killed" in made.reason


def recorded(tmp_path):
    program = tmp_path / "live"
    flags = ["gcc", "-O1", "-fno-builtin", "-x", "c", "-", "-o", program]
    subprocess.run(flags, input=PROGRAM, text=True, check=True)
    words = [sys.executable, "-c", RUN, TOP, tmp_path / "spool", program]
    return subprocess.run(words, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(not BUILT, reason=NOT_BUILT)
def test_a_recorder_that_is_stuck_then_is_ended(tmp_path):
    done = recorded(tmp_path)
    said = done.stdout, done.stderr
    assert done.stdout.startswith("False the recorder did not finish and was killed"), said


def test_the_history_says_so_while_it_gathers_live_blocks(tmp_path, tool):  # noqa: F811
    """A million of them are looked at and sorted before one is written; of few there is nothing to
    be said."""
    for live, least, most in ((1000000, 8, 1000), (1000, 0, 1)):
        words = ["--synthetic", "1000003", "--live", str(live), "--work", "1", tmp_path / "spool"]
        done = subprocess.run([TOOL, *words], capture_output=True, text=True, check=True)
        said = re.search(r"^said (\d+) times that there is work", done.stderr, re.M)
        assert least <= int(said.group(1)) <= most, done.stderr


@pytest.mark.parametrize("events", [0, 1])
def test_it_says_so_of_what_it_finds_and_not_of_looking(tmp_path, tool, events):  # noqa: F811
    """A loop that goes on and finds nothing more is stuck, though it looks for ever."""
    made = Made()
    if events:
        made.call("malloc", 16, result=0x5000)
    for index in range(50):
        made.stack((0x401000 + index, 0x7FFE00000000))
    write_spool(str(tmp_path / "plain"), made.records)
    words = ["--flush", "1", "--work", "1", tmp_path / "plain", tmp_path / "made"]
    done = subprocess.run([TOOL, *words], capture_output=True, text=True, check=True)
    said = re.search(r"^said (\d+) times that there is work", done.stderr, re.M)
    assert int(said[1]) == events, done.stderr
