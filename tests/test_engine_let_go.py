"""A program that makes a child which gdb does not know for one, as LeakSanitizer does at its end to
look at it by ptrace, is let go there and ends as by itself."""

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
    alone = subprocess.run([program], capture_output=True, timeout=300).returncode
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


# A child with memory of its own, and another signal for its end than SIGCHLD.
SILENT = """
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static long made;
static long child(long flags, long signal)
{
    long args[11] = {flags, 0, 0, 0, signal};
    if (++made > 3)
        _exit(9); /* else one that goes wrong begins another, and so on */
    return THREE ? syscall(SYS_clone3, args, 64) : syscall(SYS_clone, flags | signal, 0, 0, 0, 0);
}
int main(void)
{
    int status = 0;
    free(malloc(1009));
    long pid = child(FLAGS, SIGNAL);
    if (pid == 0) {
        free(malloc(1013));
        _exit(7);
    }
    if (waitpid(pid, &status, __WALL) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
        return 1;
    free(malloc(1019));
    return 3;
}
"""


@pytest.mark.parametrize("three", [0, 1])
@pytest.mark.parametrize("flags, signal", [("0", "0"), ("0", "SIGURG"), ("0x800000", "SIGCHLD")])
def test_a_child_that_gdb_does_not_know_for_one(tmp_path, flags, signal, three):
    """It was taken for a thread, and its parent waited for it for ever."""
    kinds = ["-DFLAGS=" + flags, "-DSIGNAL=" + signal, "-DTHREE=%d" % three]
    program = compile_c(tmp_path, SILENT, *kinds)
    recorded, out = record(tmp_path, program)
    assert out.strip() == "outcome exited 3 False"
    assert calls(recorded) == [("malloc", 1009), ("free", None)]


@pytest.mark.parametrize("three", [0, 1])
def test_twin_a_child_as_fork_makes_it(tmp_path, three):
    kinds = ["-DFLAGS=0", "-DSIGNAL=SIGCHLD", "-DTHREE=%d" % three]
    recorded, out = record(tmp_path, compile_c(tmp_path, SILENT, *kinds))
    assert out.strip() == "outcome exited 3 True"
    assert ("malloc", 1019) in calls(recorded)
