"""A reader at a terminal of 80 by 24: wrong answers, empty lines, broken programs, Ctrl-C."""

import json
import os
import shutil
import subprocess
import time

import pytest

from course import library, progress, workshop
from terminals import COMMAND, Terminal

pyte = pytest.importorskip("pyte")
pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
MORE, LIMIT_S = "Enter: more", 60


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A new reader's terminal: what they type goes to `learn first-malloc`."""
    monkeypatch.chdir(tmp_path)
    return Terminal(["learn", "first-malloc"], 80, 24, **world(tmp_path))


def world(tmp_path, **more):
    cache = os.environ.get("BRKPOINT_CACHE", "")
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "BRKPOINT_CACHE": cache, **more}


def until(terminal, text):
    """Turn pages until the last line has it; the screen."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        terminal.read(0.1)
        last = terminal.text().rstrip().split("\n")[-1]
        if text in last:
            return terminal.text()
        if MORE in last:
            terminal.type("\n")
            terminal.read(0.3)
    raise AssertionError("no %r in\n%s" % (text, terminal.text()))


def test_a_reader_who_errs_breaks_things_and_leaves(reader, tmp_path):
    until(reader, "Your answer")
    reader.type("\n")
    assert "A guess is enough" in reader.wait("A guess is enough")
    reader.type("lots\n")
    reader.wait("I cannot read that")
    reader.type("4\n")
    until(reader, "Your answer (a number):")
    reader.type("128 KiB\n")
    until(reader, "b: back")
    reader.type("\n")
    until(reader, "b: back")
    reader.type("\n")
    shown = until(reader, MORE)
    assert "You said 4. It is: 1." in reader.text()
    assert "every call goes to the kernel" in " ".join(reader.text().split()), shown
    until(reader, "b: back")
    reader.type("\n")
    until(reader, "Your answer (a, b, c):")
    reader.type("c\n")
    until(reader, "take the given change")
    _edits(reader, tmp_path / "brkpoint-course" / "first-malloc" / "large.c")
    reader.type("\x03")
    assert "Nothing is lost" in reader.wait("Nothing is lost")
    assert reader.end() == 130
    state = json.loads((tmp_path / "state" / "brkpoint" / "course.json").read_text())
    lesson = state["lessons"]["first-malloc"]
    assert lesson["step"] == 3 and "c" in lesson["answers"].values()


def _edits(reader, path):
    text = path.read_text()
    reader.type("r")
    reader.wait("The file is still as it was")
    path.write_text(text.replace("second = malloc(24)", "second = malloc(24"))
    reader.type("r")
    reader.wait("Your file stays as you saved it")
    assert "error:" in reader.text()
    path.write_text(text.replace("second = malloc(24)", "second = malloc(1000)"))
    reader.type("r")
    reader.wait("it still fits", LIMIT_S)
    mine = text.replace("second = malloc(24)", "second = malloc(300000)")
    path.write_text(mine)
    reader.type("r")
    until(reader, "b: back")
    assert path.read_text() == mine  # never written over


def test_what_never_ends_is_ended_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(workshop, "LIMIT_S", 0.5)
    source = tmp_path / "loop.c"
    source.write_text("int main(void) { for (;;) ; }")
    subprocess.run(["gcc", "-o", str(tmp_path / "loop"), str(source)], check=True)
    with pytest.raises(workshop.NeverEnds, match="was ended"):
        workshop._try(["./loop"], str(tmp_path), dict(os.environ))
    workshop._try(["true"], str(tmp_path), dict(os.environ))


def test_in_a_pipe_it_asks_nothing_and_colours_nothing(tmp_path):
    done = subprocess.run(
        [*COMMAND, "learn", "first-malloc"],
        cwd=tmp_path,
        env={**os.environ, **world(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0
    assert "The answer: 1." in done.stdout and "That was the lesson" in done.stdout
    assert "\033" not in done.stdout and "Your answer" not in done.stdout
    assert os.listdir(tmp_path) == []  # neither copies nor a state


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lessons": 3}', '{"lessons": {"a": []}}'])
def test_a_damaged_state_is_none_and_is_kept(text, tmp_path):
    path = tmp_path / "course.json"
    path.write_text(text)
    found = progress.Progress(str(path))
    assert found.of("a") == {}
    found.note("a", step=2)
    assert progress.Progress(str(path)).of("a") == {"step": 2} and not found.trouble
    if text == "{":
        assert (tmp_path / "course.json.damaged").read_text() == "{"


def test_a_state_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    found = progress.Progress(str(tmp_path / "file" / "course.json"))
    found.note("a", step=2)
    assert "cannot be kept" in found.trouble


def test_without_a_compiler_it_takes_stored_traces_and_says_so(tmp_path):
    shop = workshop.Workshop(str(tmp_path / "work"), kept={})
    lesson = library.lesson("first-malloc")
    stored = tmp_path / "traces"
    stored.mkdir()
    for name, program in lesson.runs.items():
        shutil.copy(shop.run(lesson, program).trace, stored / ("first-malloc.%s.brkpoint" % name))
    (tmp_path / "bin").mkdir()
    os.symlink(shutil.which("gdb") or "/nonexistent", tmp_path / "bin" / "gdb")

    def learn(*words):
        environ = {**os.environ, **world(tmp_path), "PATH": str(tmp_path / "bin")}
        command = [*COMMAND, "learn", "first-malloc", *words]
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True)
        return done.returncode, " ".join(done.stdout.split())

    status, said = learn("--traces", str(stored))
    assert status == 0 and "taken from a stored trace: stored traces were asked for" in said
    assert "The answer: 1." in said and "left out" not in said
    status, said = learn()
    assert "gcc is missing: apt-get install gcc" in said
    assert status == (0 if any(map(os.path.isdir, workshop.stored_folders())) else 1)


def test_a_program_of_ones_own_is_only_for_its_lesson(tmp_path):
    command = [*COMMAND, "learn", "first-malloc", "ls"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "`brkpoint learn yours` takes yours" in done.stderr
