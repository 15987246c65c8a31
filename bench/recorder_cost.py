#!/usr/bin/python3
"""What the recorder costs, beside the program alone and beside heaptrack, in one run.

bench/recorder_cost.py [--pairs N] [--scale F] [--repeat N] [PART...], a PART being one of
setup, micro, threads, programs, large, first.

Each figure stands before the one that is wanted: `24 (30)`; with a `!` where it is not reached.
What is not installed or not built is said, and left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile

import cost_programs
from cost_programs import commands
from cost_runs import Run, compile_micro, heaptrack_missing, heaptracked, middle, plain
from cost_runs import recorded, recorder_missing, report_time, say
import size

# Wanted, by frames: ns an event added to the target, and the share of heaptrack's CPU and wall.
MICRO = {7: (30, 1 / 2), 31: (45, 1 / 3)}
THREADS, THREADS_TIMES = (1, 2, 4, 64), 1.3
TARGET_TIMES, LARGE_TIMES, ALL_SHARE, FIRST_SHARE = 1.3, 1.5, 1 / 2, 3 / 4
SETUP_WALL, SETUP_CPU = 0.12, 0.12
REPORT_SECONDS, BYTES, MIB = 3, 6, 300


def figure(value, wanted, form="%.2f"):
    text = "%s (%s)" % (form, form) % (value, wanted)
    return text if value <= wanted else text + "!"


def side_by_side(argv, folder, options):
    """The medians of `--repeat` turns: natively, under the recorder with a report and without (as
    heaptrack has none), under heaptrack or None."""
    turns = [
        (
            plain(argv),
            recorded(argv, folder),
            recorded(argv, folder, "--quiet"),
            _heaptrack(argv, folder),
        )
        for _ in options.turns
    ]
    return [middle(runs) if runs[0] else None for runs in zip(*turns)]


def _heaptrack(argv, folder):
    return None if heaptrack_missing() else heaptracked(argv, folder)


def whole(ours, theirs, share):
    """Everything that ran, against everything of heaptrack's."""
    if theirs is None:
        return "everything %.2f s CPU, %.2f s wall" % (ours.cpu, ours.wall)
    cpu, wall = figure(ours.cpu / theirs.cpu, share), figure(ours.wall / theirs.wall, share)
    return "of heaptrack's CPU %s, wall %s" % (cpu, wall)


def disk(ours):
    parts = ("%s %.2f s %.0f MiB" % (n, c["cpu"], c["mib"]) for n, c in ours.processes.items())
    return "  %s bytes an event; %s; most MiB %s" % (
        figure(ours.size / max(1, ours.events), BYTES, "%.1f"),
        ", ".join(parts),
        figure(ours.mib, MIB, "%.0f"),
    )


def micro(folder, options):
    say("micro: %d pairs of malloc and free" % options.pairs)
    program = compile_micro(folder)
    for frames, (added, share) in MICRO.items():
        argv = [program, str(options.pairs), str(frames), "1"]
        native, ours, quiet, theirs = side_by_side(argv, folder, options)
        ns = (ours.target - native.cpu) * 1e9 / max(1, ours.events)
        say(
            "%2d frames: ns an event added to the target %s; %s"
            % (frames, figure(ns, added, "%.0f"), whole(ours, theirs, share))
        )
        say("  without a report: %s" % whole(quiet, theirs, share))
        say(disk(ours))
    argv = [program, str(options.pairs), "7", "1"]
    say("report: %s s" % figure(report_time(argv, folder), REPORT_SECONDS, "%.1f"))


