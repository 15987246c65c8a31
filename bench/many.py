#!/usr/bin/python3
"""What many of one kind cost under the recorder: bench/many.py [threads|children [COUNT...]].

`threads`: so many are alive at once, each with one malloc and one free. `children`: a shell runs
/bin/true so often. Seconds of CPU of the program alone, of the program watched, of the recorder and
of Python behind it; then the share of each thread or child in what program and recorder use more
than the program alone, in milliseconds: it must not grow with their number. The last column is the
recorder's memory. A first run is thrown away: it looks up names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import cost_runs  # noqa: E402
import size  # noqa: E402

KINDS = {"threads": (1000, 2000, 4000, 8000), "children": (50, 100, 200)}
_SHELL = "i=0; while [ $i -lt %d ]; do /bin/true; i=$((i+1)); done"
TITLES = ("alone", "program", "recorder", "Python", "ms each", "MiB")


def commands(kind, counts, folder):
    """A row (count, argv) for each."""
    if kind == "children":
        return [(count, ["/bin/sh", "-c", _SHELL % count]) for count in counts]
    program = os.path.join(folder, "many_threads")
    source = os.path.join(cost_runs.TOP, "bench", "many_threads.c")
    subprocess.run(["gcc", "-O2", "-pthread", "-o", program, source], check=True)
    return [(count, [program, str(count)]) for count in counts]


def measured(count, argv, folder):
    """A figure for each of TITLES."""
    alone, run = cost_runs.plain(argv), cost_runs.recorded(argv, folder)
    recorder = run.processes["recorder"]
    added = run.target + recorder["cpu"] - alone.cpu
    python = run.processes["python"]["cpu"]
    each = added * 1000 / count
    return alone.cpu, run.target, recorder["cpu"], python, each, recorder["mib"]


def main(words):
    if words and words[0] not in KINDS:
        sys.exit("usage: bench/many.py [threads|children [COUNT...]]")
    problem = cost_runs.recorder_missing()
    if problem:
        sys.exit(problem)
    for kind in words[:1] or KINDS:
        counts = [int(word) for word in words[1:]] or size.of(KINDS[kind], (3,))
        with tempfile.TemporaryDirectory() as folder:
            table(kind, counts, folder)


def table(kind, counts, folder):
    rows = commands(kind, counts, folder)
    measured(*commands(kind, [7], folder)[0], folder)
    print("%8s" % kind + "".join("%10s" % title for title in TITLES))
    for count, argv in rows:
        figures = measured(count, argv, folder)
        print("%8d" % count + "".join("%10.2f" % figure for figure in figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
