#!/usr/bin/python3
"""The way from spool to report where stacks are always new: bench/deep_stacks.py [EVENTS].

Each event has a stack of its own. Prints microseconds of CPU an event for stacks of 25 and of 250
frames, of a program and of a library that it calls, and ratios, which are what can be compared.
"""

import os
import sys
import tempfile
import time

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
sys.path[:0] = [_TOP, os.path.join(_TOP, "tests")]

from alloctrace.purpose import classify  # noqa: E402
from alloctrace.summary.summary import summarise  # noqa: E402
from alloctrace.symbols import symbols  # noqa: E402
from alloctrace.trace import trace  # noqa: E402
import made_nodes  # noqa: E402
import size  # noqa: E402


def cost(events, depth, outer, path):
    """Microseconds of CPU an event, without what any run costs."""
    begin = time.process_time()
    built = made_nodes.recorded(events, depth, outer)
    made = time.process_time()
    stacks = symbols.symbolise(built, gdb=None, notes=[])
    counted = trace.write(path, built, stacks, {}, force=True)
    written = time.process_time()
    with trace.open(path) as opened:
        summarise(opened, kinds=counted)
        summarised = time.process_time()
        summarise(opened)
    read = time.process_time()
    steps = made - begin, written - made, summarised - written, read - summarised
    return [seconds / events * 1e6 for seconds in steps]


def main(events):
    classify.prepare()
    with tempfile.TemporaryDirectory() as folder:
        path, first = os.path.join(folder, "t"), None
        cost(1000, 25, "program", path)  # what is read once
        print("us of CPU an event, %d events   trace  its report  read again  ratio" % events)
        for outer in ("program", "library"):
            for depth in (25, 250):
                _, *steps = cost(events, depth, outer, path)
                first = first or sum(steps)
                row = (outer, depth, *steps, sum(steps) / first)
                print("  %-8s %4d frames %16.1f %11.1f %11.1f %6.2f" % row)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else size.of(100000, 100))
