"""A program that looks at itself by ptrace, as LeakSanitizer does at its end, is let go there and
ends as by itself."""

import subprocess

import pytest
from engine_runs import calls, compile_c, record

LEAKY = """
#include <stdlib.h>
int main(void)
{
    void *volatile p = malloc(2302);
    p = 0;
    return 0;
}
"""
# A child that shares the program's memory and calls what has a breakpoint in it.
SHARED = """
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
static char stack[1 << 16];
static int work(void *p)
{
    free(malloc(1013));
    return 7;
}
int main(void)
{
    int status = 0;
    free(malloc(1009));
    int child = clone(work, stack + sizeof stack, CLONE_VM | FLAGS, 0);
    if (waitpid(child, &status, __WALL) != child || WEXITSTATUS(status) != 7)
        return 1;
    free(malloc(1019));
    return 3;
}
"""
KINDS = ["address", "leak"]


def sanitized(folder, kind):
    try:
        return compile_c(folder, LEAKY, "-fsanitize=" + kind, name=kind)
    except subprocess.CalledProcessError:
        pytest.skip("no sanitizer: " + kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_leak_check_at_the_end(tmp_path, kind):
    program = sanitized(tmp_path, kind)
    alone = subprocess.run([program], capture_output=True, timeout=60).returncode
    recorded, out = record(tmp_path, program)
    assert out.strip() == "outcome exited %d False" % alone
    assert ("malloc", 2302) in calls(recorded)
    assert recorded.end["kind"] == "detached"


def test_a_child_that_may_not_be_traced(tmp_path):
    program = compile_c(tmp_path, SHARED, "-DFLAGS=CLONE_UNTRACED")
    recorded, out = record(tmp_path, program)
    assert out.strip() == "outcome exited 3 False"
    assert calls(recorded) == [("malloc", 1009), ("free", None)]


def test_twin_a_child_that_may_be_traced(tmp_path):
    recorded, out = record(tmp_path, compile_c(tmp_path, SHARED, "-DFLAGS=0"))
    assert out.strip().startswith("outcome exited 3 ")
    assert recorded.end["kind"] == "exited"
