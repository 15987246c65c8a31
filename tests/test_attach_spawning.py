"""brkpoint -p PID on a program that starts others: a thread that waits for its child to exec cannot
be stopped, and the child may be asking the recorder something."""

import os
import subprocess
from types import SimpleNamespace

import launching
import pytest
import recorder_runs
from attaching import PROBE_WELL, Attached, Running, mappings
from recorder_runs import probe
from test_attach_programs import refused

from start import attach, launch
from start.errors import UserError

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)


class Spawning(subprocess.Popen):
    """The probe, which is ended whatever fails."""

    def __init__(self):
        super().__init__([probe("spawning.c")])

    def __exit__(self, *how):
        self.kill()
        super().__exit__(*how)


def one_more(process):
    """A child that has begun since is over."""
    before = set(launching.descendants(process.pid))
    later = launching.wait_for(lambda: set(launching.descendants(process.pid)) - before)
    assert launching.gone(later)


def test_again_and_again(tmp_path):
    """It is left as it was each time, and each time the children are seen."""
    with Spawning() as process:
        one_more(process)
        for _ in range(4):
            run = Attached(tmp_path, process.pid)
            one_more(process)
            status, said = run.leave()
            report = run.report()
            assert status == 0 and report["complete"], said
            assert not [note for note in report["notes"] if "stays in process" in note]
            assert not [note for note in report["notes"] if "wrote over" in note]  # that was us
            assert not [line for line in mappings(process.pid) if "brkpoint" in str(line)]
            assert len(report["processes"]) > 1
        process.terminate()
        assert process.wait(300) == PROBE_WELL


def test_one_that_begins_itself_anew(tmp_path):
    """Where it does so while brkpoint leaves, nothing of ours is in it: nothing can stay."""
    with Running(tmp_path, "again.c") as run:
        for number in range(6):
            run.page.put("go", 0)
            run.goes_on(20)
            attached = Attached(tmp_path, run.pid)
            run.page.put("go", 1)
            run.goes_on(9 + number)
            status, said = attached.leave()
            assert status == 0 and "stays in" not in said, said
            assert "brkpoint" not in str(mappings(run.pid))
        run.page.put("end", 1)
        assert run.finish() == PROBE_WELL


def test_one_that_is_recorded_already(tmp_path):
    """Two recorders would take each other's code for the program's."""
    with Running(tmp_path, "attached.c", "1") as run:
        first = Attached(tmp_path, run.pid)
        status, said = refused(run.pid)
        assert status == 125 and "it is being recorded" in said
        assert first.leave()[0] == 0
        again = Attached(tmp_path, run.pid, name="again")
        assert again.leave()[0] == 0 and os.path.exists(again.trace)
        assert run.finish() == PROBE_WELL


def test_one_that_ends_meanwhile():
    """No traceback, whenever that is."""
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
    host = SimpleNamespace(process=SimpleNamespace(poll=lambda: 0))
    waiting = attach.Waiting(host, process.pid, set(), launch.Options())
    waiting.run()
    assert waiting.has_ended
    with pytest.raises(UserError, match="it has ended"):
        attach.run(process.pid, "spool", launch.Options())
