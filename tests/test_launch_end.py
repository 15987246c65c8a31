"""However a run ends, the status is true, a trace or spool is left, and no process is."""

import os
import shutil
import signal
import subprocess
import time

import pytest

import launching
from start import launch, observer
from start.errors import EngineError
from launching import name_of, report, state_of

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)


@pytest.fixture(scope="module")
def waiter(tmp_path_factory):
    return launching.build(tmp_path_factory.mktemp("wait"), "wait", "-O1", "-pthread")


@pytest.fixture
def run(waiter, tmp_path):
    """Start a watched program, wait until it says that it is ready."""
    running = []

    def begin(*arguments, options=(), prepare=None, ready=b"ready"):
        marker = b"BRKPOINT_TEST_MARK=%d.%d" % (os.getpid(), time.monotonic_ns())
        words = launching.watched(
            waiter, *arguments, options=options, trace=tmp_path / "t.brkpoint"
        )
        environment = launching.current_environment() + [marker]
        one = Running(launching.start(words, environment, prepare), marker)
        running.append(one)
        one.expect(ready)
        return one

    yield begin
    for one in running:
        one.end()


class Running:
    def __init__(self, started, marker):
        self.started, self.pid, self.marker = started, started[0], marker
        self.done = None

    def expect(self, wanted, times=1):
        """Until the target has written it so often."""
        out = self.started[1].fileno()
        launching.wait_for(lambda: os.pread(out, 4096, 0).count(wanted) >= times)

    def gdb(self):
        return next(pid for pid in launching.descendants(self.pid) if name_of(pid) == "gdb")

    def target(self):
        return next(pid for pid in launching.descendants(self.pid) if name_of(pid) == "wait")

    def finish(self):
        self.done = launching.finish(self.started)
        return self.done

    def end(self):
        if self.done is None:
            os.kill(self.pid, signal.SIGKILL)
            self.finish()
        for pid in launching.marked(self.marker):
            os.kill(pid, signal.SIGKILL)


# ---- the target ends by itself ------------------------------------------------------------------


@pytest.mark.parametrize(
    "how, status, kind",
    [
        ("quick", 5, "exited"),
        ("abort", 134, "signalled"),
        ("segv", 139, "signalled"),
        ("trap", 133, "signalled"),
        ("fork", 6, "exited"),
    ],
)
def test_the_status_is_the_targets(run, waiter, tmp_path, how, status, kind):
    done = run(how.encode()).finish()
    assert (done.status, done.err) == (status, b"")
    summary = report(tmp_path)
    assert summary["exit"] == {"kind": kind, "status": status % 128}
    assert summary["complete"]
    assert not list(tmp_path.glob("*.brkspool"))
    plain = launching.run([waiter, how.encode()])
    assert plain.status % 256 in (status, -(status - 128) % 256)


def test_a_child_of_the_target_runs_on(run):
    started = run(b"fork", b"1000")
    assert started.finish().status == 6
    children = launching.marked(started.marker)
    assert len(children) == 1  # not waited for, not killed
    os.kill(children[0], signal.SIGTERM)
    assert launching.gone(children)


# ---- brkpoint is told to end --------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on(run, tmp_path, number):
    started = run(b"wait")
    os.kill(started.pid, number)
    assert started.finish().status == 128 + number
    assert b"stopped by %s" % number.name.encode() in started.done.err
    assert not report(tmp_path)["complete"]
    assert launching.marked(started.marker) == []


def test_interrupting_brkpoint_alone_interrupts_the_target(run):
    started = run(b"count")
    for times in (1, 2):  # two that come while one waits are one
        os.kill(started.pid, signal.SIGINT)
        started.expect(b"counted", times)
    time.sleep(0.3)  # there is no third
    os.kill(started.target(), signal.SIGTERM)
    assert started.finish().status == 2


def test_stopping_brkpoint_alone_stops_the_target(run):
    started = run(b"count")
    target = started.target()
    launching.wait_for(lambda: state_of(target) == b"S")
    os.kill(started.pid, signal.SIGTSTP)
    launching.wait_for(lambda: state_of(target) in b"tT" and state_of(started.pid) == b"T")
    os.kill(started.pid, signal.SIGCONT)
    launching.wait_for(lambda: state_of(target) == b"S")
    os.kill(started.pid, signal.SIGINT)
    started.expect(b"counted")
    os.kill(target, signal.SIGTERM)
    assert started.finish().status == 1


@pytest.mark.parametrize(
    "how, number", [("spin", 15), ("stubborn", 9), ("churn", 15), ("thread", 15)]
)
def test_timeout(run, tmp_path, how, number):
    """Nobody waits until it is ready, for the second may be over before. What is stubborn is so
    from its first instruction on."""

    def prepare():
        if how == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    started = run(how.encode(), options=[b"--timeout", b"1"], prepare=prepare, ready=b"")
    assert started.finish().status == 128 + number
    assert b"--timeout" in started.done.err
    summary = report(tmp_path)
    assert not summary["complete"] and summary["exit"]["status"] == number
    assert launching.marked(started.marker) == []


def test_no_timeout_where_there_is_time(run, tmp_path):
    done = run(b"quick", options=[b"--timeout", b"100"]).finish()
    assert (done.status, done.err) == (5, b"")
    assert report(tmp_path)["complete"]


