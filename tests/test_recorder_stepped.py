"""A signal at each single instruction of the agent: its handler allocates, leaves or forks, and
what is recorded is right (recorder/tests/probes/stepped.c)."""

import re

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, counted, probe, recorded

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
ROUNDS, LAST = 300, ("malloc", 1031)
AFTER = {("malloc", 1019): ROUNDS, LAST: 800}


def stepped(folder, *words):
    """(what was recorded, what the program says it did)"""
    done = recorded(folder, [probe("stepped.c"), *words])
    assert done.status == 0 and done.complete
    return done.history, [int(n) for n in re.findall(rb"\d+", done.out)]


def test_a_handler_that_allocates(tmp_path):
    past, (main, handler, _) = stepped(tmp_path, "stay")
    assert handler > 150 and past.lost == 0
    sizes = (1009, 1013, 1019, 1031)
    assert counted(past, sizes) == {**AFTER, ("malloc", 1009): main, ("malloc", 1013): handler}


def test_a_child_that_ends_while_its_parent_is_in_the_agent(tmp_path):
    """What the parent is about to record is not given up with the child."""
    past, (main, _, _) = stepped(tmp_path, "end")
    assert past.lost == 0
    assert counted(past, (1009, 1019, 1031)) == {**AFTER, ("malloc", 1009): main}


def test_a_child_that_goes_on_where_its_parent_unwound_a_stack(tmp_path):
    """Both are recorded, each as itself, and neither goes through a list that two have made."""
    done = recorded(tmp_path, [probe("forks_inside.c")])
    assert done.status == 0 and done.complete and done.history.lost == 0
    assert counted(done.history, (1009, 1019)) == {("malloc", 1009): 23, ("malloc", 1019): 23}
    forked = counted(done.history, (1009, 1021), children=True)
    assert forked["malloc", 1009] == forked["malloc", 1021] > 15
    past = done.history
    stacks = [past.stacks[event.stack] for event in past.events if event.size == 1009]
    lengths = {len(stack.frames) for stack in stacks}
    assert len(lengths) == 1 and min(lengths) > 12  # 10 times deeper(), one_round(), main()


def test_jumps_leave_the_clock_running(tmp_path):
    """From the instruction that counts down to the next time stamp, too: 19 sleeps of 10 ms lie
    between the last calls, which have a stamp now and then."""
    past, _ = stepped(tmp_path, "jump", "9001")
    assert past.lost == 0 and counted(past, (1019,)) == {("malloc", 1019): 9001}
    times = [event.t_ns for event in past.events if (event.name, event.size) == LAST]
    assert len(times) == 800 and times[-1] - times[0] > 100_000_000


def test_a_thread_that_ends_behind_a_jump(tmp_path):
    """What it has done since is recorded, wherever the jump left the agent."""
    past, _ = stepped(tmp_path, "leave")
    assert past.lost == 0 and counted(past, (1019,)) == {("malloc", 1019): ROUNDS}
