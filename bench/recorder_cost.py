#!/usr/bin/python3
"""What the recorder costs, beside the program alone and beside heaptrack, in one run.

bench/recorder_cost.py [--pairs N] [--scale F] [--repeat N] [PART...], a PART being one of
micro, threads, programs, first, setup.

Each figure stands before the one that is wanted: `24 (30)`; with a `!` where it is not reached.
What is not installed or not built is said, and left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile

from cost_programs import commands
from cost_runs import Run, compile_micro, heaptrack_missing, heaptracked, least, plain
from cost_runs import recorded, recorder_missing, report_time, say
import size

# Wanted, by frames: ns an event added to the target, and the share of heaptrack's CPU and wall.
MICRO = {7: (30, 1 / 2), 31: (45, 1 / 3)}
THREADS, THREADS_TIMES = (1, 2, 4), 1.3
TARGET_TIMES, ALL_SHARE, FIRST_SHARE = 1.3, 1 / 2, 3 / 4
SETUP_WALL, SETUP_CPU = 0.3, 0.35
REPORT_SECONDS, BYTES, MIB = 3, 6, 300


def figure(value, wanted, form="%.2f"):
    text = "%s (%s)" % (form, form) % (value, wanted)
    return text if value <= wanted else text + "!"


def side_by_side(argv, folder, options):
    """The least of `--repeat` turns: natively, under the recorder with a report and (as heaptrack)
    without, under heaptrack or None."""
    turns = [
        (
            plain(argv),
            recorded(argv, folder),
            recorded(argv, folder, "--quiet"),
            _heaptrack(argv, folder),
        )
        for _ in options.turns
    ]
    return [least(runs) if runs[0] else None for runs in zip(*turns)]


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
    say("threads: ns of the target's CPU an event, times that of one thread")
    program, single = compile_micro(folder), 0.0
    for count in THREADS:
        argv = [program, str(max(1, options.pairs // count)), "7", str(count)]
        runs = [recorded(argv, folder) for _ in options.turns]
        ns = least(runs).target * 1e9 / max(1, runs[0].events)
        single = single or ns
        say("%d threads: %.0f ns, %s" % (count, ns, figure(ns / single, THREADS_TIMES)))


def programs(folder, options):
    say("programs: the target's CPU in times of the program alone")
    for name, argv in commands(folder, options.scale):
        if argv is None:
            say("%-8s not installed" % name)
            continue
        native, ours, quiet, theirs = side_by_side(argv, folder, options)
        times = ours.target / native.cpu
        wanted = max(TARGET_TIMES, 1 + ((theirs or Run()).cpu / native.cpu - 1) / 2)
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
        ours, quiet, theirs = (least(runs) if runs[0] else None for runs in zip(*turns))
        gdb = "with gdb" if "gdb" in ours.processes else "without gdb"
        say("%-8s %s; %s" % (name, gdb, whole(ours, theirs, FIRST_SHARE)))
        say("  without a report: %s" % whole(quiet, theirs, FIRST_SHARE))
        say(disk(ours))
    del os.environ["BRKPOINT_CACHE"]
    if kept is not None:
        os.environ["BRKPOINT_CACHE"] = kept


def setup(folder, options):
    runs = least([recorded(["/bin/true"], folder) for _ in range(len(options.turns) + 2)])
    wall, cpu = figure(runs.wall, SETUP_WALL), figure(runs.cpu, SETUP_CPU)
    say("setup: /bin/true %s s wall, %s s CPU" % (wall, cpu))


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = (setup, micro, threads, programs, first)
    names = [part.__name__ for part in parts]
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(names) + "; all of them")
    parser.add_argument(
        "--pairs", type=int, default=size.of(1000000, 1009), help="of the micro benchmark"
    )
    parser.add_argument(
        "--scale", type=float, default=size.of(1.0, 0.001), help="of the programs' inputs"
    )
    parser.add_argument(
        "--repeat", type=int, default=size.of(3, 1), help="turns, of which the least counts"
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
    say("measured (wanted), ! where it is not reached; the least of %d turns" % len(options.turns))
    with tempfile.TemporaryDirectory() as folder:
        for part in options.chosen:
            part(folder, options)


if __name__ == "__main__":
    main(sys.argv[1:])
