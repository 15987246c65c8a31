"""Programs that may do or have less than others, by filters of system calls and limits: the
recorder takes nothing of it, and does nothing that they may not do."""

import ctypes
import errno
import struct

import pytest
import recorder_runs
from engine_runs import compile_c
from recorder_runs import NOT_BUILT, both, counted, probe, recorded
from target_programs import brkpoint

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
CAP_SYS_ADMIN = 21  # linux/capability.h
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38  # linux/prctl.h
SYS_SWAPON, SYS_PIDFD_OPEN = 167, 434  # asm/unistd_64.h
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
# Under a filter that allows all, in a program that began under it: a thread as Go makes its own,
# whose number the kernel writes nowhere.
BARE = r"""
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
static char stack[1 << 16] __attribute__((aligned(16)));
static long pointer[512];
static volatile int is_done;
static int work(void *arg)
{
    munmap(mmap(NULL, 1009 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1009 * 4096);
    is_done = 1;
    for (;;)
        pause();
    return arg != 0;
}
int main(int argc, char **argv)
{
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, all};
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    if (argc == 1) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program))
            return 77;
        execl("/proc/self/exe", argv[0], "bare", NULL);
        return 78;
    }
    pointer[0] = pointer[2] = (long)pointer;
    free(malloc(77));
    if (clone(work, stack + sizeof stack, flags | CLONE_SETTLS, NULL, NULL, pointer) < 0)
        return 79;
    while (!is_done)
        usleep(1000);
    return 0;
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


def under_a_filter(refused=SYS_SWAPON):
    """As in a container: brkpoint has it, too. One system call is refused."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    steps = [
        (0x20, 0, 0, 0),  # BPF_LD | BPF_W | BPF_ABS: its number
        (0x15, 0, 1, refused),  # BPF_JMP | BPF_JEQ | BPF_K
        (0x06, 0, 0, 0x00050000 | errno.EPERM),  # BPF_RET | BPF_K, SECCOMP_RET_ERRNO
        (0x06, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
        PR_SET_SECCOMP, 2, ctypes.byref(Program(len(steps), code))
    ):
        raise OSError(ctypes.get_errno(), "no filter")


def test_in_a_container_it_sleeps_and_looks_up_paths_itself(tmp_path):
    """Else each answer is waited for spinning, and each file that is mapped is asked for."""
    words = ["/bin/sh", "-c", "/bin/true; exec /bin/true"]
    (tmp_path / "free").mkdir()
    free = recorded(tmp_path / "free", words).history.cost["asks"]
    assert both(tmp_path, words, prepare=under_a_filter).history.cost["asks"] == free


def test_twin_a_program_with_a_filter_of_its_own_in_it(tmp_path):
    done = both(tmp_path, [probe("filter_thread.c"), "exec"], prepare=under_a_filter)
    assert counted(done.history, [1009])["malloc", 1009] == 2 * 53


def test_what_a_container_refuses_is_named(tmp_path):
    """It was called ptrace, which is permitted."""
    words = ["run", "--engine", "recorder", "-o", str(tmp_path / "t.brkpoint"), "/bin/true"]
    done = brkpoint(*words, preexec_fn=lambda: under_a_filter(SYS_PIDFD_OPEN))
    assert done.returncode == 125 and "pidfd_open" in done.stderr and "ptrace" not in done.stderr


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


def test_twin_another_thread_is_not_taken_for_the_first(tmp_path):
    """The first one's number is known; that of a thread that the kernel wrote nowhere is asked."""
    done = both(tmp_path, [compile_c(tmp_path, BARE)])
    mapped = [e for e in done.history.events if e.name == "mmap" and e.size == 1009 * 4096]
    first = {e.tid for e in done.history.events if e.name == "malloc" and e.size == 77}
    assert [e.pid for e in mapped] == list(first) and mapped[0].tid not in first
