#!/usr/bin/python3
"""What exports cost: bench/export_cost.py [PAIRS] (of malloc and free; five million).

Records a loop of so many pairs and writes it in each format, to where nothing is kept: what is
measured is brkpoint and no disk. Each figure stands beside the wanted one, `!` where it is not
reached; a format that writes as much as a disk takes in that time may take longer.
"""

import os
import subprocess
import sys
import tempfile

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, _TOP)

from exports import formats  # noqa: E402

PAIRS = 5_000_000
SECONDS, MIB_HELD = 20, 300  # of ten million events
DISK = 100  # MiB a second: what a disk takes
MIB = 1 << 20


def main(words):
    pairs = int(words[0]) if words else PAIRS
    wanted = SECONDS * pairs / PAIRS
    with tempfile.TemporaryDirectory(prefix="brkpoint-bench-") as folder:
        trace = record(folder, pairs)
        print("%d events: CPU seconds (%.1f), MiB of memory (%d), MiB written" % (
            2 * pairs, wanted, MIB_HELD))  # fmt: skip
        for name in formats.NAMES:
            seconds, held, written = export(trace, name)
            is_late = seconds > max(wanted, written / DISK)
            marks = "!" if is_late else " ", "!" if held > MIB_HELD else " "
            print("  %-11s %7.1f%s %6.0f%s %8.0f" % (
                name, seconds, marks[0], held, marks[1], written))  # fmt: skip


def record(folder, pairs):
    program, trace = os.path.join(folder, "page_loop"), os.path.join(folder, "a.brkpoint")
    source = os.path.join(_TOP, "bench", "page_loop.c")
    subprocess.run(["gcc", "-O1", "-g", "-fno-builtin", source, "-o", program], check=True)
    words = ["--quiet", "--engine", "recorder", "-o", trace, program, str(pairs)]
    subprocess.run([os.path.join(_TOP, "brkpoint"), "run", *words], check=True)
    return trace


def export(trace, name):
    """(seconds of processor, MiB of memory, MiB written) of one export."""
    words = [os.path.join(_TOP, "brkpoint"), "export", trace, "--format", name]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        written = 0
        for piece in iter(lambda: started.stdout.read(MIB), b""):
            written += len(piece)
        _, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    assert started.returncode == 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, written / MIB


if __name__ == "__main__":
    main(sys.argv[1:])
