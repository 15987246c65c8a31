"""Programs that exec others: nothing of it is missed, and nothing is harmed, at whatever moment."""

import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import time

import launching
import pytest
import recorder_runs
from alloctrace.trace import trace
from attaching import Attached
from recorder_runs import NOT_BUILT, both, counted, probe, recorded

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


def test_amid_signals(tmp_path):
    """Signals that come while a program is planted come afterwards; its mask and what it ignores
    are as they were. Each of the programs is recorded."""
    done = both(tmp_path, [probe("execs.c"), "signals", "30"])
    assert counted(done.history, (1009,)) == {("malloc", 1009): 31}


def test_brkpoint_under_brkpoint(tmp_path):
    """The inner one watches its program as ever; the outer one says that it could not."""
    run = [TOP + "/brkpoint", "run", "--quiet", "--engine", "recorder", "-o"]
    inner, outer, alone = (str(tmp_path / name) for name in ("inner", "outer", "alone"))
    words = ["/bin/sh", "-c", "echo hi; exit 7"]
    done = subprocess.run([*run, outer, "--", *run, inner, "--", *words], capture_output=True)
    assert (done.returncode, done.stdout) == (7, b"hi\n"), done.stderr
    subprocess.run([*run, alone, "--", *words], stdout=subprocess.DEVNULL)
    with trace.open(inner) as one, trace.open(alone) as other:
        assert one.run["complete"] and one.run["events"] == other.run["events"]
    with trace.open(outer) as opened:
        told = [row["reason"] for row in opened.run["unfollowed"]]
    assert told == ["another program traces it"]


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


def test_one_that_is_killed_while_it_is_planted(tmp_path):
    """Its parent learns of its end, and nothing is said to be missing: none of it has run."""
    done = both(tmp_path, [probe("killed_in_exec.c"), "151", "1500"])
    assert (done.history.unseen, done.history.notes) == ([], [])
    ends = [(end["kind"], end["status"]) for end in done.history.ends]
    assert ends[: len(done.history.children)] == [("signalled", 9)] * 151
    assert all(image["path"] for image in done.history.images)


def may_unshare(*words):
    """Whether root may do this here: in a chroot or a container it may not."""
    done = subprocess.run(["/usr/bin/unshare", *words], capture_output=True)
    return done.returncode == 0


NAMESPACES = pytest.mark.skipif(
    not may_unshare("-pf", "--mount-proc", "true"), reason="no PID namespace may be made here"
)
INSIDE = ["/usr/bin/unshare", "-pf", "--mount-proc"]
COUNT = (
    "select count(*), count(distinct pid), count(distinct tid) from events"
    " where name = 'malloc' and size between 1000 and 1003"
)


def rests(pid):
    """How often the process has waited."""
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.M).group(1))


def counted_in(trace):
    """(calls, processes, threads) of tests/probes/execs.c, `threads`."""
    done = subprocess.run(
        [TOP + "/brkpoint", "sql", str(trace), COUNT], capture_output=True, check=True
    )
    return tuple(int(word) for word in done.stdout.splitlines()[-1].split())


@NAMESPACES
def test_in_a_pid_namespace_nobody_else_is_traced(tmp_path):
    """There a thread's number is another's outside."""
    words = [b"/usr/bin/unshare", b"-pf", b"sh", b"-c", b"grep TracerPid /proc/1/status; true"]
    options = [b"--engine", b"recorder"]
    done = launching.run(launching.watched(*words, options=options, trace=tmp_path / "t.brkpoint"))
    assert done.out == b"TracerPid:\t0\n"
    found = launching.report(tmp_path)
    assert found["complete"]
    names = [os.path.basename(row["program"]) for row in found["processes"]]
    assert len(names) == 3 and names[::2] == ["unshare", "grep"]


@NAMESPACES
def test_what_begins_in_a_pid_namespace_bears_no_name_of_its_parents(tmp_path):
    """The child has written another path where the parent's memory has one."""
    words = [os.fsencode(probe("execs.c")), b"renamed"]
    options = [b"--engine", b"recorder"]
    done = launching.run(launching.watched(*words, options=options, trace=tmp_path / "t.brkpoint"))
    told = json.dumps(launching.report(tmp_path))
    assert done.status == 0 and "/bin/true" in told or "/usr/bin/true" in told
    assert "/bin/only-in-the-parent" not in told


@NAMESPACES
def test_threads_of_processes_in_a_pid_namespace(tmp_path):
    """Each of them is told other numbers than we have for it."""
    trace = tmp_path / "t.brkpoint"
    words = [*map(os.fsencode, INSIDE), os.fsencode(probe("execs.c")), b"threads", b"10"]
    done = launching.run(launching.watched(*words, options=[b"--engine", b"recorder"], trace=trace))
    assert done.status == 0 and launching.report(tmp_path)["complete"]
    assert counted_in(trace) == (10 * 4 * 100, 10, 10 * 4)


@NAMESPACES
def test_numbers_that_mean_somebody_else_outside(tmp_path):
    """brkpoint itself is in a PID namespace, with the small numbers that the one within has too."""
    trace = tmp_path / "t.brkpoint"
    script = "%s threads 10; for i in 1 2 3; do /bin/true; done" % probe("execs.c")
    watch = [TOP + "/brkpoint", "run", "--quiet", "--engine", "recorder", "-o", str(trace), "--"]
    done = subprocess.run([*INSIDE, *watch, *INSIDE, "sh", "-c", script], capture_output=True)
    assert done.returncode == 0 and done.stderr == b""
    assert counted_in(trace) == (10 * 4 * 100, 10, 10 * 4)


