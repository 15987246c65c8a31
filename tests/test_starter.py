"""What becomes the target: the recorder's program in its place does what a fork of Python does."""

import os
import subprocess

import launching
import pytest

from start import program, recorder, target

pytestmark = pytest.mark.skipif(recorder.find() is None, reason="the recorder is not built")
ENVIRONMENT = [b"PATH=/bin:/usr/bin", b"TWICE=1", b"TWICE=2", b"odd \xff entry"]


def plan(argv, path=None, fallback=None):
    found = program.Program(path or argv[0], argv, fallback, [], [])
    return target.Plan(found, ENVIRONMENT, {10}, {12}, {}, False)


def run(starter, wanted):
    """(wait status, errno of its exec or None, what it said)."""
    read, write = os.pipe()
    kept = os.dup(1)
    os.dup2(write, 1)
    try:
        child = target.start(wanted, starter)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(write)
    target.admit(child, os.getpid())
    target.release(child)
    with os.fdopen(read, "rb") as file:
        said = file.read()
    error = target.exec_error(child)
    _, status = os.waitpid(child.pid, 0)
    for descriptor in (child.go, child.report):
        os.close(descriptor)
    return status, error, said


def both(wanted):
    forked, started = run(None, wanted), run(recorder.find(), wanted)
    assert started == forked
    return started


def test_words_and_environment_arrive_byte_for_byte():
    _, error, said = both(plan([b"/bin/cat", b"/proc/self/cmdline", b"/proc/self/environ"]))
    assert error is None
    assert said.endswith(b"\0".join(ENVIRONMENT) + b"\0")


def test_signals_are_those_of_the_plan():
    """Beside those that Python does not speak of: whoever started us may have had them ignored."""
    _, _, said = both(plan([b"/bin/grep", b"^Sig[BI]", b"/proc/self/status"]))
    blocked, ignored = (int(line.split()[1], 16) for line in said.splitlines())
    assert blocked == 1 << 11 and ignored & ~(0b11 << 31) == 1 << 9


def test_a_text_is_run_by_the_shell(tmp_path):
    text = tmp_path / "text"
    text.write_text("echo $0 $1\n")
    text.chmod(0o755)
    path = os.fsencode(text)
    assert both(plan([path, b"a b"], path, [b"/bin/sh", path, b"a b"]))[2] == path + b" a b\n"


def test_why_a_program_cannot_be_started_is_told(tmp_path):
    text = tmp_path / "text"
    text.write_text("#!/nowhere\n")
    text.chmod(0o755)
    status, error, _ = both(plan([os.fsencode(text)]))
    assert os.waitstatus_to_exitcode(status) == 126 and error == 2


@pytest.mark.parametrize("whose, cut", [("another's", 0), ("ours", 1), ("ours", 40)])
def test_without_its_parent_or_all_of_its_plan_it_starts_nothing(whose, cut):
    """It ends at once, and does not wait for a tracer."""
    data = target._plan_bytes(plan([b"/bin/echo", b"started"]))
    file, (go, _go), (_report, report) = os.memfd_create("plan"), os.pipe(), os.pipe()
    os.write(file, data[: len(data) - cut])
    parent = os.getpid() if whose == "ours" else 1
    if cut:
        os.write(_go, b"\1\0\0\0G")
    numbers = [str(number) for number in (file, go, report, parent)]
    done = subprocess.run(
        [recorder.find(), "--start", *numbers],
        pass_fds=(file, go, report),
        capture_output=True,
        timeout=launching.LIMIT_S,
        check=False,
    )
    for descriptor in (file, go, _go, _report, report):
        os.close(descriptor)
    assert (done.returncode, done.stdout) == (126, b"")
