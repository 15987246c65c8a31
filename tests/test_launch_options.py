"""What the options of `brkpoint run` change, and what a person sees while a program runs."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile

import pytest

import launching
import verbs
from command import conclude, watching
from start import launch, place, target, trace_file
from start.errors import UserError

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)
BRKPOINT = os.fsdecode(launching.BRKPOINT)


@pytest.fixture(scope="module")
def waiter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wait")
    return os.fsdecode(launching.build(folder, "wait", "-O1", "-pthread"))


@pytest.fixture
def brkpoint(tmp_path):
    """Run the command in an empty folder; its CompletedProcess."""

    def start(*words):
        return subprocess.run([BRKPOINT, *words], cwd=tmp_path, capture_output=True, text=True)

    return start


def events(trace):
    return [json.loads(line) for line in verbs.said("events", trace, "--json").splitlines()[1:]]


def test_the_report_goes_to_standard_error_only(brkpoint, waiter, tmp_path):
    done = brkpoint(waiter, "quick")
    assert (done.returncode, done.stdout) == (5, "ready\n")
    assert "malloc 1009" in done.stderr
    (trace,) = tmp_path.iterdir()
    assert re.fullmatch(r"wait\.\d+\.brkpoint", trace.name)


def test_quiet_says_nothing(brkpoint, waiter):
    done = brkpoint("--quiet", waiter, "quick")
    assert (done.returncode, done.stdout, done.stderr) == (5, "ready\n", "")


def test_live_shows_each_event_once(brkpoint, waiter):
    done = brkpoint("--live", waiter, "quick")
    assert done.returncode == 5
    assert done.stderr.count("malloc 1009 ") == 1
    listed = done.stderr.split("exited with status")[0]
    assert "malloc 1009" in listed and "└─ brk" in listed


def test_live_is_shown_while_the_program_runs(waiter, tmp_path):
    words = launching.watched(
        os.fsencode(waiter), b"wait", options=[b"--live"], trace=tmp_path / "t.brkpoint"
    )
    words.remove(b"--quiet")
    started = launching.start(words)
    try:
        launching.wait_for(lambda: b"malloc 1009" in os.pread(started[2].fileno(), 100000, 0))
        assert launching.descendant(started[0], "wait")
    finally:
        os.kill(started[0], 15)
        done = launching.finish(started)
    assert done.status == 143


def test_fixed_addresses_are_the_same_in_every_run(brkpoint, waiter, tmp_path):
    def pointers(name, *options):
        brkpoint("--quiet", "-o", name, *options, waiter, "quick")
        return [event["result"] for event in events(tmp_path / name)]

    assert pointers("a", "--fixed-addresses") == pointers("b", "--fixed-addresses")
    assert pointers("c") != pointers("d")


def test_fixed_addresses_where_the_kernel_refuses(monkeypatch):
    class Refusing:
        @staticmethod
        def personality(wanted):
            return 0 if wanted == 0xFFFFFFFF else -1

    monkeypatch.setattr(target, "libc", Refusing)
    with pytest.raises(UserError, match="not permitted"):
        target.check_fixed_addresses()
    monkeypatch.setattr(Refusing, "personality", staticmethod(lambda wanted: 0))
    target.check_fixed_addresses()


def test_without_symbols_the_calls_are_the_same(brkpoint, waiter, tmp_path):
    def calls(name, *options):
        brkpoint("--quiet", "-o", name, *options, waiter, "quick")
        return [(e["name"], e["size"]) for e in events(tmp_path / name) if e["kind"] == "call"]

    assert calls("a") == calls("b", "--no-symbols")
    assert len(calls("c")) > 10


@pytest.mark.parametrize(
    "function, call, engine_told",
    [
        ("ptrace", "ptrace(PTRACE_TRACEME, 0, 0, 0)", "breakpoints"),
        ("mlockall", "munlockall() + (getpid() == 1 && mlockall(MCL_CURRENT))", "recorder"),
    ],
)
def test_notes_on_the_program_are_kept_in_the_trace(tmp_path, function, call, engine_told):
    source = tmp_path / "t.c"
    files = "<sys/ptrace.h>", "<sys/mman.h>", "<unistd.h>"
    lines = ["#include " + name for name in files] + ["int main(void) { return %s == 7; }" % call]
    source.write_text("\n".join(lines))
    subprocess.run(["gcc", "-o", tmp_path / "uses", source], check=True)
    for engine in ("breakpoints", "recorder"):
        trace = tmp_path / engine
        words = [BRKPOINT, "--quiet", "--engine", engine, "-o", trace, tmp_path / "uses"]
        subprocess.run(words, stderr=subprocess.PIPE)
        summary = json.loads(verbs.said("report", trace, "--json"))
        is_told = any("can call " + function in note for note in summary["notes"])
        assert is_told == (engine == engine_told)


# ---- faults after the run ------------------------------------------------------------------------


class Args:
    force, no_symbols, quiet, live = False, False, True, False


@pytest.fixture
def ended(tmp_path, waiter):
    """A run that has ended but has no trace yet: (Place, Outcome)."""
    where = place.prepare(str(tmp_path / "t.brkpoint"), False, os.fsencode(waiter))
    return where, launch.run([os.fsencode(waiter), b"quick"], where.spool)


@pytest.mark.parametrize(
    "error, says", [(KeyboardInterrupt(), "interrupted"), (ValueError("x"), "a bug in brkpoint")]
)
def test_a_fault_of_ours_hides_nothing(ended, monkeypatch, capsys, error, says):
    where, outcome = ended

    def broken(*_):
        raise error

    monkeypatch.setattr(trace_file, "make", broken)
    assert conclude.conclude(Args, where, outcome) == 125
    said = capsys.readouterr().err
    assert says in said and "brkpoint recover" in said and "status 5" in said
    assert os.path.exists(where.spool)


def test_without_a_fault_the_status_is_the_targets(ended):
    where, outcome = ended
    assert conclude.conclude(Args, where, outcome) == 5
    assert os.path.exists(where.trace) and not os.path.exists(where.spool)


def test_a_spool_that_is_damaged_is_kept(ended, capsys):
    where, outcome = ended
    with open(where.spool, "r+b") as file:
        file.write(b"nonsense")
    assert conclude.conclude(Args, where, outcome) == 125
    assert "not a brkpoint spool" in capsys.readouterr().err
    assert os.path.exists(where.spool) and not os.path.exists(where.trace)


# ---- as another user -----------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root")
def test_an_ordinary_user_in_a_folder_that_cannot_be_written(tmp_path):
    copy = tempfile.mkdtemp()  # unlike tmp_path not below a folder of root's alone
    ignored = shutil.ignore_patterns(".git", "build", "tests", "__pycache__")
    shutil.copytree(launching.ROOT, copy, ignore=ignored, dirs_exist_ok=True)
    os.chmod(copy, 0o755)
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    try:
        words = as_nobody + [copy + "/brkpoint", "true"]
        refused = subprocess.run(words, cwd="/", capture_output=True, text=True)
        os.mkdir(copy + "/out")
        os.chown(copy + "/out", 65534, 65534)
        words[-1:] = ["--quiet", "-o", copy + "/out/t.brkpoint", "true"]
        done = subprocess.run(words, cwd="/", capture_output=True, text=True)
        made = os.listdir(copy + "/out")
    finally:
        shutil.rmtree(copy)
    assert refused.returncode == 125 and "Permission denied (-o FILE" in refused.stderr
    assert (done.returncode, done.stderr, made) == (0, "", ["t.brkpoint"])


# ---- progress ------------------------------------------------------------------------------------


def test_progress_is_one_line_that_goes(monkeypatch, capsys, tmp_path):
    spool = tmp_path / "s"
    spool.write_bytes(bytes(3 << 20))
    clock = iter([100, 101, 104, 104.5, 105.5])
    monkeypatch.setattr(watching.time, "monotonic", lambda: next(clock))
    view = watching.Progress(str(spool))
    for _ in range(4):
        view.tick()
    view.finish()
    said = capsys.readouterr().err
    assert said == (
        "\rbrkpoint: 4 s, 3.0 MiB recorded\033[K\rbrkpoint: 5 s, 3.0 MiB recorded\033[K\r\033[K"
    )


def test_a_short_run_shows_no_progress(capsys, tmp_path):
    view = watching.Progress(str(tmp_path / "none"))
    view.tick()
    view.finish()
    assert capsys.readouterr().err == ""


def test_progress_only_where_it_disturbs_nobody(monkeypatch):
    def chosen(out, err, quiet=False):
        terminals = {watching.sys.stdout: out, watching.sys.stderr: err}
        monkeypatch.setattr(watching, "_is_terminal", lambda stream: terminals[stream])
        return type(watching.choose("x", False, quiet)).__name__

    assert chosen(out=False, err=True) == "Progress"
    assert chosen(out=True, err=True) == "Nothing"
    assert chosen(out=False, err=False) == "Nothing"
    assert chosen(out=False, err=True, quiet=True) == "Nothing"


def test_colours_at_a_terminal_and_not_with_no_color(waiter, tmp_path):
    def at_terminal(environment):
        pid, end = pty.fork()
        if pid == 0:
            trace = str(tmp_path / "t.brkpoint")
            words = [BRKPOINT, "-o", trace, "--force", waiter, "quick"]
            os.execve(BRKPOINT, words, environment)
        text = b""
        try:
            while select.select([end], [], [], 300)[0]:
                text += os.read(end, 65536)
        except OSError:
            pass  # the other side is closed
        os.close(end)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
        return text

    plain = {"PATH": "/usr/bin:/bin", "TERM": "xterm"}
    assert b"\033[" in at_terminal(plain)
    assert b"\033[" not in at_terminal(dict(plain, NO_COLOR="1"))
