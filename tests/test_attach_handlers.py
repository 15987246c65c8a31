"""brkpoint -p PID into programs whose signal handlers allocate: masks, registers, errno, timers and
words on stacks stay as they were. The long form is tests/attach_long.py (make attach-long)."""

import pytest
import recorder_runs
from attaching import PROBE_WELL, Running, hops, traced_by

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)
WRONG = 3  # the exit status of handlers.c where something was
PROGRAMS = 3  # rarely one holds what looks like a context that waits in the recorder's code


@pytest.mark.parametrize("kind", "siginfo altstack nested coroutines blocked forged whole".split())
def test_what_is_on_stacks_stays(tmp_path, kind):
    times = [0.001, 0.01] if kind == "whole" else [0.001, 0.003, 0.01, 0.03]
    for _ in range(PROGRAMS):
        with Running(tmp_path, "handlers.c", kind) as run:
            was_left = hops(tmp_path, run.pid, times)
            run.goes_on()
            assert traced_by(run.pid) == {}
            assert run.page.wrong == 0
            assert run.finish() == PROBE_WELL
        if was_left:
            return
    raise AssertionError("the recorder's code stayed in each of them")


def test_a_mask_that_is_not_as_it_was_is_noticed(tmp_path):
    with Running(tmp_path, "handlers.c", "broken") as run:
        run.goes_on(50)
        assert run.finish() == WRONG
