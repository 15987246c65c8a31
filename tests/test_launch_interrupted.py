"""Ctrl-C, SIGTERM and --timeout at each step from spool to report: what was recorded is kept,
`recover` makes of it what would have been made, and the status is always the same.
"""

import json
import os
import subprocess
import sys

import pytest

import launching
from recorder_runs import BUILT

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)

# brkpoint, with something that happens where it comes to a certain function
DRIVER = """
import importlib, os, signal, sys, time
where, what = sys.argv[1:3]
module, name = where.rsplit(".", 1)
module = importlib.import_module(module)
real = getattr(module, name)
def instead(*args, **kept):
    exec(what)
    return real(*args, **kept)
setattr(module, name, instead)
from command import main
sys.exit(main.main(sys.argv[3:]))
"""
BEFORE = ["alloctrace.history.history.build", "alloctrace.symbols.symbols.symbolise"]
JUDGING = "judging.judge" if BUILT else "classify.classify"  # of the recorder who asked, no more
BEFORE += ["alloctrace.purpose." + JUDGING, "alloctrace.trace.write.write_tables"]
AFTER = "reports.text.render"
PROGRAM = ["--", "/bin/sh", "-c", "exit 3"]


def run(folder, where, what, *options):
    words = [sys.executable, "-c", DRIVER, where, what, "run", "-o", str(folder / "t.brkpoint")]
    return subprocess.run(
        [*words, *options, *PROGRAM],
        cwd=launching.ROOT,
        env=dict(os.environ, BRKPOINT_CACHE=str(folder.parent / "cache")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=launching.LIMIT_S,
    )


def brkpoint(*words):
    return subprocess.run([launching.BRKPOINT, *words], check=True, capture_output=True).stdout


def left_in(folder):
    return sorted(os.listdir(folder))


def totals(trace):
    return json.loads(brkpoint("report", "--json", trace))["totals"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of a run at which nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = run(folder, AFTER, "pass")
    assert done.returncode == 3 and "interrupted" not in done.stderr
    assert left_in(folder) == ["t.brkpoint"]
    return folder


@pytest.mark.parametrize(
    "where, number", [*((where, "SIGINT") for where in BEFORE), (BEFORE[-1], "SIGTERM")]
)
def test_before_the_trace_is_there_the_spool_is_kept(undisturbed, tmp_path, where, number):
    done = run(tmp_path, where, "os.kill(os.getpid(), signal.%s)" % number, "--quiet")
    assert done.returncode == 125
    assert "interrupted" in done.stderr and "exited with status 3" in done.stderr
    assert left_in(tmp_path) == ["t.brkspool"]
    brkpoint("recover", tmp_path / "t.brkspool")
    assert left_in(tmp_path) == ["t.brkpoint", "t.brkspool"]
    assert totals(tmp_path / "t.brkpoint") == totals(undisturbed / "t.brkpoint")


def test_behind_the_run_the_spool_is_kept(undisturbed, tmp_path):
    """Before anybody takes care of it: how the program ended is in the spool alone."""
    done = run(tmp_path, "command.conclude.conclude", "os.kill(os.getpid(), signal.SIGINT)")
    assert done.returncode == 125 and "interrupted; what was recorded is kept" in done.stderr
    assert left_in(tmp_path) == ["t.brkspool"] and "t.brkspool" in done.stderr
    brkpoint("recover", tmp_path / "t.brkspool")
    assert totals(tmp_path / "t.brkpoint") == totals(undisturbed / "t.brkpoint")


# What os.kill ends with is raised within the call of Python that begins it.
AMID_A_CLASS = """
class Kills:
    def __set_name__(self, *_):
        os.kill(os.getpid(), signal.SIGINT)
type("Class", (), {"attribute": Kills()})
"""


@pytest.mark.parametrize("where", [BEFORE[0], AFTER, "command.main.call"])
def test_amid_a_class_that_is_defined(tmp_path, where):
    """An import defines some: Python before 3.12 makes an error of another kind of it."""
    done = run(tmp_path, where, AMID_A_CLASS)
    assert done.returncode == (130 if where == "command.main.call" else 125)
    assert "interrupted" in done.stderr and "Traceback" not in done.stderr


def test_during_the_report_the_trace_is_there(undisturbed, tmp_path):
    done = run(tmp_path, AFTER, "os.kill(os.getpid(), signal.SIGINT)")
    assert done.returncode == 125
    assert "interrupted; the trace is" in done.stderr
    assert left_in(tmp_path) == ["t.brkpoint"]
    assert totals(tmp_path / "t.brkpoint") == totals(undisturbed / "t.brkpoint")


def test_the_timeout_is_the_programs(tmp_path):
    """It had ended in time; what takes longer then is ours. The clock is put forward meanwhile."""
    later = "time.monotonic = lambda clock=time.monotonic: clock() + 200; print('later')"
    done = run(tmp_path, BEFORE[2], later, "--quiet", "--timeout", "100")
    assert (done.returncode, done.stdout, done.stderr) == (3, "later\n", "")
    assert left_in(tmp_path) == ["t.brkpoint"]
