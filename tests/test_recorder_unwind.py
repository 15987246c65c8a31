"""The recorder's unwind tables against readelf's, and its unwinder against gdb's own walk."""

import glob
import os
import re
import shutil
import subprocess

import pytest
import recorder_rows
import recorder_stacks
from engine_runs import compile_c
from recorder_programs import built

FILES = [
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/ld-linux-x86-64.so.2",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
    "/usr/bin/python3",
    "/usr/bin/git",
    "/sbin/ldconfig",
    "/bin/ls",
]
PROGRAMS = {
    "ls": ("/bin/ls", "/"),
    "awk": ("/usr/bin/awk", 'BEGIN { a["x"] = 1; print length(a) }'),
    "grep": ("/bin/grep", "-E", "a(b|c)+", "/etc/passwd"),
    "bash": ("/bin/bash", "-c", "for i in 1 2; do echo $(echo $i); done"),
    "sqlite3": ("/usr/bin/sqlite3", ":memory:", "create table t(a); select * from t"),
    "git": ("/usr/bin/git", "--version"),
    "perl": ("/usr/bin/perl", "-e", "my %h = (1 .. 20); print scalar(keys %h)"),
    "python3": ("/usr/bin/python3", "-c", "pass"),
    "make": ("/usr/bin/make", "--version"),
    "tar": ("/bin/tar", "cf", "/dev/null", "/etc/passwd"),
}
EVERY = {"bash": 7, "perl": 7, "python3": 31, "tar": 7, "sqlite3": 7, "grep": 7}

CASES = {
    "frame of its own for each call": """
#include <alloca.h>
#include <stdlib.h>
#include <string.h>
static int deeper(int n)
{
    char *room = alloca(n * 16 + 1);
    _Alignas(64) char line[64];
    memset(room, n, n * 16 + 1);
    memset(line, n, sizeof line);
    free(malloc(n + 1));
    return n ? deeper(n - 1) + room[n] + line[n & 63] : 0;
}
int main(void) { return !deeper(40); }
""",
    "deeper than the limit": """
#include <stdlib.h>
static int deeper(int n) { free(malloc(7)); return n ? deeper(n - 1) + 1 : 0; }
int main(void) { return deeper(300) != 300; }
""",
    "handler on another stack": """
#include <signal.h>
#include <stdlib.h>
static char room[65536];
static void handler(int n) { free(malloc(n)); }
static int crash(void) { return raise(SIGUSR1); }
int main(void)
{
    stack_t other = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaltstack(&other, 0);
    sigaction(SIGUSR1, &action, 0);
    return crash();
}
""",
    "coroutine": """
#include <stdlib.h>
#include <ucontext.h>
static ucontext_t back, there;
static char room[65536];
static void inside(void) { free(malloc(11)); swapcontext(&there, &back); }
int main(void)
{
    getcontext(&there);
    there.uc_stack.ss_sp = room;
    there.uc_stack.ss_size = sizeof room;
    there.uc_link = &back;
    makecontext(&there, inside, 0);
    return swapcontext(&back, &there);
}
""",
    "thread": """
#include <pthread.h>
#include <stdlib.h>
static void *work(void *n) { free(malloc(13)); return n; }
int main(void)
{
    pthread_t thread;
    return pthread_create(&thread, 0, work, 0) || pthread_join(thread, 0);
}
""",
    "interrupted anywhere": """
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
static volatile int handled;
static volatile size_t sum;
static void handler(int n) { free(malloc(n)); handled = 1; }
static int order(const void *a, const void *b) { return *(char *)a - *(char *)b; }
static __attribute__((noinline)) void work(int n)
{
    char text[80] = "the quick brown fox jumps over the lazy dog";
    qsort(text, 40 + n % 3, 1, order);
    sum += strlen(text) + (size_t)strchr(text, n);
}
int main(void)
{
    signal(SIGALRM, handler);
    for (int round = 0; round < 60; round++) {
        struct itimerval once = {.it_value = {0, 700 + 41 * round}};
        handled = 0;
        setitimer(ITIMER_REAL, &once, 0);
        for (int n = 0; !handled; n++)
            work(n);
    }
    return 0;
}
""",
    "function made at run time": """
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static void callee(void) { free(malloc(17)); }
int main(void)
{
    static const char code[] = "\\x48\\x83\\xec\\x08\\xff\\xd7\\x48\\x83\\xc4\\x08\\xc3";
    void *at = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at, code, sizeof code); /* sub $8, %rsp; call *%rdi; add $8, %rsp; ret */
    ((void (*)(void (*)(void)))at)(callee);
    return 0;
}
""",
}
LAZY = """
#include <dlfcn.h>
int main(void)
{
    void *b = dlopen("%s/b.so", RTLD_LAZY), *a = dlopen("%s/a.so", RTLD_LAZY | RTLD_GLOBAL);
    int (*here)(void) = a && b ? (int (*)(void))dlsym(b, "here") : 0;
    return !here || here() != 1;
}
"""
FLAGS = {
    "plain": (),
    "static": ("-static",),
    "realigned": ("-O2", "-mavx2", "-mstackrealign"),
    "no tables": ("-O2", "-fno-asynchronous-unwind-tables", "-g0"),
    "frame pointers": ("-O2", "-fno-asynchronous-unwind-tables", "-fno-omit-frame-pointer", "-g0"),
    "debug tables": ("-O2", "-fno-asynchronous-unwind-tables"),
}
FEW_FLAGS = ("plain", "no tables")


