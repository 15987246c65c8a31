"""A machine without a compiler, and one without ptrace: lessons work from stored traces, say so,
and hide nothing. In a terminal with colours and with NO_COLOR."""

import os
import shutil
import subprocess
import sys

import pytest

from course import library, workshop
from course.page import folder
from target_programs import ROOT
from terminals import Terminal

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
_SCRIPT = """import sys
folder, forbidden, *words = sys.argv[1:]
sys.path[:0] = %r
import test_doctor
if forbidden == "ptrace":
    test_doctor.forbid_ptrace()
from course import workshop
workshop.stored_folders = lambda: [folder]
from command import main
sys.exit(main.main(words))
""" % (
    [ROOT, os.path.join(ROOT, "tests")],
)
COMPILER = "gcc is missing: apt-get install gcc libc6-dev"
PTRACE = "ptrace is not permitted here"


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """What `make course` hands out of a lesson that asks a tool."""
    home = tmp_path_factory.mktemp("stored")
    kept = {}

    def shop_of(lesson):
        return workshop.Workshop(str(home / "work" / lesson.name), kept=kept)

    chosen = [library.lesson("headers")]
    assert folder.write(chosen, str(home / "pages"), shop_of, lambda name: None) == []
    return str(home / "pages" / "traces")


def play(tmp_path, stored, forbidden, *words):
    """(status, what it says) where the compiler or ptrace is missing."""
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    if forbidden == "compiler":
        (tmp_path / "bin").mkdir(exist_ok=True)
        if not os.path.exists(tmp_path / "bin" / "gdb"):
            os.symlink(shutil.which("gdb"), tmp_path / "bin" / "gdb")
        environ["PATH"] = str(tmp_path / "bin")
    done = subprocess.run(
        [sys.executable, "-B", "-c", _SCRIPT, stored, forbidden, *words],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize("forbidden, why", [("compiler", COMPILER), ("ptrace", PTRACE)])
def test_it_works_from_stored_traces_and_says_so(forbidden, why, traces, tmp_path):
    status, said = play(tmp_path, traces, forbidden, "learn", "headers")
    assert status == 0
    assert "This run was not made here, but taken from a stored trace: " in said and why in said
    assert "The answer: " in said and "That was the lesson" in said
    assert "$1 = " in said or "No symbol" in said  # what gdb said of it
    assert "left out" not in said
    status, said = play(tmp_path, traces, forbidden, "words", "heap")
    assert status == 0 and "Here: the first malloc" in said


@pytest.mark.parametrize("forbidden, why", [("compiler", COMPILER), ("ptrace", PTRACE)])
def test_twin_without_them_it_says_what_is_missing(forbidden, why, tmp_path):
    status, said = play(tmp_path, str(tmp_path), forbidden, "learn", "headers")
    assert status == 1 and why in said and "There is no stored trace of it either" in said
    assert "The answer: " not in said


def test_who_asks_for_stored_traces_gets_them(traces, tmp_path):
    status, said = play(tmp_path, "/nowhere", "none", "learn", "headers", "--traces", traces)
    assert status == 0 and "taken from a stored trace: stored traces were asked for" in said
    assert "The answer: " in said and "left out" not in said and "are not kept" not in said


def painted(terminal):
    return [
        cell.data
        for row in terminal.screen.buffer.values()
        for cell in row.values()
        if cell.data.strip() and (cell.bold or cell.fg != "default" or cell.bg != "default")
    ]


@pytest.mark.parametrize("environ, is_painted", [({"NO_COLOR": "1"}, False), ({}, True)])
def test_colours_and_no_color(environ, is_painted, traces, tmp_path, monkeypatch):
    pytest.importorskip("pyte")
    monkeypatch.chdir(tmp_path)
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), **environ}
    reader = Terminal(["learn", "headers", "--traces", traces], 80, 24, **state)
    shown = reader.wait("q: leave")
    assert "4. What 24 bytes cost" in shown
    assert max(map(len, shown.split("\n"))) <= 80
    assert bool(painted(reader)) == is_painted
    reader.type("q")
    assert reader.end() == 0
