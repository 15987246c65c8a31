"""The program's own unwinder passes through the recorder's frames: exceptions, cancellation,
pthread_exit and backtraces are as ever, wherever a signal lands."""

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, both, counted, probe, recorded

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


@pytest.mark.parametrize("words", [[], ["anywhere"]])
def test_cancelled_threads(tmp_path, words):
    done = both(tmp_path, [probe("cancel.c"), *words])
    counts = counted(done.history, (1009, 1013))
    assert counts["malloc", 1013] == 31
    assert counts["malloc", 1009] > 31


@pytest.mark.parametrize("flags", [[], ["-static-libgcc"]])
@pytest.mark.parametrize("word", ["throw", "backtrace"])
def test_an_allocator_that_looks_at_its_callers(tmp_path, word, flags):
    both(tmp_path, [probe("throwing.cc", *flags, name="throwing" + "".join(flags)), word])


def test_a_call_that_was_thrown_out_of_has_no_result(tmp_path):
    done = recorded(tmp_path, [probe("throwing.cc"), "throw"])
    (call,) = [e for e in done.history.events if e.size == 1009]
    assert call.result is None and call.dur_ns is None and call.block is None


@pytest.mark.parametrize("word", ["exit", "cancel"])
def test_threads_that_end_inside_an_allocator(tmp_path, word):
    """Destructors outside of it run, as they do without the recorder."""
    done = both(tmp_path, [probe("passing.cc"), word])
    assert done.out == b"destroyed 66\n"
    assert counted(done.history, (1013,)) == {("malloc", 1013): 23}


def test_a_profiler_sees_whole_stacks(tmp_path):
    """Signals land in the agent, in copied instructions, and around system calls."""
    both(tmp_path, [probe("passing.cc"), "profile"])
