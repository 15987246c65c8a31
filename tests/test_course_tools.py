"""strace, ltrace, gdb and the scripts in a lesson: what is missing is said, and nothing fails."""

import os
import shutil
import sys
from types import SimpleNamespace

import pytest

from course import measured, reading, rehearsal, tools, workshop

LESSON = """# A tool
idea: One.
program c: first.c
measure lines: tool %s ; %s
measure reached: main any reached
## predict
question: How many?
answer: lines
right: So it is.
## run
show: tool %s
## explain
holds: lines > 0
## change large: more
replace: char *second = malloc(24);
with: char *second = malloc(300000);
expect: after.reached > reached
right: It did.
## check
question: Which?
choice a: this
choice b: that
answer: a if 1 > 0
mistake b "that": No.
right: So it is.
"""


@pytest.fixture
def program(tmp_path):
    """What a trace says of a program, as tools want it."""
    shutil.copy("/bin/true", tmp_path / "p")
    return SimpleNamespace(run={"program_file": str(tmp_path / "p"), "command": ["./p", "word"]})


def a_tool(monkeypatch, folder, text):
    """A strace of our own, and nothing else."""
    path = folder / "strace"
    path.write_text("#!%s\nimport sys\n%s\n" % (sys.executable, text))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_what_it_prints_is_shown_counted_and_harmless(monkeypatch, tmp_path, program):
    a_tool(monkeypatch, tmp_path, "sys.stderr.write('\\x1b[2J brk(0)\\n' * 100 + str(sys.argv))")
    shown = tools.lines(["strace", "-e", "trace=brk"], program)
    assert len(shown) == tools.MOST_LINES + 1 and "61 more lines" in shown[-1]
    assert shown[0] == "\\x1b[2J brk(0)"
    assert tools.value(["strace", "-e", "trace=brk"], "lines brk(", program) == 100
    assert tools.value(["strace"], "lines './p', 'word'", program) == 1
    assert tools.typed(["strace", "-e", "trace=brk"], program) == "strace -e trace=brk ./p word"


def test_a_tool_that_is_missing_or_silent_is_said(monkeypatch, tmp_path, program):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools.Lacking, match="ltrace is not on this machine: apt-get install"):
        tools.lines(["ltrace"], program)
    a_tool(monkeypatch, tmp_path, "sys.exit(1)")
    with pytest.raises(tools.Lacking, match="strace is not of use on this machine"):
        tools.lines(["strace"], program)
    os.unlink(tmp_path / "p")
    with pytest.raises(tools.Lacking, match="p is gone"):
        tools.lines(["strace"], program)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
@pytest.mark.parametrize("is_there", [True, False])
def test_a_lesson_without_its_tool_leaves_out_and_holds(is_there, monkeypatch, tmp_path):
    if is_there and not shutil.which("strace"):
        pytest.skip("no strace")
    found = shutil.which
    monkeypatch.setattr(
        tools.shutil, "which", lambda tool: found(tool) if is_there or tool != "strace" else None
    )
    lesson = reading.read(LESSON % ("strace", "lines (", "strace"))
    played = rehearsal.Rehearsal(lesson, workshop.Workshop(str(tmp_path))).go()
    assert played.faults == []
    assert bool(played.notes) != is_there


@pytest.mark.parametrize(
    "words, pick, told",
    [
        ("stracy", "lines (", "unknown tool; expected: strace, ltrace, gdb"),
        ("strace", "counts.brk", "expected: tool WORDS ; lines TEXT"),
        ("strace 'x", "lines (", "No closing quotation"),
    ],
)
def test_a_tool_that_nobody_knows_is_a_mistake_with_its_line(words, pick, told):
    with pytest.raises(reading.LessonError, match="lesson:4:.*" + told):
        reading.read(LESSON % (words, pick, "strace"))


def test_what_a_trace_of_others_names_is_never_run():
    with pytest.raises(measured.Missing, match="only its trace"):
        measured.OfRun("others.brkpoint", {}).of_tool(tools.lines, ["strace"])


def test_a_script_that_says_something_else_is_no_value(monkeypatch, program):
    monkeypatch.setattr(tools, "_run", lambda words, trace: '{"counts": {"brk": [3, 4]}}')
    assert tools.value(["count-syscalls"], "counts.brk", program) == 2
    for pick in ("counts.mmap", "counts.brk.x"):
        with pytest.raises(tools.Lacking, match="says no " + pick):
            tools.value(["count-syscalls"], pick, program)
    assert issubclass(measured.Missing, measured.Unmeasured)
