"""brkpoint -p PID, where a handler of a signal has switched away from the recorder's code, or from
bytes that a jump would be written over: nobody runs that context when code is planted or taken
away, and it goes on afterwards as without us."""

import pytest
import recorder_runs
from attaching import PROBE_WELL, Attached, Running, state, until
from witnesses import fix_addresses

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)


def let_wait(run):
    run.page.put("go", 1)
    until(lambda: run.page.done == 1)
    run.goes_on()


def let_go_on(run):
    run.page.put("go", 2)
    until(lambda: run.page.done == 2 or run.process.poll() is not None)
    assert run.finish() == PROBE_WELL


def leave(attached):
    """What it says, in one line."""
    status, text = attached.leave()
    assert status == 0, text
    return " ".join(text.split())


@pytest.mark.parametrize(
    "kind, note, flag",
    [
        ("syscall", "saved contexts", None),
        ("copied", "saved contexts", None),
        ("own", "saved contexts", None),
        ("own", "saved contexts", "-no-pie"),  # where small numbers may look like one
        ("call", "have not returned", None),
        ("elsewhere", "", None),
        ("elsewhere", "", "-no-pie"),
    ],
)
def test_a_context_that_waits_in_the_code_goes_on(tmp_path, kind, note, flag):
    with Running(tmp_path, "saved.c", kind, flag=flag) as run:
        before = state(run)
        attached = Attached(tmp_path, run.pid)
        let_wait(run)
        said = leave(attached)
        assert (state(run) == before) == (kind == "elsewhere")
        let_go_on(run)
    assert ((note or "stays") in said) == bool(note)


@pytest.mark.parametrize(
    "kind, seen",
    [
        ("entry", False),
        ("entry local", False),
        ("elsewhere", True),
        ("elsewhere local", True),
    ],
)
def test_no_jump_is_written_where_one_waits(tmp_path, kind, seen):
    with Running(tmp_path, "saved.c", *kind.split()) as run:
        let_wait(run)
        before = state(run)
        attached = Attached(tmp_path, run.pid)
        run.goes_on()
        said = leave(attached)
        assert state(run) == before
        let_go_on(run)
    assert ("malloc at 0x" in said and "is not seen" in said) != seen


def test_another_program_that_begins_while_jumps_still_wait_to_be_written(tmp_path):
    """What was planned for the one is not written into the other, which has its own, at the same
    addresses."""
    with Running(tmp_path, "saved.c", "entry", preexec_fn=fix_addresses) as run:
        let_wait(run)
        run.page.put("go", 3)
        attached = Attached(tmp_path, run.pid)
        until(lambda: run.page.done == 2)
        run.goes_on(20)
        said = leave(attached)
        assert run.finish() == PROBE_WELL
    assert "is not seen" not in said and "stays in" not in said
    (process,) = attached.report()["processes"]
    first, second = process["programs"]
    assert first["ended_by_exec"] and second["calls"] > 40
