"""Tables that several processes make: the bytes of one, and nobody left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

import made_exports
import made_traces
from alloctrace.columns import columns
from alloctrace.columns.check import TraceError
from exports import side_by_side

WRITES = """
import os, sys
sys.path[:0] = [{root!r}]
from command import main
from exports import side_by_side
side_by_side._FEWEST = 1
os.sched_getaffinity = lambda _: {{0, 1, 2}}
print(os.getpid(), file=sys.stderr, flush=True)
sys.exit(main.main(["export", {path!r}, "--format", "ndjson"]))
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, "CHUNK", 7)
        return made_exports.write(tmp_path_factory.mktemp("made"))


@pytest.fixture
def three(monkeypatch):
    """As many processes, however short the run. Yields a list of their turns."""
    begun, process, fork = Begun(), side_by_side._process, os.fork
    monkeypatch.setattr(side_by_side, "_FEWEST", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})

    def note(trace, maker, turn):
        begun.append(turn)
        return process(trace, maker, turn)

    def forked():
        pid = fork()
        begun.pids.append(pid)
        return pid

    monkeypatch.setattr(side_by_side, "_process", note)
    monkeypatch.setattr(os, "fork", forked)
    return begun


class Begun(list):
    """Turns; `pids`: whose they are."""

    def __init__(self):
        super().__init__()
        self.pids = []

    def are_gone(self):
        for pid in self.pids:
            with pytest.raises(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return len(self.pids) == 3


@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_three_processes_write_what_one_writes(path, three, monkeypatch, name):
    made, _ = made_exports.export(path, name)
    assert three == [(0, 3), (1, 3), (2, 3)] and three.are_gone()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert made_exports.export(path, name)[0] == made and len(three) == 3


def test_damage_that_a_process_meets_is_one_error(path, three):
    last = "(SELECT max(chunk) FROM columns)"
    text = "UPDATE columns SET base = base - 99 WHERE name = 'group' AND chunk = " + last
    damaged = made_traces.changed(path, text)
    with pytest.raises(TraceError, match="^damaged: an event behind") as caught:
        made_exports.export(damaged, "csv")
    assert three and "\n" not in str(caught.value) and three.are_gone()


def test_a_trace_that_another_one_replaces_is_not_mixed_with_it(path, three, monkeypatch):
    opened = side_by_side.traces.open

    def other(path):
        trace = opened(path)
        trace.run["date"] = "another"
        return trace

    with side_by_side.traces.open(path) as trace:
        monkeypatch.setattr(side_by_side.traces, "open", other)
        with pytest.raises(TraceError, match="another one has taken its place"):
            made_exports.formats.load("csv").write(
                open(os.devnull, "wb"), trace, made_exports.formats.Choice(None, False)
            )
    assert three.are_gone()


def started(path, **options):
    script = WRITES.format(root=made_exports.ROOT, path=str(path))
    words = [sys.executable, "-c", script]
    return subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True, **options)


def are_gone(group):
    """Nobody is left of a process group."""
    for _ in range(500):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", ["closed", "interrupted", "killed"])
def test_all_end_at_once(path, how):
    with started(path, stdout=subprocess.PIPE) as process:
        process.stderr.readline()
        process.stdout.read(1000)  # the others wait until they are read
        if how == "closed":
            process.stdout.close()
        elif how == "interrupted":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.kill()
        status = process.wait(timeout=30)
        said = process.stderr.read().decode()
    assert status == {"closed": 0, "interrupted": 130, "killed": -signal.SIGKILL}[how], said
    assert "Traceback" not in said and are_gone(process.pid)
