"""Many attaches to programs whose handlers allocate (recorder/tests/probes/handlers.c), one after
the other to each of them, two programs at once: `make attach-long`. Prints what each came to.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

import launching  # noqa: E402
from attaching import PROBE_WELL, Running, hops, mappings, traced_by  # noqa: E402

KINDS = "plain siginfo altstack nested coroutines timers blocked forged".split()
AT_ONCE = 10  # attaches by one process, between two looks at the program
SIDE_BY_SIDE = threading.Semaphore(2)


def ours(pid):
    """What there is of the recorder in a process: its mappings with code or of its memory file."""
    return [m for m in mappings(pid) if m[2] == "r-xp" and not m[3] or "brkpoint" in m[3]]


class Kind(threading.Thread):
    """Programs of one kind, attached to `times` times; a new one where code had to stay."""

    def __init__(self, kind, times):
        super().__init__()
        self.kind, self.times = kind, times
        self.done, self.stayed, self.signals, self.trouble = 0, 0, 0, []

    def run(self):
        with SIDE_BY_SIDE, tempfile.TemporaryDirectory() as folder:
            while self.done < self.times and not self.trouble:
                self._one_program(Path(folder))

    def _one_program(self, folder):
        with Running(folder, "handlers.c", self.kind) as program:
            while self.done < self.times and not self.trouble and not ours(program.pid):
                count = min(AT_ONCE, self.times - self.done)
                self._attach(folder, program, count)
            self.stayed += bool(ours(program.pid))
            self.signals += program.page.signals
            status = program.finish()
            if status != PROBE_WELL:
                self.trouble.append("ended with %d, wrong %d" % (status, program.page.wrong))

    def _attach(self, folder, program, count):
        seconds = [random.choice((0.001, 0.003, 0.01, 0.04)) for _ in range(count)]
        try:
            hops(folder, program.pid, seconds)
            program.goes_on()
        except Exception as error:  # of whatever kind: said with the others' figures
            self.trouble.append(repr(error)[-400:])
        self.done += count
        if program.page.wrong:
            self.trouble.append("%d values wrong" % program.page.wrong)
        if traced_by(program.pid):
            self.trouble.append("it is still traced")


def main():
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    kinds = sys.argv[2:] or KINDS
    kinds_ = [Kind(kind, times // len(kinds)) for kind in kinds]
    for program in kinds_:
        program.start()
    for program in kinds_:
        program.join()
        print(
            "%-11s %5d attaches, %8d signals, code stayed in %d: %s"
            % (
                program.kind,
                program.done,
                program.signals,
                program.stayed,
                "; ".join(program.trouble) or "well",
            ),
            flush=True,
        )
    return any(program.trouble for program in kinds_)


if __name__ == "__main__":
    os.chdir(launching.ROOT)
    sys.exit(main())
