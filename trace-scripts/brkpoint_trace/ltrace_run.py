"""ltrace as a witness: its command line, and its log read back."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from . import ltrace_events, ltrace_log, tool

INSTALL = "apt-get install ltrace"
NONE = "nothing_at_all"  # -e needs a name, or it traces every function of the PLT


def words(folder, command, plt=True, entries=True):
    """The command line. `plt`: breakpoints in PLTs, as plain ltrace; `entries`: in functions."""
    path = shutil.which("ltrace")
    if path is None:
        raise tool.Missing("ltrace is not installed: " + INSTALL)
    config = os.path.join(folder, "prototypes")
    with open(config, "w", encoding="ascii") as file:
        file.write(ltrace_events.PROTOTYPES)
    flags = ["-f", "-F", config, "-o", os.path.join(folder, "log")]
    flags += ["-e", ltrace_events.FILTER if plt else NONE]
    flags += ["-x", ltrace_events.FILTER] if entries else []
    return [path, *flags, "--", *command]


def read(folder):
    path = os.path.join(folder, "log")
    if not os.path.exists(path):
        return ltrace_log.parse([])
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return ltrace_log.parse(file)


def witness(command, limit_s, plt=True, fixed_addresses=True):
    """(ltrace_log.Log, tool.Done) of a run of its own."""
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        line = words(folder, command, plt)
        done = tool.run(line, limit_s, fixed_addresses=fixed_addresses)
        return read(folder), done


def through(command, stdout):
    """(Log, exit status, ltrace's own words) of a run that has the caller's streams.

    ltrace's words go where the program's standard error goes: what cannot be told apart is left.
    """
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        done = subprocess.run(words(folder, command), stdout=stdout, check=False)
        return read(folder), done.returncode
