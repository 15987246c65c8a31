"""Every lesson played by nobody, with right and wrong answers; and that a wrong lesson is seen."""

import os
import shutil

import pytest

from course import library, rehearsal, workshop

TOOLS = {".c": "gcc", ".rs": "rustc", ".asm": "nasm", ".cc": "g++"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("course")


def played(lesson, home, kept={}):
    """The programs are run once: what several lessons run, and their twins, is the same."""
    shop = workshop.Workshop(str(home / lesson.name), kept=kept)
    return rehearsal.Rehearsal(lesson, shop).go()


@pytest.mark.parametrize("path", library.paths(), ids=os.path.basename)
def test_a_lesson_holds_on_this_machine(path, home):
    lesson = library.lesson(path)
    needed = TOOLS[os.path.splitext(lesson.first.source)[1]]
    if not shutil.which(needed):
        pytest.skip("no %s" % needed)
    found = played(lesson, home)
    assert found.faults == []
    said = ("is not on this machine", "is missing: apt-get install")
    assert all(any(text in note for text in said) for note in found.notes), found.notes


def test_what_is_touched_stays_resident_so_the_proof_can_fail(home, tmp_path):
    """A block that was given back would look like one that was never touched."""
    old = "expect: after.resident_more > wanted / 10"
    _broken("touching", old, "holds: after.resident_more < wanted / 100", tmp_path)
    found = played(library.lesson(str(tmp_path / "03-broken.lesson")), home)
    assert any("does not hold here" in fault for fault in found.faults), found.faults


def _broken(name, old, new, folder):
    with open(library.lesson(name).path, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("prove: ", "// prove: ")
    assert old in text
    (folder / "03-broken.lesson").write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("holds: main_reached == 1", "holds: main_reached == 2", "does not hold here"),
        ("answer: main_reached\n", "answer: main_calls\n", "no answer shows the mistake"),
        ("expect: after.syscalls > syscalls", "expect: after.syscalls == 0", "does not hold"),
        ("expect: after.main_reached < 10", "expect: after.main_reached > 10", "does not hold"),
        ("with: char *second = malloc(200000);", "with: char *second = malloc(;", "not compile"),
        ("replace: char *second = malloc(24);", "replace: malloc(24)", "occurs 2 times"),
        ("mistake 2 ", "mistake 1 ", "no answer shows the mistake"),
    ],
)
def test_a_lesson_that_does_not_hold_is_seen(old, new, told, home, tmp_path):
    _broken("first-malloc", old, new, tmp_path)
    found = played(library.lesson(str(tmp_path / "03-broken.lesson")), home)
    assert any(told in fault for fault in found.faults), found.faults
