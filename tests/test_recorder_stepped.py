"""A signal at each single instruction of the agent: its handler allocates, leaves or forks, and what
is recorded is right (recorder/tests/probes/stepped.c)."""

import re

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, counted, probe, recorded

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
ROUNDS, LAST = 300, ("malloc", 1031)
AFTER = {("malloc", 1019): ROUNDS, LAST: 800}


def stepped(folder, way):
    """(what was recorded, what the program says it did)"""
    done = recorded(folder, [probe("stepped.c"), way])
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
