#!/usr/bin/python3
"""What the breakpoint engine costs, as ratios measured in one run.

A call (entry, return and stack) against one empty Python stop(), at two depths and at growing
counts; the whole command on an empty program. Both are measured in turns, a few at a time: what
else the machine does meets both.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, TOP)

from start import launch  # noqa: E402
import size  # noqa: E402

MARKED = os.path.join(TOP, "gdb-scripts", "checks", "engine_with_marker.py")
LIMIT = 2.0  # times an empty stop
EACH = 17  # calls of a kind in a block: deep.c
KINDS = ("malloc", "free", "calloc")


def main():
    with tempfile.TemporaryDirectory() as folder:
        deep = _compile(folder)
        print("one call (entry, return, stack) in empty stops; at most %g is wanted" % LIMIT)
        print("(by the time that a quarter of the blocks stay below; by that of half of them)")
        for depth in (5, 30):
            print("%3d frames: %s" % (depth, _row(_blocks(folder, deep, size.of(200, 3), depth))))
        print("the same at 30 frames by count: flat is wanted")
        for count in size.of((50, 300, 1000), (3,)):
            rows = _blocks(folder, deep, count, 30)
            last = rows[-max(count // 4, 1) :]
            print("%7d calls: %s" % (count * EACH * (len(KINDS) + 1), _row(last)))
        print("the whole command on an empty program: %.2f s" % _whole(folder))
        print("load: %.1f" % os.getloadavg()[0])


def _row(rows):
    """`rows`: of each block the us of an empty stop and of a call of each kind."""
    quick, middle = [], []
    for times in zip(*rows):
        quick.append(sorted(times)[len(times) // 4])
        middle.append(statistics.median(times))
    words = [
        "%s %.2f (%.2f)" % (KINDS[at - 1], quick[at] / quick[0], middle[at] / middle[0])
        for at in range(1, len(quick))
    ]
    return "%s; empty stop %.0f us (%.0f)" % (", ".join(words), quick[0], middle[0])


def _compile(folder):
    program = os.path.join(folder, "deep")
    source = os.path.join(TOP, "bench", "deep.c")
    subprocess.run(["gcc", "-O0", "-fno-builtin", "-o", program, source], check=True)
    return program


def _blocks(folder, deep, count, depth):
    """[[us of an empty stop, us of a call of each kind]] of each block."""
    result, spool = os.path.join(folder, "ns"), os.path.join(folder, "spool")
    argv = [os.fsencode(word) for word in (deep, str(count), str(depth), result)]
    launch.run(argv, spool, launch.Options(engine=MARKED))
    os.unlink(spool)
    with open(result, encoding="ascii") as file:
        return [[int(word) / 1000 / EACH for word in line.split()] for line in file]


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
