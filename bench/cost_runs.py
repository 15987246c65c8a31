"""Running one command alone, under the recorder and under heaptrack, side by side."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
CHILD = os.path.join(TOP, "bench", "recorder_child.py")
PYTHON = "/usr/bin/python3"


@dataclass
class Run:
    """What one run cost: seconds, and MiB of the largest process."""

    wall: float = 0.0
    cpu: float = 0.0
    mib: float = 0.0
    processes: dict = field(default_factory=dict)  # role: {"cpu", "mib"}; of the recorder's only
    events: int = 0
    size: int = 0  # bytes of the trace

    @property
    def target(self):
        return self.processes["target"]["cpu"]


def plain(argv):
    """`argv` by itself, without output; all its processes count."""
    start = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=_silence())
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    if status:
        raise RuntimeError("%s: status %d" % (" ".join(argv), status))
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _silence():
    null = os.open(os.devnull, os.O_RDWR)
    return [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]


def recorder_missing():
    """Why the recorder cannot be measured, or None."""
    path = os.path.join(TOP, "build", "recorder", "brkpoint-recorder")
    return None if os.access(path, os.X_OK) else "the recorder is not built: make recorder"


def recorded(argv, folder, *more):
    """`brkpoint run` with the recorder: everything from its start to the end of its report.
    `more`: options."""
    trace, result = os.path.join(folder, "trace"), os.path.join(folder, "result")
    words = ["run", "--engine", "recorder", "--force", "-o", trace, *more, "--"]
    run = plain([PYTHON, "-IXutf8", CHILD, result] + words + argv)
    with open(result, encoding="ascii") as file:
        run.processes = json.load(file)
    run.cpu = max(run.cpu, sum(cost["cpu"] for cost in run.processes.values()))
    run.mib = max(cost["mib"] for cost in run.processes.values())
    run.size, run.events = os.path.getsize(trace), _events(trace)
    os.unlink(trace)
    return run


def _events(trace):
    connection = sqlite3.connect("file:%s?mode=ro" % trace, uri=True)
    try:
        return connection.execute("select sum(count) from chunks").fetchone()[0] or 0
    finally:
        connection.close()


def heaptrack_missing():
    return None if shutil.which("heaptrack") else "heaptrack is not installed"


def heaptracked(argv, folder):
    """heaptrack's recording and interpreting, without a report."""
    return plain(["heaptrack", "-o", os.path.join(folder, "heaptrack")] + argv)


def report_time(argv, folder):
    """Seconds that `brkpoint report` takes on a trace of `argv`."""
    trace = os.path.join(folder, "trace")
    brkpoint = os.path.join(TOP, "brkpoint")
    words = ["run", "--engine", "recorder", "--quiet", "--force", "-o", trace, "--"]
    plain([brkpoint] + words + argv)
    seconds = plain([brkpoint, "report", trace]).wall
    os.unlink(trace)
    return seconds


def compile_micro(folder):
    program = os.path.join(folder, "micro")
    source = os.path.join(TOP, "bench", "recorder_micro.c")
    flags = ["-O2", "-fno-builtin", "-fno-optimize-sibling-calls", "-pthread"]
    subprocess.run(["gcc"] + flags + ["-o", program, source], check=True)
    return program


def middle(runs):
    """Of several runs of the same, the median of each figure, and the most memory: the machine is
    shared. What most of them did not start (it reads debug information, once) is left out."""
    found = {}
    for role in runs[0].processes:
        costs = [run.processes[role] for run in runs if role in run.processes]
        if 2 * len(costs) > len(runs):
            cpu = statistics.median(cost["cpu"] for cost in costs)
            found[role] = {"cpu": cpu, "mib": max(cost["mib"] for cost in costs)}
    cpu, wall = (statistics.median(getattr(run, name) for run in runs) for name in ("cpu", "wall"))
    mib = max(run.mib for run in runs)
    return replace(runs[0], wall=wall, cpu=cpu, mib=mib, processes=found)


def say(text):
    print(text)
    sys.stdout.flush()
