"""strace as a witness: its command line, and its log read back."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from . import strace_events, strace_log, tool

INSTALL = "apt-get install strace"


def words(log, command):
    """The command line; signals are in the log, and so is every thread and child."""
    flags = ["-f", "-q", "-o", log, "-e", "trace=" + ",".join(strace_events.TRACED)]
    return [find(), *flags, "-e", "signal=all", "--", *command]


def find():
    path = shutil.which("strace")
    if path is None:
        raise tool.Missing("strace is not installed: " + INSTALL)
    return path


def read(log):
    with open(log, encoding="utf-8", errors="surrogateescape") as file:
        return strace_log.parse(file)


def witness(command, limit_s, fixed_addresses=True, environment=None):
    """(records, tool.Done) of a run of its own."""
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        log = os.path.join(folder, "log")
        done = tool.run(words(log, command), limit_s, fixed_addresses=fixed_addresses,
                        environment=environment)  # fmt: skip
        return (read(log) if os.path.exists(log) else []), done


def through(command, stdout):
    """(records, exit status) of a run that has the caller's own streams and terminal."""
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        log = os.path.join(folder, "log")
        done = subprocess.run(words(log, command), stdout=stdout, stderr=None, check=False)
        return (read(log) if os.path.exists(log) else []), done.returncode
