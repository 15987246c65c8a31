"""Programs that exec others: nothing of it is missed, and nothing is harmed, at whatever moment."""

import json
import os
import resource
import struct
import time

import launching
import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, both, counted, probe, recorded

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


def test_amid_signals(tmp_path):
    """Signals that come while a program is planted come afterwards; its mask and what it ignores
    are as they were. Each of the programs is recorded."""
    done = both(tmp_path, [probe("execs.c"), "signals", "30"])
    assert counted(done.history, (1009,)) == {("malloc", 1009): 31}


def test_the_parent_of_a_spawned_one(tmp_path):
    """Not whichever process is looked at last."""
    done = recorded(tmp_path, [probe("execs.c"), "beside"])
    first = done.history.run["pid"]
    assert [child["parent"] for child in done.history.children] == [first, first]


def broken_program(path):
    """The kernel sees only after it has given up the old program that this one cannot be mapped."""
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0xFFFF800000000000, 0, 4096, 4096, 4096)
    path.write_bytes((head + segment).ljust(8192, b"\0"))
    path.chmod(0o755)


def test_one_that_dies_of_its_exec(tmp_path):
    """The recorder does not wait for it ever after."""
    broken_program(tmp_path / "broken")
    begun, spent = time.monotonic(), _spent()
    done = both(tmp_path, [probe("execs.c"), "vain", str(tmp_path / "broken")])
    assert done.out == b"killed: 1\n"
    assert _spent() - spent < (time.monotonic() - begun) / 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace here")
def test_in_a_pid_namespace_nobody_else_is_traced(tmp_path):
    """There a thread's number is another's outside: it is not believed."""
    words = [b"/usr/bin/unshare", b"-pf", b"sh", b"-c", b"grep TracerPid /proc/1/status; true"]
    options = [b"--engine", b"recorder"]
    done = launching.run(launching.watched(*words, options=options, trace=tmp_path / "t.brkpoint"))
    assert done.out == b"TracerPid:\t0\n"
    reasons = json.dumps(launching.report(tmp_path))
    assert "is it in a PID namespace" in reasons


def _spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
