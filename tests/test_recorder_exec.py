"""Programs that exec others: nothing of it is missed, and nothing is harmed, at whatever moment."""

import json
import os
import resource
import shutil
import struct
import subprocess
import time

import launching
import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, both, counted, probe, recorded

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


def test_amid_signals(tmp_path):
    """Signals that come while a program is planted come afterwards; its mask and what it ignores
    are as they were. Each of the programs is recorded."""
    done = both(tmp_path, [probe("execs.c"), "signals", "30"])
    assert counted(done.history, (1009,)) == {("malloc", 1009): 31}


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


def may_unshare(*words):
    """Whether root may do this here: in a chroot or a container it may not."""
    done = subprocess.run(["/usr/bin/unshare", *words], capture_output=True)
    return done.returncode == 0


@pytest.mark.skipif(not may_unshare("-pf", "true"), reason="no PID namespace may be made here")
def test_in_a_pid_namespace_nobody_else_is_traced(tmp_path):
    """There a thread's number is another's outside: it is not believed."""
    words = [b"/usr/bin/unshare", b"-pf", b"sh", b"-c", b"grep TracerPid /proc/1/status; true"]
    options = [b"--engine", b"recorder"]
    done = launching.run(launching.watched(*words, options=options, trace=tmp_path / "t.brkpoint"))
    assert done.out == b"TracerPid:\t0\n"
    reasons = json.dumps(launching.report(tmp_path))
    assert "is it in a PID namespace" in reasons


@pytest.mark.skipif(not may_unshare("-pf", "true"), reason="no PID namespace may be made here")
def test_what_begins_in_a_pid_namespace_bears_no_name_of_its_parents(tmp_path):
    """The child has written another path where the parent's memory has one."""
    words = [os.fsencode(probe("execs.c")), b"renamed"]
    options = [b"--engine", b"recorder"]
    done = launching.run(launching.watched(*words, options=options, trace=tmp_path / "t.brkpoint"))
    told = json.dumps(launching.report(tmp_path))
    assert done.status == 0 and "is it in a PID namespace" in told
    assert "/bin/only-in-the-parent" not in told


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


def test_attaching_amid_execs(tmp_path):
    """What was read of the program before is not written into the next: refused, or recorded."""
    target = subprocess.Popen([probe("execs.c"), "again"], stdin=subprocess.DEVNULL)
    try:
        for number in range(6):
            trace = tmp_path / ("%d.brkpoint" % number)
            words = [launching.BRKPOINT, "-p", str(target.pid), "--for", "300ms", "-o", trace]
            done = subprocess.run(words, capture_output=True, timeout=launching.LIMIT_S)
            if b"has just begun another program: try again" in done.stderr:
                continue
            words = [launching.BRKPOINT, "events", trace, "--name", "malloc"]
            assert subprocess.run(words, capture_output=True).stdout.count(b"1009"), done.stderr
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