@pytest.mark.parametrize("path", filter(os.path.exists, FILES), ids=os.path.basename)
def test_rows_equal_those_of_readelf(path):
    compared, differ, _ = recorder_rows.compare(path)
    assert compared > 1000 and differ == []


def test_rows_that_are_wrong_are_noticed():
    rows = recorder_rows.Rows("/bin/ls")
    rows.rows = [row._replace(cfa=row.cfa + 8 * (row.kind == "rsp")) for row in rows.rows]
    _, differ, _ = recorder_rows.compare("/bin/ls", rows)
    assert len(differ) > 1000


@pytest.mark.parametrize("name", [name for name in PROGRAMS if os.path.exists(PROGRAMS[name][0])])
def test_stacks_of_programs_equal_gdb_s(tmp_path, name):
    path = recorder_stacks.dump(tmp_path, *PROGRAMS[name], every=EVERY.get(name, 1), limit=400)
    differ, counts = recorder_stacks.replay(path)
    assert differ == [] and counts.endswith(" 0 different") and not counts.startswith("0 ")


def cases():
    """Every case with every kind of table, but for those that cost much and show little more."""
    few = {"deeper than the limit", "thread", "function made at run time"}
    for case in CASES:
        yield from ((case, flags) for flags in FLAGS if case not in few or flags in FEW_FLAGS)


@pytest.mark.parametrize("case, flags", cases())
def test_stacks_of_cases_equal_gdb_s(tmp_path, case, flags):
    program = compile_c(tmp_path, CASES[case], *FLAGS[flags])
    differ, counts = recorder_stacks.replay(recorder_stacks.dump(tmp_path, program, limit=700))
    assert differ == [] and not counts.startswith("0 ")


@pytest.mark.skipif(not shutil.which("musl-gcc"), reason="no musl-gcc here")
@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["dynamic", "static"])
def test_stacks_of_musl_equal_gdb_s(tmp_path, flags):
    source = (
        "#include <stdlib.h>\n#include <string.h>\nint main(void) { return !strdup(%r); }" % "a"
    )
    program = str(tmp_path / "program")
    command = ["musl-gcc", "-O0", "-fno-builtin", "-x", "c", "-", "-o", program, *flags]
    subprocess.run(command, input=source.replace("'", '"'), text=True, check=True)
    differ, counts = recorder_stacks.replay(recorder_stacks.dump(tmp_path, program))
    assert differ == [] and not counts.startswith("0 ")


def test_stacks_through_lazy_binding_equal_gdb_s(tmp_path):
    """The loader allocates while it binds a name: _dl_runtime_resolve's CFA stands on rbx."""
    shared = ("-shared", "-fPIC", "-Wl,-z,lazy")
    compile_c(tmp_path, "int there(void) { return 1; }", *shared, name="a.so")
    compile_c(tmp_path, "int there(void); int here(void) { return there(); }", *shared, name="b.so")
    program = compile_c(tmp_path, LAZY % (tmp_path, tmp_path), "-O2")
    path = recorder_stacks.dump(tmp_path, program)
    differ, counts = recorder_stacks.replay(path)
    assert differ == [] and not counts.startswith("0 ")
    recorder = recorder_stacks.replay(path, "kinds")[0]
    assert any(line == "kind rbx" for line in recorder)


def test_threads_and_signal_handlers_share_one_cache():
    done = subprocess.run([built("unwind_shared"), "3"], capture_output=True, text=True)
    walks, wrong = re.match(r"(\d+) walks, (\d+) wrong$", done.stdout).groups()
    assert int(walks) > 10000 and int(wrong) == 0


@pytest.mark.skipif(not glob.glob("/usr/include/*/libunwind.h"), reason="no libunwind-dev here")
def test_walks_equal_libunwind_s():
    """`build/recorder-tests/tests/unwind_speed` measures the cost of both."""
    done = subprocess.run([built("unwind_speed"), "1000"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("equal") == 2, done.stdout


def test_a_table_that_is_wrong_is_noticed(tmp_path):
    path = recorder_stacks.dump(tmp_path, "/bin/ls", "/")
    differ, counts = recorder_stacks.replay(path, "corrupt")
    assert len(differ) > 50 and not counts.endswith(" 0 different")