@pytest.mark.skipif(not may_unshare("-n", "true"), reason="no network namespace may be made here")
@NAMESPACES
def test_all_namespaces_at_once(tmp_path):
    """No name of a socket means the same in there, and the recorder's number in /proc another's."""
    trace = tmp_path / "t.brkpoint"
    words = ["/usr/bin/unshare", "-nuipf", "--mount-proc", probe("execs.c"), "threads", "2"]
    options = [b"--engine", b"recorder"]
    words = map(os.fsencode, words)
    done = launching.run(launching.watched(*words, options=options, trace=trace))
    assert done.status == 0 and launching.report(tmp_path)["complete"]
    assert counted_in(trace) == (2 * 4 * 100, 2, 2 * 4)


@NAMESPACES
def test_attaching_to_a_process_in_a_pid_namespace(tmp_path):
    words = [*INSIDE, probe("execs.c"), "threads", "2", "on"]
    target = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    outside = None
    try:
        pid = int(target.stdout.readline())
        with open("/proc/%d/task/%d/children" % (target.pid, target.pid)) as file:
            outside = int(file.read())
        assert pid != outside
        attached = Attached(tmp_path, outside)
        rested = rests(outside)
        launching.wait_for(lambda: rests(outside) > rested + 7)
        status, said = attached.leave()
        assert status == 0 and "incomplete" not in said and "lost" not in said
        calls, processes, threads = counted_in(attached.trace)
        assert calls > 0 and (processes, threads) == (1, 1)
    finally:
        os.kill(outside or target.pid, signal.SIGKILL)  # the first in there: all of them go
        target.communicate(timeout=20)


@pytest.mark.skipif(
    not may_unshare("-m", "sh", "-c", "mount --bind /usr /mnt"), reason="nothing may be mounted"
)
def test_another_file_of_the_same_path(tmp_path):
    """In a mount namespace of the program's own: its functions are not where the file says that
    has this path outside."""
    for folder, source in (("outside", "children.c"), ("inside", "execs.c")):
        (tmp_path / folder).mkdir()
        shutil.copy(
            probe(source, "-static", name=source + "-static"), tmp_path / folder / "program"
        )
    outside, inside = (str(tmp_path / name) for name in ("outside", "inside"))
    script = 'mount --bind "$1" "$2" && exec "$2/program" child'
    words = ["/usr/bin/unshare", "-m", "sh", "-c", script, "sh", inside, outside]
    assert counted(both(tmp_path, words).history, (1019,)) == {("malloc", 1019): 1}


ELF_HEAD = 832  # bytes that the loader reads of a library


def read_by(pid):
    """How many bytes the process has read. Its programs read only what their loader reads."""
    with open("/proc/%d/io" % pid) as file:
        return int(file.readline().split()[1])


def test_attaching_amid_execs(tmp_path):
    """What was read of the program before is not written into the next: refused, or recorded."""
    target = subprocess.Popen([probe("execs.c"), "again"], stdin=subprocess.DEVNULL)
    try:
        for number in range(6):
            trace = tmp_path / ("%d.brkpoint" % number)
            words = [launching.BRKPOINT, "-p", str(target.pid), "-o", trace]
            with subprocess.Popen(words, stderr=subprocess.PIPE) as run:
                first = run.stderr.readline()
                if b"has just begun another program: try again" in first:
                    continue
                has_read = read_by(target.pid)
                launching.wait_for(lambda: read_by(target.pid) > has_read + 3 * ELF_HEAD)
                run.send_signal(signal.SIGINT)
                said = first + run.stderr.read()
            words = [launching.BRKPOINT, "events", trace, "--name", "malloc"]
            assert subprocess.run(words, capture_output=True).stdout.count(b"1009"), said
            assert target.poll() is None
    finally:
        target.kill()
        target.wait()


def _spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def searched(folder, name, *children, cache=b""):
    """How many files the recorder had to search of a shell that runs these one after the other."""
    folder = folder / name
    folder.mkdir()
    words = [b"/bin/sh", b"-c", b"; ".join(children)]
    options = [b"--engine", b"recorder"]
    words = launching.watched(*words, options=options, trace=folder / "t.brkpoint")
    others = [e for e in launching.current_environment() if not e.startswith(b"BRKPOINT_CACHE=")]
    assert launching.run(words, [*others, b"BRKPOINT_CACHE=" + cache]).status == 0
    report = launching.report(folder)
    assert report["complete"] and report["programs_not_seen"] == 0
    return report["cost"]["searched"]


def test_a_file_is_searched_once_a_run(tmp_path):
    """However many programs map it; of another program only what is its own is new."""
    one = searched(tmp_path, "one", b"/bin/true", b"true")
    assert one > 2
    many = [b"/bin/true"] * 30 + [b"true"]
    assert searched(tmp_path, "many", *many) == one
    many += [b"/bin/false || /bin/true"] * 2
    assert searched(tmp_path, "other", *many) == one + 1


def test_a_file_is_searched_once_a_folder(tmp_path):
    folder = os.fsencode(tmp_path / "cache")
    one = searched(tmp_path, "one", b"/bin/true", b"true", cache=folder)
    again = searched(tmp_path, "two", b"/bin/true", b"true", cache=folder)
    assert one > 2 and again == 0
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o666)
    assert searched(tmp_path, "three", b"/bin/true", b"true", cache=folder) == one
