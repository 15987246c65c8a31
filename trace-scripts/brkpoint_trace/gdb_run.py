"""brkpoint itself as a witness: gdb's view, read from a trace made by a run of its own."""

from __future__ import annotations

import os
import sys
import tempfile

from alloctrace import measure
from alloctrace.trace import trace

from . import events, tool
from .events import Seen

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


class NoTrace(Exception):
    """brkpoint made no trace; what it said."""


def witness(command, limit_s, fixed_addresses=True, keep=None):
    """(facts of the run, [Seen], tool.Done); raises NoTrace. `keep`: where the trace shall stay.

    brkpoint itself runs with its addresses as they are: it fixes those of the program.
    """
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        path = keep or os.path.join(folder, "witness.brkpoint")
        words = [sys.executable, "-X", "utf8", os.path.join(TOP, "brkpoint"), "run", "--quiet"]
        words += ["--engine", "breakpoints"]
        words += ["--force", "-o", path] + (["--fixed-addresses"] if fixed_addresses else [])
        done = tool.run([*words, "--", *command], limit_s, fixed_addresses=False)
        if not os.path.exists(path):
            raise NoTrace(done.err.strip() or "brkpoint made no trace")
        with trace.open(path) as opened:
            return dict(opened.run), seen(opened), done


def seen(opened):
    """[Seen] of a trace's events, in order; `inside` and `task` as indices."""
    tids = [opened.run.get("pid")] + [row.get("tid") for row in opened.run.get("threads") or ()]
    found = []
    for event in opened.events():
        if event.tid not in tids:
            tids.append(event.tid)
        found.append(_seen(event))
        found[-1].task = event.tid
        if event.phase in ("load", "init") and event.kind == "call":
            found[-1].early = any(f.role == "loader" for f in opened.stack(event.stack))
    order = {tid: index for index, tid in enumerate(events.in_order(tids))}
    for event in found:
        event.task = order[event.task]
    return found


def _seen(event):
    inside = event.cause if event.kind == "syscall" else event.outer
    made = Seen(event.kind, event.name, 0, event.size, event.nmemb, event.ptr, event.result)
    made.errno, made.args, made.image = event.errno, event.args, event.image
    made.impl, made.phase, made.inside = event.impl or "", event.phase, inside
    made.origin = event.verdict.origin if event.verdict else "unknown"
    made.seq, made.purpose = event.seq, measure.purpose(event)
    made.private = made.impl.startswith("__minimal_")
    return made
