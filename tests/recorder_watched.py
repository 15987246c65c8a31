"""A program under the recorder while it runs: who its processes are, and how it ends."""

import os
import subprocess

import launching
from recorder_runs import probe


class Watched:
    """The probe `steady` under brkpoint, once it has begun."""

    def __init__(self, folder, milliseconds, before=(), more=()):
        words = [*before, os.fsencode(probe("steady.c")), b"%d" % milliseconds, b"5", *more]
        options = (b"--engine", b"recorder")
        command = launching.watched(*words, options=options, trace=folder / "t.brkpoint")
        self.folder = folder
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout.readline() == b"begins\n"

    def child(self, name):
        """The number of the process of that name (15 characters of it) below brkpoint."""
        found = [p for p in launching.descendants(self.process.pid) if launching.name_of(p) == name]
        assert len(found) == 1
        return found[0]

    def target(self):
        return self.child("steady")

    def recorder(self):
        return self.child("brkpoint-record")

    def finish(self):
        out, err = self.process.communicate(timeout=launching.LIMIT_S)
        report = launching.report(self.folder)
        mallocs = [t for t in report["totals"] if t["phase"] == "main" and t["name"] == "malloc"]
        return self.process.returncode, out, err, report, sum(t["count"] for t in mallocs)
