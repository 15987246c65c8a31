"""Programs that may do or have less than others, by filters of system calls and limits: the recorder
takes nothing of it, and does nothing that they may not do."""

import pytest
import recorder_runs
from engine_runs import compile_c
from recorder_runs import NOT_BUILT, both, counted, probe

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
CAP_SYS_ADMIN = 21  # linux/capability.h
FILLS = r"""
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    int count = 0;
    while (count < 1000 && malloc(10000) != NULL)
        count++;
    return printf("%d\n", count) < 0;
}
"""


def filtered(folder, way):
    """Counts the program's calls: of what begins under a filter by an exec, too."""
    done = both(folder, [probe("filter_thread.c"), way])
    return counted(done.history, [1009])["malloc", 1009]


def test_a_program_that_begins_under_a_filter(tmp_path):
    """It may not ask for its number, before its exec and behind it."""
    assert filtered(tmp_path, "exec") == 2 * 53


def test_a_child_had_its_memory_before_there_was_a_filter(tmp_path):
    """That it has gone is known without asking who it is that ends."""
    assert filtered(tmp_path, "spawned") == 2 * 53


def field(name):
    with open("/proc/self/status") as file:
        return next(line.split()[1] for line in file if line.startswith(name + ":"))


def test_a_filter_that_forbids_what_is_done_before_a_program(tmp_path):
    """It looks away meanwhile, where we may tell it to (ptrace(2), PTRACE_O_SUSPEND_SECCOMP)."""
    if not int(field("CapEff"), 16) >> CAP_SYS_ADMIN & 1 or int(field("Seccomp")):
        pytest.skip("no filter may be suspended here")
    assert filtered(tmp_path, "exec-advice") == 2 * 53


def test_data_is_limited(tmp_path):
    """What is mapped for the recorder is none of it (`ulimit -d`)."""
    program = compile_c(tmp_path, FILLS)
    done = both(tmp_path, ["/bin/sh", "-c", 'ulimit -d 1000; exec "$@"', "sh", program])
    assert 20 < int(done.out) < 101
