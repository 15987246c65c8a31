#!/usr/bin/python3
"""What exports cost: bench/export_cost.py [PAIRS] (of malloc and free; five million).

Records a loop of so many pairs and writes it in each format, to where nothing is kept: what is
measured is brkpoint and no disk. Each figure stands beside the wanted one, `!` where it is not
reached; a format that writes as much as a disk takes in that time may take longer.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, _TOP)

from exports import formats  # noqa: E402
import size  # noqa: E402

PAIRS = 5_000_000
SECONDS, MIB_HELD = 20, 300  # of ten million events
DISK = 100  # MiB a second: what a disk takes
MIB = 1 << 20


def main(words):
    pairs = int(words[0]) if words else size.of(PAIRS, 500)
    wanted = SECONDS * pairs / PAIRS
    with tempfile.TemporaryDirectory(prefix="brkpoint-bench-") as folder:
        trace = record(folder, pairs)
        print("%d events: seconds (%.1f), of CPU, MiB of memory (%d), MiB written" % (
            2 * pairs, wanted, MIB_HELD))  # fmt: skip
        for name in formats.NAMES:
            seconds, used, held, written = export(trace, name)
            is_late = seconds > max(wanted, written / DISK)
            marks = "!" if is_late else " ", "!" if held > MIB_HELD else " "
            print("  %-11s %7.1f%s %7.1f %6.0f%s %8.0f" % (
                name, seconds, marks[0], used, held, marks[1], written))  # fmt: skip


def record(folder, pairs):
    program, trace = os.path.join(folder, "page_loop"), os.path.join(folder, "a.brkpoint")
    source = os.path.join(_TOP, "bench", "page_loop.c")
    subprocess.run(["gcc", "-O1", "-g", "-fno-builtin", source, "-o", program], check=True)
    words = ["--quiet", "--engine", "recorder", "-o", trace, program, str(pairs)]
    subprocess.run([os.path.join(_TOP, "brkpoint"), "run", *words], check=True)
    return trace


def export(trace, name):
    """(seconds, seconds of processors, MiB of memory, MiB written) of one export."""
    words = [os.path.join(_TOP, "brkpoint"), "export", trace, "--format", name]
    begun = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        written = together = 0
        for number, piece in enumerate(iter(lambda: started.stdout.read(MIB), b"")):
            written += len(piece)
            if number % 8 == 0:
                together = max(together, resident(started.pid))
        _, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    assert started.returncode == 0
    held = max(used.ru_maxrss / 1024, together / MIB)
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, held, written / MIB


def resident(pid):
    """Bytes of a process and of its children; what they share counts for each."""
    with contextlib.suppress(OSError), open("/proc/%d/task/%d/children" % (pid, pid)) as children:
        pids = [pid, *map(int, children.read().split())]
        pages = [open("/proc/%d/statm" % one).read().split()[1] for one in pids]
        return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])
