"""Waiting for an observer that goes on reading when the target has ended."""

import os
import signal
import subprocess
import sys
import threading
import time
import types

import pytest
import launching
from idle import Idle

from start import watch

SECONDS = 2  # that the observer takes
READS = "import time\nfor i in range(%d * 20): print(i, flush=True); time.sleep(0.05)"


@pytest.fixture
def wait(tmp_path, monkeypatch):
    """Gives wait(signal, times): a Watch run to its end; signals come when its target has ended,
    each once the one before has been fetched."""
    monkeypatch.setattr(watch, "GRACE", 0.3)
    monkeypatch.setattr(watch, "FINISH", launching.LIMIT_S)
    monkeypatch.setattr(watch, "TICK", 0.05)
    signals = watch.waited(set())
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def run(number, times, seconds):
        began, left = time.monotonic(), [number] * times
        target = os.posix_spawn("/bin/true", ["true"], {})
        os.waitid(os.P_PID, target, os.WEXITED | os.WNOWAIT)
        with open(tmp_path / "spool", "wb") as spool:
            process = subprocess.Popen([sys.executable, "-c", READS % seconds], stdout=spool)
        size = lambda: os.path.getsize(tmp_path / "spool")  # noqa: E731

        def tick():
            if left and number not in signal.sigpending():
                # To this thread, which blocks it: others of who runs the tests would die of it.
                signal.pthread_kill(threading.get_ident(), left.pop())

        watched = watch.Watch(target, Idle(process, None, None), signals, done=size, tick=tick)
        watched.run()
        return watched, time.monotonic() - began

    yield run
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


WORDS = {
    signal.SIGINT: "interrupted before all that was recorded had been read",
    signal.SIGTERM: "stopped by SIGTERM before all that was recorded had been read",
}


@pytest.mark.parametrize("number", WORDS)
def test_who_asks_twice_need_not_wait(wait, number):
    watched, _ = wait(number, 2, launching.LIMIT_S)
    assert watched.hurried and watched.status == 0 and watched.observer_status == -signal.SIGKILL
    assert watched.reason == WORDS[number]


@pytest.mark.parametrize("number, times", [(None, 0), (signal.SIGINT, 1), (signal.SIGTERM, 1)])
def test_else_it_is_waited_for(wait, number, times):
    """The first signal may be the one that has ended the target: the terminal sends it to both."""
    watched, seconds = wait(number, times, SECONDS)
    assert not watched.hurried and watched.observer_status == 0
    assert seconds >= SECONDS


@pytest.mark.parametrize("code, wanted", [(0x80, signal.SIGINT), (0, None)])
def test_ctrl_c_during_a_tick_is_what_ended_both(monkeypatch, code, wanted):
    """The terminal's (SI_KERNEL), not another process's, which was for brkpoint alone."""
    pending = []
    last = lambda signals, seconds: pending.pop() if pending else None  # noqa: E731
    monkeypatch.setattr(signal, "sigtimedwait", last)
    waiting, go = os.pipe()  # both wait until its end is closed
    words, actions = ["sh", "-c", "read x; kill -INT $$"], [(os.POSIX_SPAWN_DUP2, waiting, 0)]
    target = os.posix_spawn("/bin/sh", words, {}, file_actions=actions)
    process = subprocess.Popen(["/bin/cat"], stdin=waiting, stdout=subprocess.DEVNULL)
    os.close(waiting)
    ticks = []

    def tick():
        ticks.append(None)
        if len(ticks) == 1:
            os.close(go)
            os.waitid(os.P_PID, target, os.WEXITED | os.WNOWAIT)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            pending.append(types.SimpleNamespace(si_signo=signal.SIGINT, si_code=code))

    watched = watch.Watch(target, Idle(process, None, None), set(), tick=tick)
    watched.run()
    assert (watched.status, watched.observer_status) == (signal.SIGINT, 0)
    assert watched.interrupted == wanted


def test_the_first_tick_comes_before_the_first_wait(monkeypatch):
    """What making the trace needs is read in while the program runs."""
    done = []
    monkeypatch.setattr(signal, "sigtimedwait", lambda signals, seconds: done.append("wait"))
    target = os.posix_spawn("/bin/true", ["true"], {})
    process = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    os.waitid(os.P_PID, target, os.WEXITED | os.WNOWAIT)
    tick = lambda: done.append("tick")  # noqa: E731
    watch.Watch(target, Idle(process, None, None), set(), tick=tick).run()
    assert done == ["tick", "wait"]
