"""A program under the recorder while it runs: who its processes are, and how it ends. It runs until
its test has nothing more to do with it, however long that takes."""

import os
import subprocess

import launching
from recorder_runs import probe


def steady():
    """The words of the probe that allocates while its input is open."""
    return [os.fsencode(probe("steady.c")), b"-", b"5"]


class Watched:
    """The probe `steady` under brkpoint, once it has begun."""

    def __init__(self, folder, before=(), more=()):
        words = [*before, *steady(), *more]
        options = (b"--engine", b"recorder")
        command = launching.watched(*words, options=options, trace=folder / "t.brkpoint")
        self.folder = folder
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command, **pipes)
        assert self.process.stdout.readline() == b"begins\n"

    def target(self):
        """Its number; its children have greater ones of the same name below it."""
        return launching.descendant(self.process.pid, "steady")

    def recorder(self):
        return launching.descendant(self.process.pid, "brkpoint-record")

    def finish(self):
        """It ends by itself, where it runs."""
        out, err = self.process.communicate(timeout=launching.LIMIT_S)  # closes its input
        report = launching.report(self.folder)
        mallocs = [t for t in report["totals"] if t["phase"] == "main" and t["name"] == "malloc"]
        return self.process.returncode, out, err, report, sum(t["count"] for t in mallocs)
