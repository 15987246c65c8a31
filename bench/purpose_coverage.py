"""How many events of real programs have a purpose: `bench/purpose_coverage.py [PROGRAM…]`.

Each argument is a command line, split at blanks; without any, some that every system has. One line
a command: loader's, runtimes' and the user's un-nested events, explained of all. `--unknown` lists
what has none, by stack.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from collections import Counter

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, HERE)

from alloctrace.trace import trace  # noqa: E402
import size  # noqa: E402

PROGRAMS = ("/bin/true", "/bin/ls -l /usr/bin", "/bin/bash -c :", "/usr/bin/python3 -c pass")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("commands", nargs="*", metavar="PROGRAM")
    parser.add_argument("--unknown", type=int, default=0, metavar="N", help="list N of them")
    parser.add_argument("--list", action="store_true", help="every event with its purpose")
    options = parser.parse_args()
    for command in options.commands or size.of(PROGRAMS, PROGRAMS[:1]):
        measure(command, options)


def measure(command, options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.brkpoint")
        run = [os.path.join(HERE, "brkpoint"), "run", "--quiet", "-o", path, "--"]
        subprocess.run(run + shlex.split(command), stdout=subprocess.DEVNULL, check=False)
        with trace.open(path) as opened:
            report(command, opened, options)


def report(command, opened, options):
    total, known, unknown = Counter(), Counter(), Counter()
    for event in opened.events():
        if event.outer is not None:
            continue
        origin, text = event.verdict.origin, event.purpose.text if event.purpose else None
        total[origin] += 1
        known[origin] += text is not None
        names = [frame.function or frame.module or "?" for frame in opened.stack(event.stack)]
        if text is None:
            unknown[origin, event.name, " < ".join(names[:9])] += 1
        if options.list:
            rule = event.purpose.rule if event.purpose else ""
            owner = event.verdict.owner or ""
            print(event.seq, event.phase, origin, owner, event.name, event.size, "->", text, rule)
    both = ("loader", "runtime")
    share = 100 * sum(known[o] for o in both) / max(1, sum(total[o] for o in both))
    counts = ", ".join("%s %d of %d" % (o, known[o], total[o]) for o in sorted(total))
    print("%s: loader and runtimes %.0f %%; %s" % (command, share, counts))
    for (origin, name, stack), count in unknown.most_common(options.unknown):
        print("  %5d %s %s %s" % (count, origin, name, stack))


if __name__ == "__main__":
    main()
