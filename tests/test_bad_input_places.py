"""Where a trace cannot be written and output not read: one line, if possible before the run."""

import os
import subprocess

import pytest

import launching
from bad_input import brkpoint, file, refused
from start import gdb_program
from start.errors import UserError

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return launching.build(tmp_path_factory.mktemp("wait"), "wait", "-O1", "-pthread")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_an_existing_trace_is_kept(here, quick):
    file("t.brkpoint", b"precious", 0o644)
    assert refused(brkpoint("-o", "t.brkpoint", quick, "quick"), 125, "exists already: --force")
    assert (here / "t.brkpoint").read_bytes() == b"precious"
    assert refused(brkpoint("-o", "t.brkpoint", "--force", "./nosuch"), 127, "No such file")
    assert (here / "t.brkpoint").read_bytes() == b"precious"
    done = brkpoint("-o", "t.brkpoint", "--force", "--quiet", quick, "quick")
    assert (done.status, done.err) == (5, b"")
    assert (here / "t.brkpoint").read_bytes().startswith(b"SQLite")
    assert os.listdir() == ["t.brkpoint"]


@pytest.mark.parametrize("output", ["/proc/trace", "missing/trace", ".", "/dev/null", ""])
def test_places_that_cannot_be_written(here, quick, output):
    done = brkpoint("-o", output, "--force", quick, "quick")
    assert refused(done, 125, "cannot write")  # and nothing was run: no `ready`
    assert os.listdir() == []


def test_an_older_spool_is_kept(here, quick):
    file("t.brkspool", b"all that there is", 0o600)
    assert brkpoint("-o", "t.brkpoint", "--quiet", quick, "quick").status == 5
    assert (here / "t.brkspool").read_bytes() == b"all that there is"
    assert sorted(os.listdir()) == ["t.brkpoint", "t.brkspool"]


def on_small_disk(size, script):
    """Run a shell script in a folder `disk` that holds `size` bytes; None where not permitted."""
    os.mkdir("disk")
    inner = "mount -t tmpfs -o size=%d none disk || exit 99; cd disk; %s" % (size, script)
    done = subprocess.run(["unshare", "-m", "sh", "-c", inner], capture_output=True)
    if done.returncode == 99 or b"unshare" in done.stderr:
        pytest.skip("no permission to mount")
    return done


def test_a_full_disk_is_said_before_the_run(here, quick):
    words = b"%s -o t.brkpoint %s quick" % (launching.BRKPOINT, quick)
    done = on_small_disk(1 << 20, os.fsdecode(words))
    assert done.returncode == 125 and b"too little space" in done.stderr
    assert done.stdout == b""


def test_a_disk_that_fills_during_the_run(here):
    fill = "head -c 30M /dev/zero >fill; ls / >/dev/null; exit 7"
    words = "%s -o t.brkpoint --quiet sh -c '%s'; s=$?; rm -f fill; ls; exit $s"
    done = on_small_disk(9 << 20, words % (os.fsdecode(launching.BRKPOINT), fill))
    assert b"Traceback" not in done.stderr
    assert done.returncode == 125 and b"status 7" in done.stderr
    assert b"brkspool" in done.stdout  # what was recorded before is there to be recovered


# ---- output --------------------------------------------------------------------------------------


def test_output_that_nobody_reads(here, quick):
    closed = "%s --quiet -o t.brkpoint %s quick >&-; %s events t.brkpoint | head -1"
    brk = os.fsdecode(launching.BRKPOINT)
    done = subprocess.run(
        ["sh", "-c", closed % (brk, os.fsdecode(quick), brk)], capture_output=True
    )
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1


def test_standard_error_that_cannot_be_written(here, quick):
    for where in ("2>/dev/full", "2>&-"):
        words = "%s -o t.brkpoint --force %s quick " % tuple(
            map(os.fsdecode, (launching.BRKPOINT, quick))
        )
        done = subprocess.run(["sh", "-c", words + where], capture_output=True)
        assert (done.returncode, done.stdout) == (5, b"ready\n")


def test_no_gdb(here, quick, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(gdb_program, "_FOLDERS", ())
    with pytest.raises(UserError, match="gdb is not installed"):
        gdb_program.find()


# ---- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit, status", [(8, 125), (64, 5)])
def test_too_few_descriptors_are_said(here, quick, limit, status):
    words = "ulimit -n %d; exec %s --quiet -o t.brkpoint %s quick"
    words %= (limit, os.fsdecode(launching.BRKPOINT), os.fsdecode(quick))
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True)
    assert done.returncode == status
    assert done.stderr == "" or "Too many open files (see `ulimit -a`)" in done.stderr
    assert "Traceback" not in done.stderr and bool(done.stderr) == (status == 125)
    assert os.path.exists("t.brkpoint") == (status == 5)
