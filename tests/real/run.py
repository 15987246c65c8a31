#!/usr/bin/python3
"""Runs real programs alone and under brkpoint, checks each, prints the table.

tests/real/run.py [--quick] [--repeat N] [--limit S] [--no-witnesses] [--keep FOLDER] [WORD...]
tests/real/run.py --docs

WORD: only programs whose name contains one of these. Exit status 1 when a row fails. `--docs`
writes the table of the last results (build/real/) into docs/real-programs.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import programs  # noqa: E402
import rows  # noqa: E402
import runs  # noqa: E402
import table  # noqa: E402


def _commit():
    """Which brkpoint this is, as git has it; "" outside a clone."""
    words = ["git", "-C", programs.ROOT, "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def machine(kept):
    """A sentence on what the rows were measured with."""
    commits = ", ".join(sorted({row["commit"] for row in kept if row.get("commit")}))
    return "Measured on %s, Linux %s, %d processors, %s, brkpoint at %s." % (
        time.strftime("%Y-%m-%d"), platform.release(), os.cpu_count(), _distribution(), commits,
    )  # fmt: skip


def _distribution():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError, AttributeError):
        return "unknown distribution"


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="WORD", help="part of a program's name")
    parser.add_argument("--quick", action="store_true", help="only the rows that CI runs")
    parser.add_argument("--repeat", type=int, default=2, help="runs, of which the least CPU counts")
    parser.add_argument(
        "--limit", type=float, default=60, metavar="S", help="seconds of CPU of a run"
    )
    parser.add_argument("--no-witnesses", dest="witnesses", action="store_false")
    parser.add_argument("--keep", metavar="FOLDER", help="traces and outputs go there")
    parser.add_argument("--docs", action="store_true", help="write docs/real-programs.md")
    parser.add_argument("--list", action="store_true", help="name the programs")
    return parser.parse_args(words)


def main(words):
    options = parse(words)
    chosen = programs.chosen(options.names, options.quick)
    if options.docs:
        kept = table.kept(programs.read())
        table.write_page(kept, machine(kept))
        return 0
    if options.list:
        print("\n".join(program.name for program in chosen))
        return 0
    return run_all(chosen, options)


def run_all(chosen, options):
    found = []
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # what runs is ended, what lies about goes
    commit = _commit()
    runs.say(table.head())
    with tempfile.TemporaryDirectory(prefix="real-programs-") as folder:
        os.chmod(folder, 0o755)  # some run as somebody else
        for program in chosen:
            found.append(dict(rows.row_of(program, options, folder), commit=commit))
            table.keep(found[-1])
            runs.say("\n".join(table.text_of(found[-1])))
    runs.say(table.tally(found))
    return int(any(one["complaints"] for one in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
