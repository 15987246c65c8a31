"""brkpoint -p PID on real programs, and where it must refuse."""

import ctypes
import os
import pathlib
import resource
import shutil
import signal
import subprocess

import launching
import pytest
import recorder_runs
from engine_runs import compile_c
from start import attach
from attaching import PROBE_WELL, Attached, Running, mappings, totals, traced_by, until

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)


class Talking:
    """A program that answers each line it is given with a line."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def finish(self):
        self.process.stdin.close()
        return self.process.wait(300)


THREADS = """
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *run(void *arg)
{
    void *p[10];
    for (int i = 0; i < 10; i++)
        p[i] = malloc(24 + 16 * i);
    for (int i = 0; i < 10; i++)
        free(p[i]);
    return arg;
}
static void threads(int count)
{
    pthread_t thread;
    for (int i = 0; i < count; i++)
        if (pthread_create(&thread, NULL, run, NULL) == 0)
            pthread_join(thread, NULL);
}
int main(void)
{
    char byte = 'x';
    void *old = malloc(1009);
    threads(1);
    if (write(1, &byte, 1) != 1 || read(0, &byte, 1) != 1)
        return 1;
    threads(6);
    free(old); /* the one block from before */
    return write(1, &byte, 1) != 1 || read(0, &byte, 1) != 0;
}
"""
PYTHON = """
import json, sys
for line in sys.stdin:
    if line.startswith("import"):
        exec(line)
    value = [dict(n=i, s="x" * (i % 1000)) for i in range(int(line.split()[-1]))]
    print(len(json.dumps(value)), flush=True)
"""


def left_alone(program, before):
    return mappings(program.pid) == before and traced_by(program.pid) == {}


def test_python_that_loads_libraries_meanwhile(tmp_path):
    with Talking("/usr/bin/python3", "-c", PYTHON) as program:
        expected = program.ask("2000")
        attached = Attached(tmp_path, program.pid)
        assert program.ask("2000") == expected
        assert int(program.ask("import sqlite3, decimal, ctypes # 7")) > 0
        status, said = attached.leave()
        assert status == 0, said
        assert traced_by(program.pid) == {}
        assert not [m for m in mappings(program.pid) if "brkpoint" in m[3]]
        assert program.ask("2000") == expected
        assert program.finish() == 0
    report = attached.report()
    assert totals(report, "malloc") > 1000
    assert report["attached"]["unknown_blocks"] > 0  # what it had from before, freed now
    assert "before" in {row["kind"] for row in report["not_seen"]}


@pytest.mark.parametrize("mib, stays", [(40, True), (1, False)])
def test_a_large_program_is_not_made_to_wait(tmp_path, mib, stays):
    """To read all that it holds would take long: what a saved context may lead to stays there."""
    with Talking("/usr/bin/python3", "-c", PYTHON) as program:
        hold = "import array; held = array.array('b', b'x' * (%d << 20)) # 7" % mib
        expected = program.ask(hold)
        attached = Attached(tmp_path, program.pid)
        program.ask("2000")
        status, said = attached.leave()
        assert status == 0 and ("code stays in process" in said) == stays, said
        assert any("brkpoint" in m[3] for m in mappings(program.pid)) == stays
        assert traced_by(program.pid) == {}
        assert program.ask("import json # 7") == expected
        assert program.finish() == 0


def test_threads_that_give_their_caches_back(tmp_path):
    """At a thread's end libc frees what it had cached: no block from before the attach, nor any."""
    path = compile_c(tmp_path, THREADS, "-pthread")
    with subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        program.stdout.read(1)
        attached = Attached(tmp_path, program.pid)
        program.stdin.write(b"x")
        program.stdin.flush()
        program.stdout.read(1)
        status, said = attached.leave()
        program.stdin.close()
    assert status == 0, said
    report = attached.report()
    assert totals(report, "malloc") >= 60 and report["attached"]["unknown_blocks"] == 1


def test_sqlite_that_reads_a_pipe(tmp_path):
    with Talking("sqlite3", "-batch") as program:
        program.process.stdin.write("create table t(a, b);\n")
        assert program.ask("select 17;") == "17"
        before = mappings(program.pid)
        attached = Attached(tmp_path, program.pid)
        for number in range(50):
            program.process.stdin.write("insert into t values(%d, zeroblob(300));\n" % number)
        assert program.ask("select count(*), sum(a) from t;") == "50|1225"
        assert attached.leave()[0] == 0
        assert left_alone(program, before)
        assert program.ask("select count(*) from t;") == "50"
        assert program.finish() == 0
    assert totals(attached.report(), "malloc") > 50


def test_bash_and_its_children(tmp_path):
    with Talking("bash") as program:
        assert program.ask("echo 17") == "17"
        before = mappings(program.pid)
        attached = Attached(tmp_path, program.pid)
        assert program.ask("for i in 1 2 3; do (echo x | wc -c); done | paste -s -d+") == "2+2+2"
        assert program.ask("sleep 60 & echo $!").isdigit()
        sleeping = launching.descendants(program.pid)
        until(lambda: [launching.name_of(pid) for pid in sleeping] == ["sleep"])
        assert attached.leave()[0] == 0
        assert left_alone(program, before)
        assert not [m for m in mappings(sleeping[0]) if "brkpoint" in m[3]]
        assert program.ask("kill %1; wait; echo done") == "done"
        assert program.finish() == 0
    report = attached.report()
    assert report["complete"] and totals(report, "malloc") > 100
    functions = {row["function"] for row in report["sites"]}
    assert functions  # of bash, and of what it started


