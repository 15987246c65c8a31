"""Full devices, limits and Ctrl-C: one line that names the cause, no traceback, nothing left."""

import os
import re
import resource
import signal
import subprocess
import time

import pytest

from command import main
from start import heritage, surroundings

HERE = os.path.dirname(os.path.abspath(__file__))
BRKPOINT = os.path.join(os.path.dirname(HERE), "brkpoint")
TRACE = os.path.join(HERE, "data", "traces", "alloc.brkpoint")
with open(BRKPOINT, encoding="utf-8") as text:  # from where on SIGINT just ends it
    FIRST_LINE = 1 + text.read().partition("import os")[0].count("\n")
MADE = [
    ["report", TRACE],
    ["report", "--json", TRACE],
    ["report", "--markdown", TRACE],
    ["events", TRACE],
    ["events", "--json", TRACE],
    ["sql", TRACE, "select * from groups"],
    ["sql", "--tables"],
    ["help"],
    ["help", "run"],
    ["doctor"],
    ["--version"],
    ["report", "--help"],
]


def brkpoint(words, stdout=subprocess.DEVNULL, limits=(), **how):
    """(status, standard error) under `limits`: [(which, value)]."""

    def limit():
        for which, value in limits:
            resource.setrlimit(which, (value, value))

    how = dict(how, stdout=stdout, stderr=subprocess.PIPE, timeout=300, preexec_fn=limit)
    done = subprocess.run([BRKPOINT, *words], stdin=subprocess.DEVNULL, text=True, **how)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", MADE, ids=" ".join)
def test_a_full_device_under_standard_output(words):
    with open("/dev/full", "w") as full:
        status, said = brkpoint(words, full)
    assert (status, said.count("\n")) == (125, 1)
    assert said == "brkpoint: cannot write to standard output: No space left on device\n"


def test_one_that_is_not_full():
    assert brkpoint(MADE[0]) == (0, "")


def test_a_full_device_under_standard_error():
    with open("/dev/full", "w") as full:
        done = subprocess.run([BRKPOINT, "nosuchprogram"], stderr=full, timeout=300)
    assert done.returncode == 127


LIMITS = [
    (resource.RLIMIT_FSIZE, 1 << 20, "ulimit -f"),
    (resource.RLIMIT_NOFILE, 10, "open files"),
    (resource.RLIMIT_AS, 60 << 20, "ulimit -v"),
    (resource.RLIMIT_AS, 22 << 20, "memory"),
]


@pytest.mark.parametrize("which, value, says", LIMITS)
def test_a_limit_that_keeps_a_run_from_beginning(tmp_path, which, value, says):
    status, said = brkpoint(["run", "/bin/true"], limits=[(which, value)], cwd=tmp_path)
    assert (status, said.count("\n")) == (125, 1) and says in said
    assert os.listdir(tmp_path) == []


def test_a_limit_that_the_recorder_alone_meets(tmp_path):
    words = ["run", "--quiet", "--engine", "recorder", "/bin/true"]
    if brkpoint(words, cwd=tmp_path)[0]:
        pytest.skip("the recorder cannot be planted here")
    limits = [(resource.RLIMIT_FSIZE, 20 << 20)]
    status, said = brkpoint(words, limits=limits, cwd=tmp_path)
    assert (status, said.count("\n")) == (125, 1) and "ulimit -f" in said


def test_sixteen_descriptors_are_enough(tmp_path):
    limits = [(resource.RLIMIT_NOFILE, 16)]
    assert brkpoint(["report", TRACE], limits=limits) == (0, "")
    assert brkpoint(["run", "--quiet", "/bin/true"], limits=limits, cwd=tmp_path)[0] == 0