def threads(folder, options):
    say("threads: ns of CPU of target and host an event, times that of one thread; events lost")
    program, single, pairs = compile_micro(folder), 0.0, 4 * options.pairs
    for count in THREADS:
        argv = [program, str(max(1, pairs // count)), "7", str(count)]
        runs = [recorded(argv, folder, "--quiet") for _ in options.turns]
        run = middle(runs)
        ns = (run.target + run.processes["recorder"]["cpu"]) * 1e9 / max(1, run.events)
        single = single or ns
        lost = pairs // count * count * 2 - min(run.events for run in runs)
        row = "%d threads: %.0f ns, %s; %d lost"
        say(row % (count, ns, figure(ns / single, THREADS_TIMES), max(0, lost)))


def programs(folder, options):
    say("programs: the target's CPU in times of the program alone")
    _beside(commands(folder, options.scale), folder, options, TARGET_TIMES)


def large(folder, options):
    say("large: the same of large ones")
    _beside(cost_programs.large(folder, options.scale), folder, options, LARGE_TIMES)


def _beside(rows, folder, options, times_wanted):
    """Where heaptrack costs the target more, it may cost half as much more with us."""
    for name, argv in rows:
        if argv is None:
            say("%-8s not installed" % name)
            continue
        native, ours, quiet, theirs = side_by_side(argv, folder, options)
        times, wanted = ours.target / native.cpu, times_wanted
        if times_wanted == TARGET_TIMES:
            wanted = max(wanted, 1 + ((theirs or Run()).cpu / native.cpu - 1) / 2)
        row = "%-8s %8d events: target %s; %s"
        say(row % (name, ours.events, figure(times, wanted), whole(ours, theirs, ALL_SHARE)))
        say("  without a report: %s" % whole(quiet, theirs, ALL_SHARE))
        say(disk(ours))


def first_of(argv, folder, *more):
    """A run of a program of which nothing is known yet."""
    shutil.rmtree(os.path.join(folder, "cache"), ignore_errors=True)
    return recorded(argv, folder, *more)


def first(folder, options):
    say("first: programs of which nothing is known yet")
    others = [("true", ["/bin/true"]), ("curl", ["curl", "-s", "file:///etc/passwd"])]
    kept = os.environ.get("BRKPOINT_CACHE")
    os.environ["BRKPOINT_CACHE"] = os.path.join(folder, "cache")
    for name, argv in commands(folder, options.scale) + others:
        if argv is None or not shutil.which(argv[0]):
            say("%-8s not installed" % name)
            continue
        turns = [
            (
                first_of(argv, folder),
                first_of(argv, folder, "--quiet"),
                _heaptrack(argv, folder),
            )
            for _ in options.turns
        ]
        ours, quiet, theirs = (middle(runs) if runs[0] else None for runs in zip(*turns))
        gdb = "with gdb" if "gdb" in ours.processes else "without gdb"
        say("%-8s %s; %s" % (name, gdb, whole(ours, theirs, FIRST_SHARE)))
        say("  without a report: %s" % whole(quiet, theirs, FIRST_SHARE))
        say(disk(ours))
    del os.environ["BRKPOINT_CACHE"]
    if kept is not None:
        os.environ["BRKPOINT_CACHE"] = kept


def setup(folder, options):
    runs = middle([recorded(["/bin/true"], folder) for _ in range(len(options.turns) + 2)])
    wall, cpu = figure(runs.wall, SETUP_WALL), figure(runs.cpu, SETUP_CPU)
    say("setup: /bin/true %s s wall, %s s CPU" % (wall, cpu))


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = (setup, micro, threads, programs, large, first)
    names = [part.__name__ for part in parts]
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(names) + "; all of them")
    parser.add_argument(
        "--pairs", type=int, default=size.of(1000000, 1009), help="of the micro benchmark"
    )
    parser.add_argument(
        "--scale", type=float, default=size.of(1.0, 0.001), help="of the programs' inputs"
    )
    parser.add_argument(
        "--repeat", type=int, default=size.of(5, 1), help="turns, of which the median counts"
    )
    options = parser.parse_args(words)
    if not set(options.parts) <= set(names):
        parser.error("there are: " + ", ".join(names))
    options.turns = range(max(1, options.repeat))
    options.chosen = [part for part in parts if part.__name__ in (options.parts or names)]
    return options


def main(words):
    options = parse(words)
    if recorder_missing():
        say(recorder_missing())
        return
    if heaptrack_missing():
        say(heaptrack_missing() + ": no comparison with it")
    say("measured (wanted), ! where it is not reached; medians of %d turns" % len(options.turns))
    say("load before: %.1f" % os.getloadavg()[0])
    with tempfile.TemporaryDirectory() as folder:
        for part in options.chosen:
            part(folder, options)
    say("load after: %.1f" % os.getloadavg()[0])


if __name__ == "__main__":
    main(sys.argv[1:])
