"""What killed runs leave behind goes with the next run; what a run that lives uses stays."""

import os
import signal
import subprocess
import sys

import pytest

from alloctrace import leftovers
from alloctrace.trace import trace
from start import page_file
import made_traces

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOLD = """
import sys, time
sys.path.insert(0, %r)
from alloctrace import leftovers
with leftovers.folder() as folder, leftovers.file(*sys.argv[1:]) as file:
    open(folder + "/m0", "w").close()
    print(folder, file, sep="\\n", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for traces; that for temporary folders is beside it."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "traces").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return tmp_path


@pytest.fixture(params=["a.7.brkpoint", "a.7.html", "any", "\u20ac" * 84], ids=len)
def other(temporary, request):
    """Another run, of a trace or a page: (process, [its folder, its file])."""
    command = [sys.executable, "-c", HOLD % TOP, str(temporary / "traces"), request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process, [process.stdout.readline().rstrip("\n") for _ in range(2)]
        process.kill()


def run(temporary):
    with leftovers.folder():
        pass
    built = made_traces.made_history()
    trace.write(temporary / "traces" / "b.8.brkpoint", built, {}, {}, force=True)


def test_what_a_killed_run_left_goes(temporary, other):
    process, paths = other
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert all(map(os.path.exists, paths))
    run(temporary)
    assert not any(map(os.path.exists, paths))
    assert os.listdir(temporary / "traces") == ["b.8.brkpoint"]


def test_what_a_living_run_uses_stays(temporary, other):
    process, paths = other
    run(temporary)
    assert process.poll() is None and all(map(os.path.exists, paths))
    assert os.listdir(paths[0]) == ["m0"]


@pytest.mark.parametrize("lives", [False, True])
def test_a_page_takes_them_away_as_a_trace_does(temporary, other, lives):
    process, paths = other
    if not lives:
        process.kill()
        process.wait()
    page = temporary / "traces" / "b.8.html"
    page_file.write(str(page), "new")
    assert page.read_text() == "new"
    assert os.path.exists(paths[1]) == lives


def test_what_is_not_ours_stays(temporary):
    """Names that are alike, links, and files that have another name as well."""
    precious = temporary / "precious"
    precious.mkdir()
    (precious / "file").write_text("precious")
    os.symlink(precious, temporary / "tmp" / "brkpoint-symbols-link")
    (temporary / "tmp" / "brkpoint-symbols-file").write_text("precious")
    traces = temporary / "traces"
    os.symlink(precious / "file", traces / ".a.brkpoint.abcdefgh.tmp")
    os.link(precious / "file", traces / ".b.brkpoint.abcdefgh.tmp")
    (traces / ".c.abcdefgh.tmp").write_text("another program's")
    (traces / ".c.html.abcdefgh.tmp").write_text("another program's")
    (traces / "d.brkpoint.abcdefgh.tmp").write_text("no dot before it")
    os.mkfifo(traces / ".e.brkpoint.abcdefgh.tmp")
    before = {folder: set(os.listdir(temporary / folder)) for folder in ("tmp", "traces")}
    run(temporary)
    assert set(os.listdir(temporary / "tmp")) == before["tmp"]
    assert set(os.listdir(traces)) == before["traces"] | {"b.8.brkpoint"}
    assert (precious / "file").read_text() == "precious"


def test_nothing_is_left_of_a_run_that_fails(temporary):
    with pytest.raises(ZeroDivisionError):
        with leftovers.folder(), leftovers.file(temporary / "traces", "x"):
            raise ZeroDivisionError
    assert os.listdir(temporary / "tmp") == os.listdir(temporary / "traces") == []


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_ctrl_c_amid_the_making_leaves_nothing(temporary, monkeypatch, kind):
    """It comes when the new name is there and nobody knows of it."""
    rename, before = os.rename, signal.signal(signal.SIGINT, signal.default_int_handler)

    def and_ctrl_c(*names):
        rename(*names)
        signal.raise_signal(signal.SIGINT)  # to this thread: pytest's workers have others

    monkeypatch.setattr(os, "rename", and_ctrl_c)
    made = leftovers.folder() if kind == "folder" else leftovers.file(temporary / "traces", "x")
    try:
        with pytest.raises(KeyboardInterrupt), made:
            raise AssertionError("it came too late")
    finally:
        signal.signal(signal.SIGINT, before)
    assert os.listdir(temporary / "tmp") == os.listdir(temporary / "traces") == []
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_trace_may_be_read_by_whom_the_user_lets(temporary):
    before = os.umask(0o027)
    try:
        run(temporary)
    finally:
        os.umask(before)
    assert (temporary / "traces" / "b.8.brkpoint").stat().st_mode & 0o777 == 0o640
