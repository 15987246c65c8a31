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


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("holds: main_reached == 1", "holds: main_reached == 2", "does not hold here"),
        ("answer: main_reached\n", "answer: main_calls\n", "no answer shows the mistake"),
        ("expect: after.syscalls > syscalls", "expect: after.syscalls == 0", "does not hold"),
        ("expect: after.main_reached < 10", "expect: after.main_reached > 10", "does not hold"),
        ("with: char *second = malloc(200000);", "with: char *second = malloc(;", "not compile"),
        ("replace: char *second = malloc(24);", "replace: malloc(24)", "stands there 2 times"),
        ("mistake 2 ", "mistake 1 ", "no answer shows the mistake"),
    ],
)
def test_a_lesson_that_does_not_hold_is_seen(old, new, told, home, tmp_path):
    with open(library.lesson("first-malloc").path, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("prove: ", "// prove: ")
    assert old in text
    path = tmp_path / "03-first-malloc.lesson"
    path.write_text(text.replace(old, new, 1))
    found = played(library.lesson(str(path)), home)
    assert any(told in fault for fault in found.faults), found.faults
