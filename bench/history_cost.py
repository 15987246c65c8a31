#!/usr/bin/python3
"""What ten million events cost on their way to a report: bench/history_cost.py [EVENTS].

Made-up events, `malloc` and `free` in a loop with stacks of 31 frames, through the history in C,
into a trace, to a report. Then the same with 500 stacks and 5000 live blocks of random address,
which is dearer than any real program; and a hundredth of them with stacks that are always new.
100000000 as EVENTS takes some minutes. Compare the figures with what `malloc` and `free`
themselves cost on the same machine at the same time.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True

import size  # noqa: E402

_TOOL = os.path.join(_TOP, "build", "recorder", "brkpoint-history")
_MAKE_TRACE = """
import sys
sys.path.insert(0, sys.argv[1])
from alloctrace.history import history
from alloctrace.spool import spool
from start import symbol_gdb
from alloctrace.trace import trace
past = history.build(spool.read(sys.argv[2]))
trace.write(sys.argv[3], past, symbol_gdb.symbolise(past), {})
"""
_NATIVE = """
#include <stdlib.h>
int main(void)
{
    for (long pair = 0; pair < 5000000; pair++) {
        void *volatile block = malloc(24);
        free(block);
    }
    return 0;
}
"""
KINDS = (  # the third: one event in so many
    ("loop", (), 1),
    ("random", ("--stacks", "500", "--live", "5000"), 1),
    ("new stacks", ("--ways", "250"), 100),
)


def run(*command, **more):
    """(seconds of wall, of CPU, peak MiB, CompletedProcess) of one process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    timed = ["/usr/bin/env", "time", "-f", "peak %M", *command]
    done = subprocess.run(timed, capture_output=True, text=True, **more)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begin
    if done.returncode:
        sys.exit("%s: %s" % (command[0], done.stderr))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, int(re.search(r"peak (\d+)", done.stderr).group(1)) / 1024, done


def native(folder):
    """Nanoseconds of CPU that malloc and free take each, here and now."""
    program = os.path.join(folder, "native")
    command = ["gcc", "-O2", "-fno-builtin", "-x", "c", "-", "-o", program]
    subprocess.run(command, input=_NATIVE, text=True, check=True)
    return run(program)[1] * 1e9 / 1e7


def measure(folder, name, options, count):
    spool, trace = os.path.join(folder, "spool"), os.path.join(folder, "trace")
    base = native(folder)
    wall, cpu, peak, _ = run(_TOOL, "--synthetic", str(count), *options, spool)
    print("%s: %d events; malloc or free alone: %.1f ns" % (name, count, base))
    text = "  history    %6.1f ns of CPU an event (%.1f times that), %.2f bytes an event, %4.0f MiB"
    per = cpu * 1e9 / count
    print(text % (per, per / base, os.path.getsize(spool) / count, peak))
    wall, cpu, peak, _ = run(sys.executable, "-c", _MAKE_TRACE, _TOP, spool, trace)
    text = "  trace      %6.2f s, %.2f s of CPU, %.2f bytes an event, %4.0f MiB"
    print(text % (wall, cpu, os.path.getsize(trace) / count, peak))
    command = [os.path.join(_TOP, "brkpoint"), "report", trace]
    for what, more in (("report", ()), ("--json", ("--json",)), ("--markdown", ("--markdown",))):
        wall, cpu, peak, done = run(*command, *more)
        print("  %-10s %6.2f s, %.2f s of CPU, %4.0f MiB" % (what, wall, cpu, peak))
        if more == ("--json",):
            assert json.loads(done.stdout)["causes"]["calls"] == count
    os.unlink(spool)
    os.unlink(trace)


def main(count):
    command = ["make", "-s", "-f", "recorder/build.mk", "recorder-history"]
    subprocess.run(command, cwd=_TOP, check=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, options, part in KINDS:
            measure(folder, name, options, count // part)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else size.of(10000000, 10000))
