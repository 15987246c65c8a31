#!/usr/bin/python3
"""Records tests/data/traces anew: tests/record_traces.py FOLDER

The programs are built and run in FOLDER, whose name ends up in the traces: choose one that says
nothing about your machine (/home/reader). Then look at the differences of tests/data/golden:
BRKPOINT_GOLDEN=write /usr/bin/python3 -m pytest tests/test_golden.py && git diff
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRACES = os.path.join(ROOT, "tests", "data", "traces")
C = ["gcc", "-g", "-O0", "-fno-builtin", "-pthread"]
RUST = ["rustc", "--edition", "2021", "-O"]

# Name of the trace: its source and how it is built.
PROGRAMS = {
    "success": ("c/success.c", C),
    "alloc": ("c/alloc.c", C),
    "leak": ("c/leak.c", C),
    "thread": ("c/thread.c", C),
    "stripped-static": ("c/alloc.c", C + ["-static", "-s"]),
    "vec_fn": ("rust/vec_fn.rs", RUST),
}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    os.makedirs(TRACES, exist_ok=True)
    for name, (source, compiler) in PROGRAMS.items():
        shutil.copy(os.path.join(ROOT, "targets", source), folder)
        file = os.path.basename(source)
        subprocess.run([*compiler, "-o", name, file], cwd=folder, check=True)
        trace = os.path.join(TRACES, name + ".brkpoint")
        command = [os.path.join(ROOT, "brkpoint"), "run", "--force", "-o", trace, "./" + name]
        subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
