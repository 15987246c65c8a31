"""A child that has its parent's memory until it execs or ends (vfork, posix_spawn): what it asks
for there is its parent's, what becomes of it is not."""

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, both, probe

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


@pytest.mark.parametrize("way", ["lent-_exit", "lent-exit", "spawn-fails"])
def test_its_end_ends_no_phase_of_its_parent(tmp_path, way):
    past = both(tmp_path, [probe("children.c"), way]).history
    assert [border.how for border in past.borders[-2:]] == ["entry of main", "main returned"]
    marked = [e for e in past.events if e.kind == "call" and e.size in (1009, 1013, 1019)]
    assert {(event.phase, event.pid) for event in marked} == {("main", past.run["pid"])}
    assert sorted(event.size for event in marked) == (
        [1009, 1009] if way == "spawn-fails" else [1009, 1009, 1013, 1019]
    )
    ended = [event.block for event in past.events if event.name == "free" and event.ptr]
    assert None not in ended and {event.block for event in marked} <= set(ended)


def test_twin_its_parents_own_end(tmp_path):
    past = both(tmp_path, [probe("children.c"), "then-_exit"]).history
    assert past.borders[-1].how == "system call exit_group"
