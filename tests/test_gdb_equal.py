"""A recording in a person's gdb equals the engine's: events, origins, purposes, borders."""

import os

import pytest
from engine_runs import compile_c
from gdb_sessions import SOURCE, gdb
from target_programs import ROOT, brkpoint

EVENTS = "select kind, name, size, nmemb, phase, origin, purpose, cause, outer from events"
BORDERS = "select phase, how from borders"
TARGETS = (
    "vec_fn.stripped",
    "empty.small-stripped",
    "alloc.musl-dynamic",
    "static_object",
    "dlopen",
    "family",
    "longjmp",
    "success_asm",
)


pytestmark = pytest.mark.usefixtures("built")


def both(folder, program):
    """Two traces of one program: of a session in a plain gdb, and of the engine."""
    mine, theirs = str(folder / "session.brkpoint"), str(folder / "engine.brkpoint")
    lines = ["starti", "alloc trace start", "continue", "alloc trace save " + mine]
    assert "Saved" in gdb(folder, lines, program)
    brkpoint("run", "--quiet", "-o", theirs, program)
    return mine, theirs


def rows(trace, query):
    """What differs from run to run is left out: the size of a file that is the system's."""
    done = brkpoint("sql", trace, query)
    assert done.returncode == 0, done.stderr
    return [row for row in done.stdout.split("\n") if "ld.so.cache" not in row]


def assert_equal(mine, theirs):
    assert rows(mine, BORDERS) == rows(theirs, BORDERS)
    assert rows(mine, EVENTS) == rows(theirs, EVENTS)


@pytest.mark.parametrize("name", TARGETS)
def test_targets(tmp_path, name):
    program = os.path.join(ROOT, "build", "targets", name)
    if not os.path.exists(program):
        pytest.skip("%s cannot be built here" % name)
    assert_equal(*both(tmp_path, program))


@pytest.mark.parametrize("flags", [["-s"], ["-static"], ["-no-pie"], ["-static-pie"]])
def test_main_is_found_without_stepping(tmp_path, flags):
    mine, theirs = both(tmp_path, compile_c(tmp_path, SOURCE, *flags))
    assert_equal(mine, theirs)
    assert any(row.startswith("main\t") for row in rows(mine, BORDERS))


def test_the_comparison_can_fail(tmp_path):
    mine, theirs = both(tmp_path, compile_c(tmp_path, SOURCE))
    assert rows(mine, EVENTS)[1:] != rows(theirs, EVENTS)
    with pytest.raises(AssertionError):
        other = compile_c(tmp_path, SOURCE.replace("malloc(17)", "malloc(19)"), name="other")
        assert_equal(mine, both(tmp_path_of(tmp_path), other)[1])


def tmp_path_of(folder):
    """Another empty folder beside it."""
    made = folder / "second"
    made.mkdir()
    return made
