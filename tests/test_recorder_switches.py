"""Call chains that go on from one stack to the next: split stacks, a language's own switches."""

import pytest
import recorder_runs
from recorder_runs import both, probe
from target_programs import brkpoint

from alloctrace import words
from alloctrace.spool import spool

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)

OUTSIDE = 3  # __libc_start_call_main, __libc_start_main, _start


def split():
    return probe("split.c", "-O1", "-fsplit-stack")


def stacks(past, size):
    """[spool.Stack] of the mallocs of that size."""
    return [past.stacks[e.stack] for e in past.events if e.name == "malloc" and e.size == size]


def test_the_pieces_of_a_split_stack(tmp_path):
    past = both(tmp_path, [split(), "40"]).history
    assert not any(stack.cut for stack in past.stacks.values())
    (stack,) = stacks(past, 8009)
    pcs = [pc for pc, _ in stack.frames]
    assert max(map(pcs.count, pcs)) == 40  # deep in deep; the innermost stands at another call
    assert len(pcs) > 1 + 41 + 1 + OUTSIDE


def test_both_engines_see_the_same_of_it():
    done = brkpoint("run", "--verify", split(), "40")
    assert "both engines saw the same" in done.stderr + done.stdout


@pytest.mark.parametrize("how", ["down", "up", "same"])
def test_a_function_that_changes_stacks(tmp_path, how):
    """Each goes one call and one change deeper, on a stack of its own; then back."""
    past = both(tmp_path, [probe("switching.c"), how, "7"]).history
    for size in (1009, 1013):
        found = stacks(past, size)
        assert not any(stack.cut for stack in found)
        depths = [len(stack.frames) for stack in found]
        base = 1 + 1 + 1 + OUTSIDE  # malloc, deeper, main
        down = list(range(base, base + 12, 2))
        assert depths == (down if size == 1009 else down[::-1]) * 7


def test_twin_a_function_that_does_not_is_not_followed_elsewhere(tmp_path):
    past = both(tmp_path, [probe("switching.c"), "table"]).history
    (stack,) = stacks(past, 1009)
    assert isinstance(stack, spool.Stack) and len(stack.frames) == 3
    assert words.CUTS[stack.cut] == "stack memory could not be read"
