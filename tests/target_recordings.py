"""Each target in gdb, recorded once in a run of the tests: as a witness beside strace, ltrace and
/proc (tests/test_cross_check_targets.py), and as what the recorder has to equal
(tests/test_recorder_equal.py).
"""

from __future__ import annotations

import json
import os

import shared_cache
from alloctrace.trace import trace
from fake_tools import tool  # fake_tools.py knows where brkpoint_trace is
from target_programs import LIMIT_S, ROOT, programs

from brkpoint_trace import gdb_run  # isort: skip


def words(name):
    """The words that run the target, wherever one is."""
    command = next(program.command for program in programs() if program.name == name)
    return [os.path.join(ROOT, word) if "/" in word else word for word in command]


def by_gdb(name):
    """(path of its trace, tool.Done of the run)"""
    folder = shared_cache.once("gdb-" + name, lambda folder: _record(name, folder))
    with open(os.path.join(folder, "done"), encoding="utf-8") as file:
        return os.path.join(folder, "trace"), tool.Done(*json.load(file))


def _record(name, folder):
    fixed, keep = tool.can_fix_addresses(), os.path.join(folder, "trace")
    _, _, done = gdb_run.witness(words(name), LIMIT_S, fixed, keep)
    with open(os.path.join(folder, "done"), "w", encoding="utf-8") as file:
        json.dump(done, file)


def witness(name):
    """What stands for gdb_run.witness; run again, the target does run again."""
    real, first = gdb_run.witness, [True]

    def seen(command, limit_s, fixed_addresses=True, keep=None):
        if not first or command != words(name):
            return real(command, limit_s, fixed_addresses, keep)
        first.clear()
        path, done = by_gdb(name)
        with trace.open(path) as recorded:
            return dict(recorded.run), gdb_run.seen(recorded), done

    return seen
