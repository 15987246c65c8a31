#!/usr/bin/python3
"""What the breakpoint engine costs, as ratios measured in one run.

A call (entry, return and stack) against one empty Python stop(), at two depths and at growing
counts; the whole command on an empty program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, TOP)

from start import launch  # noqa: E402
import size  # noqa: E402

MARKED = os.path.join(TOP, "gdb-scripts", "checks", "engine_with_marker.py")
LIMIT = 4.0  # times an empty stop


def main():
    with tempfile.TemporaryDirectory() as folder:
        deep = _compile(folder)
        print("one call (entry, return, stack) in empty stops; at most %g is wanted" % LIMIT)
        for depth in (5, 30):
            stop_us, call_us = _loop(folder, deep, size.of(2003, 11), depth)
            row = "%3d frames: %4.1f  (empty stop %.0f us, call %.0f us)"
            print(row % (depth, call_us / stop_us, stop_us, call_us))
        print("the same at 30 frames by count: flat is wanted")
        for count in size.of((101, 1009, 10007, 50021), (11,)):
            stop_us, call_us = _loop(folder, deep, count, 30)
            print("%7d calls: %4.1f  (call %.0f us)" % (count, call_us / stop_us, call_us))
        print("the whole command on an empty program: %.2f s" % _whole(folder))


def _compile(folder):
    program = os.path.join(folder, "deep")
    source = os.path.join(TOP, "bench", "deep.c")
    subprocess.run(["gcc", "-O0", "-fno-builtin", "-o", program, source], check=True)
    return program


def _loop(folder, deep, count, depth):
    """(us of an empty stop, us of a call)."""
    result, spool = os.path.join(folder, "ns"), os.path.join(folder, "spool")
    argv = [os.fsencode(word) for word in (deep, str(count), str(depth), result)]
    launch.run(argv, spool, launch.Options(engine=MARKED))
    os.unlink(spool)
    with open(result, encoding="ascii") as file:
        return [int(word) / 1000 / count for word in file.read().split()]


def _whole(folder):
    """Seconds of the best of five."""
    program = os.path.join(folder, "empty")
    source = b"int main(void) { return 0; }"
    subprocess.run(["gcc", "-x", "c", "-", "-o", program], input=source, check=True)
    command = [os.path.join(TOP, "brkpoint"), "-o", program + ".brkpoint", "--force", program]
    times = []
    for _ in range(size.of(5, 1)):
        start = time.monotonic()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        times.append(time.monotonic() - start)
    return min(times)


if __name__ == "__main__":
    main()