def test_killing_brkpoint_leaves_no_process_and_a_readable_spool(run, tmp_path):
    started = run(b"churn")
    below = launching.descendants(started.pid)
    assert len(below) == 2
    os.kill(started.pid, signal.SIGKILL)
    assert started.finish().status == -signal.SIGKILL
    assert launching.gone(below)
    assert launching.marked(started.marker) == []
    (spool,) = tmp_path.glob("*.brkspool")
    words = [launching.BRKPOINT, "recover", str(spool)]
    assert b"incomplete" in subprocess.run(words, stderr=subprocess.PIPE, check=True).stderr
    assert not report(tmp_path)["complete"]


# ---- gdb goes first -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("how", [b"churn", b"wait"])
def test_killing_gdb_ends_the_target(run, tmp_path, how, number):
    started = run(how)
    os.kill(started.gdb(), number)
    done = started.finish()
    assert done.status == 125
    died = b"was killed" if number == signal.SIGKILL else b"died"
    assert b"gdb %s (%s)" % (died, number.name.encode()) in done.err
    assert launching.marked(started.marker) == []
    summary = report(tmp_path)
    assert not summary["complete"] and summary["exit"]["kind"] == "unknown"


def test_a_wrapper_of_gdb_that_is_killed_leaves_nothing(run, tmp_path, monkeypatch):
    """gdb itself is stuck below it, and keeps the dead target from being waited for."""
    wrapper = tmp_path / "gdb"
    wrapper.write_text('#!/bin/sh\n%s "$@"\nexit $?\n' % shutil.which("gdb"))
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, os.environ["PATH"]))
    started = run(b"churn")
    gdbs = [pid for pid in launching.descendants(started.pid) if name_of(pid) == "gdb"]
    assert len(gdbs) == 2
    os.kill(gdbs[1], signal.SIGSTOP)
    os.kill(gdbs[0], signal.SIGKILL)
    assert started.finish().status == 125
    assert launching.gone(gdbs) and launching.marked(started.marker) == []


def test_interrupting_gdb_disturbs_nothing(run, tmp_path):
    started = run(b"wait")
    os.kill(started.gdb(), signal.SIGINT)
    time.sleep(0.1)
    os.kill(started.target(), signal.SIGUSR1)  # it has no handler
    assert started.finish().status == 128 + signal.SIGUSR1
    assert report(tmp_path)["complete"]


def test_a_stopped_gdb_is_not_waited_for_for_ever(run, monkeypatch):
    started = run(b"wait")
    os.kill(started.gdb(), signal.SIGSTOP)
    os.kill(started.target(), signal.SIGKILL)
    done = started.finish()
    assert done.status == 125 and b"gdb did not finish" in done.err
    assert b"SIGKILL" in done.err
    assert launching.marked(started.marker) == []


ENGINE = """
import json, os  # gdb is there already
config = json.load(open(os.environ["BRKPOINT_ENGINE_CONFIG"]))
gdb.execute("attach %d" % config["pid"])
open(config["spool"], "xb").write(b"brkspool\\1" + bytes(7))
"""
READY = """
gdb.execute("catch exec")
os.write(config["ready_fd"], b"A")
gdb.execute("continue")
"""


@pytest.fixture
def with_engine(tmp_path, waiter):
    """Launch under an engine of the test's own: (Outcome, what the target wrote)."""

    def start(code, *words):
        engine = tmp_path / "engine.py"
        engine.write_text(ENGINE + code)
        options = launch.Options(engine=str(engine))
        spool = tmp_path / "s.brkspool"
        return launch.run(list(words) or [waiter, b"quick"], str(spool), options)

    start.spool = tmp_path / "s.brkspool"
    return start


def test_a_gdb_that_sees_everything(with_engine):
    outcome = with_engine(READY + "gdb.execute('continue')\ngdb.execute('quit 0')")
    assert (outcome.kind, outcome.status, outcome.failed) == ("exited", 5, False)
    assert outcome.complete


def test_a_gdb_that_leaves_lets_the_target_end_by_itself(with_engine):
    outcome = with_engine(READY + "gdb.execute('quit 3')")
    assert (outcome.kind, outcome.status) == ("exited", 5)
    assert outcome.failed and not outcome.complete


def test_a_gdb_that_never_gets_ready_runs_nothing(with_engine, tmp_path):
    mark = tmp_path / "ran"
    with pytest.raises(EngineError) as caught:
        with_engine("print('hopeless')\ngdb.execute('quit 1')", b"/usr/bin/touch", bytes(mark))
    assert "hopeless" in caught.value.log
    assert not mark.exists()
    assert not with_engine.spool.exists()  # it held nothing


def test_a_gdb_that_may_not_attach_is_explained(with_engine):
    with pytest.raises(EngineError, match="doctor"):
        with_engine("raise gdb.error('ptrace: Operation not permitted.')")


# So many lines at most: it stops where its words have been taken away.
TALK = """
import time
before = 0
for i in range(%d):
    now = os.fstat(1).st_blocks
    if now < before:
        break
    before = now
    print('x' * 9999, flush=True)
    time.sleep(0.03)
print('last words')
gdb.execute('continue')
"""


def test_the_words_of_gdb_take_no_memory_without_end(with_engine, monkeypatch):
    trimmed, truncate = [], os.ftruncate
    monkeypatch.setattr(os, "ftruncate", lambda *args: trimmed.append(truncate(*args)))
    assert "last words" in with_engine(READY + TALK % 40).log
    assert not trimmed
    os.unlink(with_engine.spool)
    monkeypatch.setattr(observer, "_LOG_LIMIT", 100000)
    assert "last words" in with_engine(READY + TALK % 4000).log
    assert trimmed