@pytest.mark.parametrize("flag", ["-static", "-no-pie", "-static-pie"])
def test_other_kinds_of_programs(tmp_path, flag):
    with Running(tmp_path, "attached.c", "2", flag=flag) as run:
        before = mappings(run.pid)
        attached = Attached(tmp_path, run.pid)
        run.goes_on(20)
        assert attached.leave()[0] == 0
        assert left_alone(run, before)
        assert run.finish() == PROBE_WELL
    assert totals(attached.report(), "malloc") > 100


# ---- where it is refused ----


def refused(pid, *options):
    words = [launching.BRKPOINT, "-p", str(pid), "--quiet", *options]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/", timeout=300)
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    return done.returncode, done.stderr


def in_state(prepare):
    """The pid of a child that has run `prepare` and waits."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            prepare()
            os.write(writing, b"x")
            signal.pause()
        finally:
            os._exit(1)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    os.close(writing)
    return pid


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_no_such_process():
    pid = in_state(lambda: None)
    end(pid)
    assert refused(pid) == (125, "brkpoint: there is no process %d (see: ps -e)\n" % pid)


def test_one_that_has_ended():
    process = subprocess.Popen(["/bin/true"])
    until(lambda: launching.state_of(process.pid) == b"Z")
    assert "has ended already" in refused(process.pid)[1]
    process.wait()


def test_one_that_is_traced(tmp_path):
    with Running(tmp_path, "attached.c", "1") as run:
        tracer = subprocess.Popen(
            ["gdb", "-nx", "-batch", "-p", str(run.pid), "-ex", "shell sleep 60"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: traced_by(run.pid))
        said = refused(run.pid)[1]
        tracer.kill()
        tracer.wait()
    assert "is being traced by gdb (process %d) already" % tracer.pid in said


def _filter():
    """Seccomp with a filter that allows everything."""
    allow = (ctypes.c_uint64 * 1)(0x7FFF000000000006)  # BPF_RET | BPF_K, SECCOMP_RET_ALLOW
    program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, program, 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


def test_one_under_seccomp():
    pid = in_state(_filter)
    said = refused(pid)[1]
    assert "under seccomp" in said and "brkpoint PROGRAM" in said
    end(pid)


def test_one_that_locks_what_it_maps():
    """1.3 GB of the recorder's would be locked as well."""
    pid = in_state(lambda: ctypes.CDLL(None).mlockall(2))  # MCL_FUTURE
    before = mappings(pid)
    said = refused(pid)[1]
    assert "mlockall" in said
    assert mappings(pid) == before and traced_by(pid) == {}
    end(pid)


@pytest.mark.parametrize(
    "limit, most, raised",
    [(resource.RLIMIT_NOFILE, 3, "nofile=4096"), (resource.RLIMIT_AS, 64 << 20, "as=unlimited")],
)
def test_one_whose_own_limit_is_too_small(tmp_path, limit, most, raised):
    """Whoever attaches has more: to raise that would not help."""
    with Running(tmp_path, "attached.c", "1") as run:
        resource.prlimit(run.pid, limit, (most, most))
        said = refused(run.pid)[1]
    assert "(`prlimit --pid %d --%s`)" % (run.pid, raised) in said and "(`ulimit" not in said


def test_a_thread_and_the_kernels_own(tmp_path):
    with Running(tmp_path, "attached.c", "2") as run:
        tid = max(map(int, os.listdir("/proc/%d/task" % run.pid)))
        assert "is a thread of process %d: brkpoint -p %d" % (run.pid, run.pid) in refused(tid)[1]
    assert "is the kernel's own" in refused(2)[1]


@pytest.mark.parametrize(
    "options, says",
    [
        (["true"], "takes no PROGRAM"),
        (["--live"], "needs the recorder"),
        (["--engine", "breakpoints"], "needs the recorder"),
        (["--timeout", "3"], "--timeout"),
        (["--for", "3 days"], "--for"),
        (["--for", "0s"], "--for"),
    ],
)
def test_what_does_not_go_together(options, says):
    status, said = refused(os.getpid(), *options)
    assert status == 2 and says in said


def test_a_time_alone_is_for_attaching():
    words = [launching.BRKPOINT, "--for", "3s", "true"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2 and "-p PID" in done.stderr


@pytest.mark.parametrize("words, wanted", [([], b"its-link"), (["new title"], b"sleep")])
def test_what_an_attached_program_is_called(tmp_path, words, wanted):
    """redis-server is a link to another program's file; a title of its own is no name."""
    link = tmp_path / "its-link"
    link.symlink_to(shutil.which("sleep"))
    argv = [*words, str(link)][:1] + ["60"]
    with subprocess.Popen(argv, executable=link) as process:
        # The kernel shows the new file a moment before the new words (fs/exec.c).
        words = pathlib.Path("/proc/%d/cmdline" % process.pid)
        launching.wait_for(lambda: words.read_bytes().endswith(b"\0" b"60\0"))
        assert os.path.basename(attach.known_as(process.pid)) == wanted
        process.kill()
