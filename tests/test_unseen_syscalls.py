"""Memory syscalls that no hook sees: what they leave behind is noticed, and nothing else is."""

import subprocess

import pytest
import recorder_runs
from recorder_programs import SANITIZED, built
from recorder_runs import NOT_BUILT, alone, probe, recorded

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


def unseen(run):
    return [row["why"] for row in run.history.unseen if row["kind"] == "syscalls"]


@pytest.mark.parametrize("how", ["map", "hole"])
def test_what_code_made_at_run_time_maps_is_missed_aloud(tmp_path, how):
    run = recorded(tmp_path, [probe("made_code.c"), how])
    assert run.status == 0
    (why,) = unseen(run)
    assert why.startswith("28672 bytes were mapped by system calls that were not seen")
    assert run.history.made_code == 4096


@pytest.mark.parametrize("how", ["none", "twice"])
def test_twin_where_nothing_is_left_nothing_is_said(tmp_path, how):
    run = recorded(tmp_path, [probe("made_code.c"), how])
    assert run.status == 0 and unseen(run) == []
    assert run.history.made_code == 4096  # that it has such code is told in any case


def test_a_gate_of_32_bits(tmp_path):
    words = [probe("made_code.c"), "gate"]
    if alone(words).status != 0:
        pytest.skip("this kernel has no int 0x80")
    run = recorded(tmp_path, words)
    assert run.status == 0 and len(unseen(run)) == 1


@pytest.mark.parametrize("times", range(4))
def test_threads_that_map_and_unmap_are_understood(tmp_path, times):
    run = recorded(tmp_path, [probe("remapping.c")])
    assert run.status == 0 and run.complete
    assert len(run.history.children) == 5
    assert unseen(run) == [] and run.history.made_code == 0


def test_ranges():
    program = built("ranges_random", SANITIZED)
    for seed in range(1, 6):
        done = subprocess.run([program, str(seed)], capture_output=True, text=True, check=True)
        assert done.stdout == "0\n"
