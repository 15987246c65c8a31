"""A reader at a terminal of 80 by 24: wrong answers, empty lines, broken programs, Ctrl-C."""

import io
import json
import os
import pty
import shutil
import subprocess
import time

import pytest

from course import changing, library, player, progress, screen as screens, workshop
from reports.ink import Ink
from terminals import COMMAND, Terminal

pyte = pytest.importorskip("pyte")
pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
MORE, LIMIT_S = "Enter: more", 300


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A new reader's terminal: what they type goes to `learn first-malloc`."""
    monkeypatch.chdir(tmp_path)
    return Terminal(["learn", "first-malloc"], 80, 24, **world(tmp_path))


def world(tmp_path, **more):
    cache = os.environ.get("BRKPOINT_CACHE", "")
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "BRKPOINT_CACHE": cache, **more}


def until(terminal, text):
    """Turn pages until the last line has it; the screen. A prompt counts once it has been written
    since the last key: what was there before says nothing of where the reader is."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        terminal.read(0.1)
        last = terminal.text().rstrip().split("\n")[-1]
        if text in last and text.encode() in terminal.answer:
            return terminal.text()
        if MORE in last and MORE.encode() in terminal.answer:
            terminal.type("\n")
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
    with pytest.raises(workshop.NeverEnds, match="was stopped"):
        workshop._try(["./loop"], str(tmp_path), dict(os.environ))
    monkeypatch.undo()
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
    assert "Its runs are not kept" in done.stdout
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


def test_the_folder_that_is_named_is_made_and_remembered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, folder = str(tmp_path / "course.json"), tmp_path / "new" / "mine"
    found = progress.Progress(path)
    assert found.folder == str(tmp_path / progress.FOLDER)  # the twin: nothing was named
    found.use("new/mine")
    assert folder.is_dir() and progress.Progress(path).folder == found.folder == str(folder)
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [*COMMAND, "learn", "--folder", "file/x", "nothing"], stdout=-1, stderr=-1, text=True
    )
    assert done.returncode == 2 and "--folder file/x: Not a directory" in done.stderr


def test_a_state_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    found = progress.Progress(str(tmp_path / "file" / "course.json"))
    found.note("a", step=2)
    assert "cannot be kept" in found.trouble


def test_no_line_is_lost_at_the_top_of_a_page(monkeypatch):
    """A line that is wider than the terminal takes several of its rows."""
    out = io.StringIO()
    paper = screens.Screen(out, io.StringIO())
    paper.is_terminal, seen = True, []
    monkeypatch.setattr(paper, "_height", lambda: 24)
    monkeypatch.setattr(
        paper, "key", lambda *_: (seen.append(out.tell()), paper.__dict__.update(_shown=0))
    )
    for _ in range(8):
        paper.line("\033[1m" + "x" * (2 * paper.ink.width + 1) + "\033[0m")
    assert len(seen) == 1
    rows = out.getvalue()[: seen[0]].count("\n") * 3
    assert rows == 21


def test_an_arrow_is_no_letter():
    """Its last piece is B; `b` goes back."""
    typing, hearing = pty.openpty()
    with os.fdopen(typing, "wb", 0) as keyboard, os.fdopen(hearing) as keys:
        keyboard.write(b"\x1b[B\x1bOB\n\x1bb")
        screen = screens.Screen(io.StringIO(), keys)
        assert [screen.key("", "\n b") for _ in range(2)] == ["\n", "b"]


class Desk:
    """A terminal without a person: keys from a list, what is said kept."""

    is_terminal, ink = True, Ink(80, False, True)

    def __init__(self, keys, edits=lambda: None):
        self.keys, self.said, self.edits = list(keys), [], edits

    def line(self, text=""):
        self.said.append(text)

    def lines(self, texts):
        self.said += texts

    def text(self, text, paint=str, indent=""):
        self.said.append(text)

    def key(self, prompt, known):
        self.edits()
        return self.keys.pop(0)


@pytest.fixture(scope="module")
def kept():
    return {}


def played(tmp_path, kept, keys, old, new):
    """The change `large` of `first-malloc`, whose file has new in the place of old."""
    lesson = library.lesson("first-malloc")
    shop = workshop.Workshop(str(tmp_path), kept=kept)
    desk = Desk(keys)
    path = shop.own(lesson.runs["large"])
    with open(path) as file:
        text = file.read()
    assert old in text
    with open(path, "w") as file:
        file.write(text.replace(old, new))
    reader = player.Player(lesson, shop, desk)
    section = next(one for one in lesson.sections if one.change)
    reader.values.after = "large"
    with reader.values:
        was_shown = changing.play(reader, section, section.change)
        reached = reader.values.lookup("large.main_reached"), reader.values.lookup("main_reached")
    with open(path) as file:
        assert file.read() == text.replace(old, new)  # nothing of theirs is lost
    return was_shown, reached, " ".join(desk.said)


def test_who_skips_hears_of_the_given_change_later(tmp_path, kept):
    old, new = "second = malloc(24)", "second = malloc(1000)"
    was_shown, (large, before), said = played(tmp_path, kept, "rs", old, new)
    assert "it still fits" in said
    assert not was_shown and large > before


def test_a_change_that_never_ends_is_answered_kindly(tmp_path, kept, monkeypatch):
    monkeypatch.setattr(workshop, "LIMIT_S", 0.5)
    old, new = "free(first);", "for (;;) __builtin_ia32_pause();"
    was_shown, _, said = played(tmp_path, kept, "rs", old, new)
    assert "it had not ended after 0 seconds, and was stopped" in said
    assert "Is there a loop without an end? Your file stays as you saved it." in said
    assert not was_shown


def test_a_program_of_ones_own_is_only_for_its_lesson(tmp_path):
    command = [*COMMAND, "learn", "first-malloc", "ls"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "`brkpoint learn yours` takes yours" in done.stderr


def test_a_page_and_a_rehearsal_of_ones_own_program(tmp_path):
    page = tmp_path / "page.html"
    command = [*COMMAND, "learn", "yours", "--html", str(page), "/bin/echo", "a word"]
    assert (
        subprocess.run(command, cwd=tmp_path, env={**os.environ, **world(tmp_path)}).returncode == 0
    )
    text = page.read_text()
    assert "changing your own program is up to you" in text
    assert "first.c" not in text and "malloc(24)" not in text
    command = [*COMMAND, "learn", "--check", "yours", "/bin/echo", "a word"]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert "left out: line" in done.stdout and "is up to you" in done.stdout
    assert done.returncode == 0
