"""A call inside another one that ends or resizes a foreign block, as a handler's does that
interrupts malloc: both histories agree on what is live, and the list of blocks with the sums."""

import subprocess

import pytest
import recorder_runs
from made_records import LIBC, MAIN, TOP, Made, write_spool
from test_history_c import TOOL, tool  # noqa: F401

from alloctrace.history import groups, history
from alloctrace.spool import spool

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)
CASES = {
    "free": ("free", (0xA000,), 0, [10]),
    "realloc to nothing": ("realloc", (0xA000, 0), 0, [10]),
    "realloc that moves": ("realloc", (0xA000, 128), 0xC000, [10, 128]),
    "realloc that fails": ("realloc", (0xA000, 128), 0, [10, 64]),
    "free of what was never seen": ("free", (0xE000,), 0, [10, 64]),
}


def live(sums):
    return sum(g.live_bytes for g in sums.groups), sum(g.live_blocks for g in sums.groups)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("outer", ["malloc", "free", "realloc"])
def test_inside_another_call(tmp_path, name, outer):
    point, arguments, result, left = CASES[name]
    made = Made()
    made.call("malloc", 64, result=0xA000)
    made.call("malloc", 10, result=0xB000)
    begins = {"malloc": (3,), "free": (0xB000,), "realloc": (0xB000, 20)}[outer]
    ends = {"malloc": 0xD000, "free": 0, "realloc": 0xD000}[outer]
    mine = {"malloc": [3, 10], "free": [], "realloc": [20]}[outer]
    made.enter(outer, *begins, line=5)
    stack = made.stack((LIBC + 5, TOP - 200), (LIBC + 1, TOP - 64), (MAIN + 5, TOP))
    made.enter(point, *arguments, sp=TOP - 200, stack=stack)
    made.leave(point, result, TOP - 200)
    made.leave(outer, ends)
    write_spool(tmp_path / "a", made.records)
    subprocess.run([TOOL, tmp_path / "a", tmp_path / "c"], check=True)
    in_c, here = (history.build(spool.read(str(tmp_path / name))) for name in "ca")
    wanted = sorted(mine + left[1:])
    assert sorted(block.size for block in in_c.blocks) == wanted
    assert sorted(block.size for block in here.blocks) == wanted
    sums = groups.of_events(here.events)
    assert live(in_c.packed.sums) == live(sums) == (sum(wanted), len(wanted))


def test_what_another_thread_does_meanwhile_changes_nothing(tmp_path):
    """realloc(p) frees p inside itself, and another thread's event stands between the two."""
    made = Made()
    made.call("malloc", 64, result=0xA000)
    made.enter("realloc", 0xA000, 128, line=5)
    made.info("thread", tid=78, t_ns=made.tick())
    made.call("malloc", 3, result=0xC000, tid=78)
    stack = made.stack((LIBC + 5, TOP - 200), (LIBC + 1, TOP - 64), (MAIN + 5, TOP))
    made.enter("free", 0xA000, sp=TOP - 200, stack=stack)
    made.leave("free", 0, TOP - 200)
    made.leave("realloc", 0xB000)
    write_spool(tmp_path / "a", made.records)
    subprocess.run([TOOL, tmp_path / "a", tmp_path / "c"], check=True)
    in_c, here = (history.build(spool.read(str(tmp_path / name))) for name in "ca")
    sums = groups.of_events(here.events)
    assert live(in_c.packed.sums) == live(sums) == (131, 2)
