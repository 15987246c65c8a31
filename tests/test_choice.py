"""Which engine watches where the user names none: the recorder, or breakpoints and why."""

import json
import os
import resource
import shutil

import pytest
from recorder_runs import probe
from target_programs import ROOT, brkpoint

from start import choice, launch, recorder
from start.errors import UserError

needs_recorder = pytest.mark.skipif(
    recorder.find() is None or not shutil.which("gdb"), reason="the recorder is not built"
)
ALLOC = os.path.join(ROOT, "build/targets/alloc")


def test_auto_takes_the_recorder_where_it_is_built(monkeypatch):
    monkeypatch.setattr(recorder, "find", lambda: "/somewhere")
    assert choice.choose("auto") == ("recorder", "it can be planted here", True)
    assert choice.choose("recorder") == ("recorder", None, False)
    assert choice.choose("breakpoints") == ("breakpoints", None, False)


def test_auto_says_why_it_takes_breakpoints(monkeypatch):
    monkeypatch.setattr(recorder, "find", lambda: None)
    engine, why, _ = choice.choose("auto")
    assert engine == "breakpoints" and "make recorder" in why
    with pytest.raises(UserError, match="make recorder"):
        choice.choose("recorder")


def test_live_is_for_breakpoints(monkeypatch):
    monkeypatch.setattr(recorder, "find", lambda: "/somewhere")
    engine, why, _ = choice.choose("auto", live=True)
    assert engine == "breakpoints" and "--live" in why
    with pytest.raises(UserError, match="--live") as refused:
        choice.choose("recorder", live=True)
    assert refused.value.status == 2


def report_of(trace):
    done = brkpoint("report", trace, "--json")
    return json.loads(done.stdout)


@needs_recorder
def test_a_run_says_what_watched(tmp_path):
    trace = str(tmp_path / "a.brkpoint")
    done = brkpoint("-o", trace, ALLOC)
    assert done.returncode == 0 and "engine recorder (it can be planted here)" in done.stderr
    said = report_of(trace)
    assert said["engine"] == "recorder" and said["why_engine"] == "it can be planted here"
    assert said["cost"]["stops"] == 0 and said["cost"]["engine_ns"] > 0


@needs_recorder
def test_a_named_engine_needs_no_reason(tmp_path):
    trace = str(tmp_path / "a.brkpoint")
    assert brkpoint("--engine", "breakpoints", "-o", trace, "--quiet", ALLOC).returncode == 0
    said = report_of(trace)
    assert said["engine"] == "breakpoints" and said["why_engine"] is None


def little_room():
    """The target's own limit: too small for the recorder's data, ample for itself."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (16 << 20, hard))


@needs_recorder
def test_where_it_cannot_be_planted_breakpoints_take_over_and_the_program_runs_once(tmp_path):
    trace, once = str(tmp_path / "a.brkpoint"), tmp_path / "once"
    words = ["-o", trace, "/bin/sh", "-c", "echo run >> %s; exit 3" % once]
    done = brkpoint(*words, preexec_fn=little_room)
    assert done.returncode == 3, done.stderr
    assert once.read_text() == "run\n"
    said = report_of(trace)
    assert said["engine"] == "breakpoints" and said["complete"]
    assert "no room" in said["why_engine"] and "ulimit -v" in said["why_engine"]
    assert sorted(os.listdir(tmp_path)) == ["a.brkpoint", "once"]


@needs_recorder
def test_what_takes_over_says_what_the_user_should_know_of_it(tmp_path):
    words = ["--quiet", "-o", str(tmp_path / "a.brkpoint"), probe("self_traced.c")]
    said = "breakpoints keep it from tracing itself"
    assert said in brkpoint(*words, preexec_fn=little_room).stderr
    assert said not in brkpoint("--force", *words).stderr  # the twin: the recorder lets it


@needs_recorder
def test_a_named_recorder_that_cannot_be_planted_is_a_failure_in_words(tmp_path):
    trace, once = str(tmp_path / "a.brkpoint"), tmp_path / "once"
    words = ["--engine", "recorder", "-o", trace, "/bin/sh", "-c", "echo run >> %s" % once]
    done = brkpoint(*words, preexec_fn=little_room)
    assert once.read_text() == "run\n"  # the program is not ours: it runs on, and that is said
    assert "no room" in done.stderr and not report_of(trace)["complete"]


@pytest.mark.parametrize(
    "program, told",
    [
        ("#!/bin/sh\nexit 127\n", "does not run here"),  # as the loader says that a library lacks
        ("\177ELF: of another machine", "does not run here"),
        ("#!/no/such/interpreter\n", "does not run here"),
        ("#!/bin/sh\n[ $# -ne 0 ] && exit 1; exit 2\n", "ended before it was watched"),  # twin
    ],
)
def test_a_recorder_of_another_system_is_no_end_of_the_run(tmp_path, monkeypatch, program, told):
    made = tmp_path / "recorder"
    made.write_text(program)
    made.chmod(0o755)
    monkeypatch.setattr(recorder, "find", lambda: str(made))
    assert recorder.is_running_here() == ("before" in told)
    options = launch.Options(recorder=True, may_refuse=True)
    with pytest.raises(UserError, match=told) as failed:
        launch.run([b"/bin/true"], str(tmp_path / "spool"), options)
    assert isinstance(failed.value, launch.EngineError) == (not recorder.is_running_here())
    assert not (tmp_path / "spool").exists()
