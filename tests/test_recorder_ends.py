"""Whoever is killed or stopped, target, recorder or brkpoint: the program is not harmed, and what
was recorded until then is in the trace."""

import json
import os
import random
import signal
import subprocess
import time

import launching
import pytest
import recorder_runs
from attaching import PROBE_WELL, Attached, Running, until
from recorder_runs import NOT_BUILT
from recorder_watched import Watched, steady

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
RECORDER = "brkpoint-record"  # as the kernel cuts its name


def test_the_target_is_killed(tmp_path):
    run = Watched(tmp_path)
    os.kill(run.target(), signal.SIGKILL)
    status, _, _, report, mallocs = run.finish()
    assert status == 128 + signal.SIGKILL
    assert report["exit"] == {"kind": "signalled", "status": signal.SIGKILL}
    assert mallocs > 101


@pytest.mark.parametrize("before", [[], [b"/usr/bin/env", b"nice"]])
def test_the_recorder_is_killed(tmp_path, before):
    """The program goes on to its own end, be it the first of the process or one that it exec'd."""
    run = Watched(tmp_path, before)
    os.kill(run.recorder(), signal.SIGKILL)
    status, out, err, report, mallocs = run.finish()
    assert out == b"ends\n"
    assert status == 125 and b"the target exited with status 5" in err
    said = b"the recorder was killed (SIGKILL): nothing of what it had recorded is lost"
    assert said in err and b"gdb" not in err
    assert not report["complete"] and report["events_lost"] == 0
    assert mallocs > 101


@pytest.mark.parametrize("has_heir", [True, False])
def test_what_a_killed_recorder_had_not_written(tmp_path, has_heir):
    """The program counts its calls: all are in the trace; where there is no heir those in the trace
    and those lost are all of them."""
    with Running(tmp_path, "attached.c", "1", "counted") as run:
        attached = Attached(tmp_path, run.pid)
        run.page.put("go", 1)
        until(lambda: run.page.mallocs > 1009)  # it has asked all that it has to ask
        launching.stop(attached.host())
        enough = run.page.mallocs + 3001
        until(lambda: run.page.mallocs > enough)
        run.page.put("go", 2)
        until(lambda: run.page.done == 1)
        if not has_heir:
            os.kill(attached.heir(), signal.SIGKILL)
        os.kill(attached.host(), signal.SIGKILL)
        status, err = attached.finish()
        counted = run.page.mallocs + run.page.frees
        assert run.finish() == PROBE_WELL
    report = attached.report()
    lost = report["events_lost"]
    system_calls = recorded(report) + lost - counted  # for memory: the program does not count them
    assert status == 125 and 0 <= system_calls <= 7
    if has_heir:
        assert lost == 0 and "nothing of what it had recorded is lost" in err
    else:
        assert lost > 3001 and "%d events of what it had recorded lost" % lost in err


def recorded(report):
    return sum(row["count"] for row in report["totals"])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("who", ["target", "recorder"])
def test_killed_at_any_moment(tmp_path, who, seed):
    """The target also while it starts, the recorder once the program runs. There is a trace that
    knows how the program ended; where the recorder was killed it says incomplete, and the program
    is not harmed."""
    run = begun(tmp_path)
    if who == "recorder":
        assert run.stdout.readline() == b"begins\n"
    pid = launching.descendant(run.pid, {"target": "steady", "recorder": RECORDER}[who])
    time.sleep(random.Random(seed).random() * 0.7)
    os.kill(pid, signal.SIGKILL)
    out, err = run.communicate(timeout=launching.LIMIT_S)
    if who == "target":
        assert run.returncode == 128 + signal.SIGKILL, err
        assert launching.report(tmp_path)["exit"] == {"kind": "signalled", "status": 9}
    else:
        assert out == b"ends\n" and run.returncode == 125, (out, err)
        assert not launching.report(tmp_path)["complete"]


@pytest.mark.parametrize("milliseconds", [0, 7, 31])
def test_a_recorder_that_is_killed_while_the_program_starts(tmp_path, milliseconds):
    """A program amid what the recorder does with it cannot go on: what became of it is said."""
    run = begun(tmp_path)
    recorder = launching.descendant(run.pid, RECORDER)
    time.sleep(milliseconds / 1000)
    os.kill(recorder, signal.SIGKILL)
    out, err = run.communicate(timeout=launching.LIMIT_S)
    assert run.returncode == 125 and err.count(b"\n") == 1, err
    if b"the target exited with status 5" in err:
        assert out == b"begins\nends\n"
    else:
        assert b"could not attach" in err or b"the target was ended by SIG" in err


def begun(folder):
    """brkpoint with the probe, at its very start."""
    options, trace = (b"--engine", b"recorder"), folder / "t.brkpoint"
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(launching.watched(*steady(), options=options, trace=trace), **pipes)


@pytest.mark.parametrize("who", ["target", "recorder"])
def test_stopped_and_continued(tmp_path, who):
    run = Watched(tmp_path)
    pid = getattr(run, who)()
    for _ in range(7):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
    status, out, _, report, mallocs = run.finish()
    assert (status, out) == (5, b"ends\n")
    assert report["complete"] and report["events_lost"] == 0
    assert mallocs % 101 in (0, 1) and mallocs > 101  # and one of puts


def test_children_live_on_when_brkpoint_is_killed(tmp_path):
    run = Watched(tmp_path, more=[b"child"])
    target = run.target()
    run.process.kill()
    assert launching.gone([target])
    out, _ = run.process.communicate(timeout=launching.LIMIT_S)  # until the child closes it
    assert out == b"the child ends\n"


@pytest.mark.parametrize("also", ["recorder", "nothing else"])
def test_a_child_that_fills_the_ring_of_a_dead_recorder(tmp_path, also):
    """The kernel tells it that nobody reads any more, whoever could have told it else."""
    run = Watched(tmp_path, more=[b"child", b"100003"])
    target, recorder = run.target(), run.recorder()
    run.process.kill()
    if also == "recorder":
        os.kill(recorder, signal.SIGKILL)
    assert launching.gone([target])
    time.sleep(1)  # as long as it takes to fill it
    out, _ = run.process.communicate(timeout=launching.LIMIT_S)
    assert out == b"the child ends\n"
    assert launching.gone([recorder])


def test_brkpoint_is_killed_while_the_recorder_is_stopped(tmp_path):
    run = Watched(tmp_path)
    recorder = run.recorder()
    os.kill(recorder, signal.SIGSTOP)
    run.process.kill()
    assert launching.gone([recorder])
    run.process.communicate()


def test_brkpoint_is_killed(tmp_path):
    """Nothing of it stays, and what was recorded can be recovered."""
    run = Watched(tmp_path)
    pids = launching.descendants(run.process.pid)
    run.process.kill()
    assert launching.gone(pids)  # before its input is closed, at which it would end by itself
    run.process.communicate()
    spools = list(tmp_path.glob("*.brkspool"))
    assert len(spools) == 1
    done = subprocess.run([launching.BRKPOINT, "recover", spools[0]], capture_output=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(
        subprocess.run(
            [launching.BRKPOINT, "report", tmp_path / "t.brkpoint", "--json"], capture_output=True
        ).stdout
    )
    assert not report["complete"]
