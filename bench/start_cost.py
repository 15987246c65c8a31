#!/usr/bin/python3
"""What a run costs beside its program: bench/start_cost.py [--repeat N] [-- PROGRAM [ARG...]].

Milliseconds of CPU of all processes, the least of N turns (5), each turn in the same order so that
what else the machine does meets all alike: the program alone; watched the first time, when nothing
is known of it; watched again; without what is kept (--no-cache, with the names of functions asked
for anew); a report of the stored trace. Wanted of /bin/true: 120 and 80.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

import cost_runs  # noqa: E402
import size  # noqa: E402

BRKPOINT = os.path.join(cost_runs.TOP, "brkpoint")
WANTED = {"watched again": 120, "report": 80}  # of /bin/true


def turn(argv, folder):
    """{what: seconds of CPU}"""
    cache, trace = os.path.join(folder, "cache"), os.path.join(folder, "t.brkpoint")
    os.environ["BRKPOINT_CACHE"] = cache
    shutil.rmtree(cache, ignore_errors=True)
    run = [BRKPOINT, "run", "--engine", "recorder", "--force", "-o", trace]
    return {
        "alone": cost_runs.plain(argv).cpu,
        "watched first": cost_runs.plain([*run, "--", *argv]).cpu,
        "watched again": cost_runs.plain([*run, "--", *argv]).cpu,
        "--no-cache": cost_runs.plain([*run, "--no-cache", "--", *argv]).cpu,
        "report": cost_runs.plain([BRKPOINT, "report", trace]).cpu,
    }


def main(words):
    problem = cost_runs.recorder_missing()
    if problem:
        sys.exit(problem)
    repeat = size.of(5, 1)
    if words[:1] == ["--repeat"]:
        repeat, words = int(words[1]), words[2:]
    argv = words[1:] if words[:1] == ["--"] else words
    wanted = {} if argv else WANTED
    with tempfile.TemporaryDirectory() as folder:
        rows = [turn(argv or ["/bin/true"], folder) for _ in range(repeat)]
    for what in rows[0]:
        least = 1000 * min(row[what] for row in rows)
        aim = "  (%d)%s" % (wanted[what], "!" * (least > wanted[what])) if what in wanted else ""
        print("%-14s %6.0f ms%s" % (what, least, aim), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
