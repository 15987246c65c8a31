"""Runs every benchmark of this folder that is a program: `make bench`, or with names to choose.

A benchmark has a `main()` and prints ratios, never bare times: machines differ, and are noisy. It
starts without a word; BRKPOINT_BENCH=small in the environment makes each as short as can be.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
_IS_PROGRAM = re.compile(r'^if __name__ == "__main__":', re.M)


def names(folder=None):
    """The benchmarks, by name and in order; this file and what they run are none."""
    folder, found = folder or HERE, []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name != os.path.basename(__file__):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                if _IS_PROGRAM.search(file.read()):
                    found.append(name[:-3])
    return found


def main(chosen):
    """Runs `chosen`, or all; the number of those that failed."""
    unknown = set(chosen) - set(names())
    if unknown:
        print("no such benchmark: %s; there are: %s" % (", ".join(unknown), ", ".join(names())))
        return 2
    failed = []
    for name in chosen or names():
        print("== %s" % name, flush=True)
        if subprocess.run([sys.executable, os.path.join(HERE, name + ".py")]).returncode:
            failed.append(name)
    if failed:
        print("failed: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
