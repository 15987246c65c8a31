#!/usr/bin/python3
"""What a run costs below and above the number of events that are each asked: bench/limit_cost.py.

Made-up calls through the history in C, into a trace, to its summary: some with 500 stacks, some
with stacks that are always new. Prints microseconds of CPU an event, and how much dearer each row
is than the first, which is what can be compared.
"""

import os
import subprocess
import sys
import tempfile
import time

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, _TOP)

from alloctrace.history import history, packed  # noqa: E402
from alloctrace.purpose import classify  # noqa: E402
from alloctrace.spool import spool  # noqa: E402
from alloctrace.summary.summary import summarise  # noqa: E402
from alloctrace.symbols import symbols  # noqa: E402
from alloctrace.trace import trace  # noqa: E402
import size  # noqa: E402

_TOOL = os.path.join(_TOP, "build", "recorder", "brkpoint-history")
KINDS = (("500 stacks", ("--stacks", "500", "--live", "5000")), ("new stacks", ("--ways", "250")))


EVENTS = (packed.MANY // 2, packed.MANY - 9, packed.MANY + 9, 200000)


def cost(folder, events, options):
    """Seconds of CPU from spool to summary."""
    made = os.path.join(folder, "spool")
    make = [_TOOL, "--synthetic", str(events), *options, made]
    subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
    begin = time.process_time()
    built = history.build(spool.read(made))
    stacks = symbols.symbolise(built, gdb=None, notes=[])
    counted = trace.write(os.path.join(folder, "t"), built, stacks, {}, force=True)
    with trace.open(os.path.join(folder, "t")) as opened:
        summarise(opened, kinds=counted)
    return time.process_time() - begin, len(built.events)


def main():
    command = ["make", "-s", "-f", "recorder/build.mk", "recorder-history"]
    subprocess.run(command, cwd=_TOP, check=True)
    classify.prepare()
    with tempfile.TemporaryDirectory() as folder:
        cost(folder, 100, ())  # what is read once
        for name, options in KINDS:
            first = None
            for events in size.of(EVENTS, (1000,)):
                seconds, found = cost(folder, events, options)
                first = first or seconds / found
                row = (name, found, seconds / found * 1e6, seconds / found / first)
                print("%-10s %7d events %6.1f us an event, ratio %.2f" % row)


if __name__ == "__main__":
    main()
