#!/usr/bin/python3
"""A run of many events with many stacks: bench/stacks_cost.py [PAIRS [WAYS]].

PAIRS: 5,000,000, WAYS: 50,000: ten million events with 100,000 distinct stacks, as an interpreter
or a compiler has them; alone, watched and under heaptrack, in turns, and then the report of the
stored trace. Each figure stands before the wanted one, `!` where it is not reached.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import cost_runs  # noqa: E402
import size  # noqa: E402

TURNS = 5
SHARE, MIB, REPORT_S = 1.0, 300, 3  # of heaptrack's; of the largest process; of its report


def compiled(folder):
    program = os.path.join(folder, "many_stacks")
    source = os.path.join(cost_runs.TOP, "bench", "many_stacks.c")
    flags = ["-O1", "-fno-builtin", "-fno-optimize-sibling-calls"]
    subprocess.run(["gcc", *flags, "-o", program, source], check=True)
    return program


def tell(what, value, wanted):
    print("  %-34s %8.2f (%g)%s" % (what, value, wanted, "!" * (value > wanted)), flush=True)


def main(words):
    problem = cost_runs.recorder_missing()
    if problem:
        sys.exit(problem)
    given = list(map(int, words))
    pairs, ways = given + size.of([5_000_000, 50_000], [500, 50])[len(given) :]
    with tempfile.TemporaryDirectory() as folder:
        argv = [compiled(folder), str(pairs), str(ways)]
        alone, ours, theirs = [], [], []
        for _ in range(size.of(TURNS, 1)):
            alone.append(cost_runs.plain(argv))
            ours.append(cost_runs.recorded(argv, folder))
            if cost_runs.heaptrack_missing() is None:
                theirs.append(cost_runs.heaptracked(argv, folder))
        run = cost_runs.middle(ours)
        cpu = {role: cost["cpu"] for role, cost in run.processes.items()}
        print("%d events, %.1f bytes each; s of CPU: alone %.2f, %s" % (
            run.events, run.size / run.events, cost_runs.middle(alone).cpu,
            ", ".join("%s %.2f" % row for row in sorted(cpu.items()))))  # fmt: skip
        if theirs:
            heaptrack = cost_runs.middle(theirs)
            tell("CPU, of heaptrack's", run.cpu / heaptrack.cpu, SHARE)
            tell("wall, of heaptrack's", run.wall / heaptrack.wall, SHARE)
        tell("largest process, MiB", run.mib, MIB)
        tell("report, s", cost_runs.report_time(argv, folder), REPORT_S)


if __name__ == "__main__":
    main(sys.argv[1:])