def test_a_limited_run_leaves_no_half_of_a_compiled_file(tmp_path):
    """Python keeps what it could write of a .pyc; every later start would fail."""
    top = tmp_path / "copy"
    top.mkdir()
    for name in ("brkpoint", "command", "start", "alloctrace", "reports", "setup.packages"):
        source = os.path.join(os.path.dirname(HERE), name)
        subprocess.run(["cp", "-r", source, top], check=True)
    subprocess.run(["find", top, "-name", "__pycache__", "-prune", "-exec", "rm", "-r", "{}", "+"])
    words = [top / "brkpoint", "report", TRACE]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    subprocess.run(words, stdout=subprocess.DEVNULL, preexec_fn=limit, timeout=300)
    assert subprocess.run(words, stdout=subprocess.DEVNULL, timeout=300).returncode == 0


def _before_our_first_line(said):
    """Whether Python was interrupted while it began: no code of ours could change what it says."""
    places = re.findall(r'File "%s/(.*)", line (\d+)' % re.escape(os.path.dirname(HERE)), said)
    begun = "Fatal Python error" in said or "Traceback" in said
    return begun and all(path == "brkpoint" and int(line) < FIRST_LINE for path, line in places)


def test_before_our_first_line_is_told_from_after():
    top = os.path.dirname(HERE)
    said = 'Traceback (most recent call last):\n  File "%s/%s", line %d, in <module>\n'
    assert _before_our_first_line(said % (top, "brkpoint", 0))
    assert _before_our_first_line("Fatal Python error: init_sys_streams\nTraceback (most\n")
    assert not _before_our_first_line(said % (top, "brkpoint", FIRST_LINE))
    assert not _before_our_first_line(said % (top, "command/main.py", 0))
    assert not _before_our_first_line("brkpoint: interrupted by SIGINT\n")


@pytest.mark.parametrize("words", [["report", TRACE], ["run", "--quiet", "-o", "t", "/bin/true"]])
def test_ctrl_c_at_any_moment(tmp_path, words):
    """From the first one on; with a TMPDIR of its own, so that what is left is seen."""
    (tmp_path / "tmp").mkdir()
    environment = dict(os.environ, TMPDIR=str(tmp_path / "tmp"), BRKPOINT_CACHE="")
    for delay in (0.02, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.8):
        process = subprocess.Popen(
            [BRKPOINT, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)[1]
        if _before_our_first_line(said):
            said = ""
        assert "Traceback" not in said and said.count("\n") <= 2, (delay, said)
        assert os.listdir(tmp_path / "tmp") == []
        left = set(os.listdir(tmp_path)) - {"tmp", "t"}
        assert all(name.endswith(".brkspool") and name in said for name in left), (left, said)
        for name in left | {"t"} & set(os.listdir(tmp_path)):
            os.unlink(tmp_path / name)


def test_what_is_our_own_fault_is_still_a_traceback():
    assert surroundings.cause(ValueError("x")) is None
    assert surroundings.cause(OSError(22, "Invalid argument")) is None
    assert "ulimit -n" in surroundings.cause(OSError(24, "Too many open files"))
    assert surroundings.said_by("gdb", "segmentation fault") is None


def test_without_dev_one_line_says_so(monkeypatch, capsys):
    def nothing(*_):
        raise FileNotFoundError(2, "No such file or directory", "/dev/null")

    monkeypatch.setattr(os, "open", nothing)
    assert main.start() == 125
    assert capsys.readouterr().err == "brkpoint: /dev/null: No such file or directory\n"


@pytest.mark.parametrize("known", [False, True])
def test_without_proc_one_line_says_so(monkeypatch, capsys, known):
    """As in a root that nobody has prepared."""
    monkeypatch.setattr(heritage, "is_known", lambda: known)
    monkeypatch.setattr(heritage, "arguments", lambda: [b"help"])
    for room, name in (
        (heritage, "occupy_standard_streams"),
        (heritage, "free_limits"),
        (surroundings, "name_output"),
        (main, "_speak_as_the_locale"),
    ):
        monkeypatch.setattr(room, name, lambda: None)
    monkeypatch.setattr(main, "_interruptible", lambda words: 0)
    status = main.start()
    assert (status, capsys.readouterr().err.count("\n")) == ((0, 0) if known else (125, 1))
