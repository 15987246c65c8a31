"""strace, ltrace, gdb and the scripts in a lesson: what is missing is said, and nothing fails."""

import os
import shutil
import sys
from types import SimpleNamespace

import pytest

from course import measured, reading, rehearsal, tools, workshop
from course.surroundings import surroundings

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
def program(tmp_path, monkeypatch):
    """What a trace says of a program, as tools want it."""
    shutil.copy("/bin/true", tmp_path / "p")
    run = {"program_file": str(tmp_path / "p"), "command": ["./p", "word"]}
    path = str(tmp_path / "p.brkpoint")
    monkeypatch.setitem(tools.made_here, path, {})
    return SimpleNamespace(run=run, path=path)


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


def test_a_tool_sees_what_the_recording_saw(monkeypatch, tmp_path, program):
    """What is set for a run is set for the tool, and what changes allocators for none."""
    a_tool(monkeypatch, tmp_path, "import os; sys.stderr.write(str(sorted(os.environ)))")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    assert tools.value(["strace"], "lines MALLOC_ARENA_MAX", program) == 0
    monkeypatch.setitem(tools.made_here, program.path, {"MALLOC_ARENA_MAX": "1"})
    assert tools.value(["strace"], "lines MALLOC_ARENA_MAX", program) == 1
    assert tools.typed(["strace"], program) == "MALLOC_ARENA_MAX=1 strace ./p word"
    assert surroundings({"A": "1"})["A"] == "1" and "MALLOC_ARENA_MAX" not in surroundings({})
    monkeypatch.setitem(tools.made_here, program.path, None)  # the reader's own: as it is
    assert tools.value(["strace"], "lines MALLOC_ARENA_MAX", program) == 1


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


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_what_is_missing_hides_no_fault(tmp_path):
    """A library that is not here is a note; a sum that has no value is a fault, each time."""
    text = LESSON.replace("measure lines: tool %s ; %s", "measure lines: = reached / (1 - 1)")
    text = text.replace("program c:", "program gone: first.c ; needs libgone.so\nprogram c:")
    text = text.replace("show: tool %s", "show: verdict\nWith the library: {gone.reached: call}.")
    text = text.replace("program gone", "program d: first.c\nprogram gone", 1)
    text = text.replace("holds: lines > 0", "Some {lines: line}.\n\nAgain {lines: line}.")
    played = rehearsal.Rehearsal(reading.read(text), workshop.Workshop(str(tmp_path))).go()
    assert len(played.notes) == 1 and "libgone.so is not on this machine" in played.notes[0]
    assert len(played.faults) == 3 and all("division" in fault for fault in played.faults)


def test_what_no_query_finds_is_told_and_never_shown(tmp_path):
    values = reading.read_values("measure a: sql select 1\nmeasure b: = a + 'x'", "values")
    run = measured.OfRun("x", values)
    run.rows = lambda text: [(None,)]
    for _ in range(2):
        with pytest.raises(measured.Unmeasured, match="this run has no a"):
            run.value("a")
    run.rows = lambda text: [(1,)]
    run._values.clear()
    for _ in range(2):
        with pytest.raises(measured.Unmeasured, match="b: a .* 'x'"):
            run.value("b")
    own = reading.read_values("measure a: = b + 1\nmeasure b: = a", "values")
    with pytest.raises(measured.Broken, match="measured by itself"):
        measured.OfRun("x", own).value("a")


def test_a_command_that_failed_fails_again(monkeypatch):
    done = SimpleNamespace(returncode=1, stdout=b"no")
    monkeypatch.setattr(rehearsal.subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(rehearsal, "command", lambda *_: ["events", "x", "--one-that-fails"])
    played = rehearsal.Rehearsal(SimpleNamespace(), None)
    fact = SimpleNamespace(line=1, what="brkpoint events")
    for _ in range(2):
        played._prove(fact)
    done.returncode = 0
    for _ in range(2):
        played._prove(fact)
    assert len(played.faults) == 2


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


def test_what_a_trace_of_others_names_is_never_run(monkeypatch, tmp_path, program):
    """What a tool said is kept beside a trace, and taken from there."""
    a_tool(monkeypatch, tmp_path, "sys.stderr.write('brk(0)')")
    assert tools.lines(["strace"], program) == ["brk(0)"]
    (tmp_path / "others").mkdir()
    other = SimpleNamespace(run=program.run, path=str(tmp_path / "others" / "p.brkpoint"))
    run = measured.OfRun(other.path, {})
    run._trace = other
    with pytest.raises(measured.Missing, match="this run is a stored one"):
        run.of_tool(tools.lines, ["strace"])
    tools.keep(program.path, other.path)
    assert run.of_tool(tools.lines, ["strace"]) == ["brk(0)"]
    with pytest.raises(measured.Missing, match="what strace said"):
        run.of_tool(tools.lines, ["strace", "-f"])
    for damaged in ("", "[]", "{", '{"strace": null}'):
        (tmp_path / "others" / "p.tools.json").write_text(damaged)
        tools.said.clear()
        try:
            assert run.of_tool(tools.lines, ["strace"]) == ["None"]
        except measured.Missing:
            assert damaged != '{"strace": null}'


def test_a_script_that_says_something_else_is_no_value(monkeypatch, program):
    monkeypatch.setattr(tools, "_run", lambda words, trace: '{"counts": {"brk": [3, 4]}}')
    assert tools.value(["count-syscalls"], "counts.brk", program) == 2
    for pick in ("counts.mmap", "counts.brk.x"):
        with pytest.raises(tools.Lacking, match="says no " + pick):
            tools.value(["count-syscalls"], pick, program)
    assert issubclass(measured.Missing, measured.Unmeasured)


def test_a_proof_is_typed_as_its_lesson_has_it():
    """Python's quoting of an apostrophe is one that nobody types."""
    text = "brkpoint sql {trace} \"select 1 where kind = 'syscall' and count > {n}\""
    typed = rehearsal.typed(text, lambda text: text.replace("{n}", "3"), "/a b/{n}.brkpoint")
    said = "brkpoint sql '/a b/{n}.brkpoint' \"select 1 where kind = 'syscall' and count > 3\""
    assert typed == said
