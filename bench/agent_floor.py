#!/usr/bin/python3
"""What the agent costs at an event beside the least that it could: bench/agent_floor.py.

The floor (agent_floor.c) compares the return addresses of a stack and stores an event; the agent
(recorder/tests/agent_cost.c) is entered, finds out whose thread and which stack it is, and stores
the same. Nanoseconds of CPU, the least of five turns, and instructions: of the floor by callgrind,
of the agent counted one by one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import cost_runs  # noqa: E402
import size  # noqa: E402

AGENT = os.path.join("build", "recorder", "tests", "agent_cost")
COUNTED = 10000  # events more in one run under callgrind than in another
FRAMES = (7, 31)


def said(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True)


def instructions(floor, frames):
    """Of the floor, an event; None: there is no valgrind."""
    if shutil.which("valgrind") is None:
        return None
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", floor]
    counts = []
    for events in (COUNTED, 2 * COUNTED):
        text = said(*tool, str(events), str(frames)).stderr
        counts.append(int(re.search(r"Collected : (\d+)", text)[1]))
    return (counts[1] - counts[0]) / COUNTED / 5  # loops


def main():
    make = ["make", "-s", "-C", cost_runs.TOP, "-f", "recorder/build.mk", AGENT]
    if cost_runs.recorder_missing():
        sys.exit(cost_runs.recorder_missing())
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    events = str(size.of(5000000, 3000))
    with tempfile.TemporaryDirectory() as folder:
        floor = os.path.join(folder, "agent_floor")
        source = os.path.join(cost_runs.TOP, "bench", "agent_floor.c")
        subprocess.run(["gcc", "-O2", "-o", floor, source], check=True)
        for frames in FRAMES:
            turns = []
            for _ in range(size.of(5, 1)):
                text = said(os.path.join(cost_runs.TOP, AGENT), events, str(frames), "16").stdout
                found = re.search(r"([\d.]+) ns an event, .*?(\d+) instructions", text)
                least = float(said(floor, events, str(frames)).stdout)
                turns.append((float(found[1]), least, int(found[2])))
            ns, bottom = (min(column) for column in list(zip(*turns))[:2])
            counted = instructions(floor, frames)
            row = "%2d frames: agent %.1f ns, floor %.1f: %.1f times; instructions %d and %s"
            least_count = "%.0f" % counted if counted else "? (no valgrind)"
            print(row % (frames, ns, bottom, ns / bottom, turns[0][2], least_count))
    print("load: %.1f" % os.getloadavg()[0])


if __name__ == "__main__":
    main()
