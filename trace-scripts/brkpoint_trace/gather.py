"""Runs every witness once over one program, and judges whether each can be believed.

A witness that is not installed is `missing`; one that fails, hangs, dies or changes how the program
ends is `unreliable` and is compared with nothing. None can spoil another: each has a process of its
own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections import Counter

from alloctrace.trace import trace

from . import gdb_run, ltrace_events, ltrace_run, maps_probe, strace_events, strace_run, tool

NAMES = ("gdb", "strace", "ltrace", "maps")
SAID = 400  # characters of what an unreliable witness printed
SCRIPTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


class Unreliable(Exception):
    """The witness ran, and cannot be believed. One line; `said` is what it printed."""

    def __init__(self, why, said="", hung=False):
        super().__init__(why)
        self.said, self.hung = said, hung


def gather(command, limit_s, left_out=(), progress=lambda name: None, keep=None):
    """{"runs": {name: facts}, "data": {name: what it saw}, "fixed_addresses": bool}.

    `limit_s` seconds are given to each witness; `left_out` names those that shall not run; `keep`:
    the file that brkpoint's trace shall stay in.
    """
    fixed = tool.can_fix_addresses()
    runs, data = {}, {}
    for name in NAMES:
        progress(name)
        if name in left_out:
            runs[name] = {"state": "left out", "why": "not asked for"}
            continue
        runs[name], found = one(name, command, limit_s, fixed, data, keep)
        if found is not None:
            data[name] = found
    _judge_ends(runs, data)
    return {"runs": runs, "data": data, "fixed_addresses": fixed}


def one(name, command, limit_s, fixed, before, keep=None):
    """(facts of the run, what it saw or None) of one witness; `before`: what others saw."""
    more = {"keep": keep} if name == "gdb" else {}
    try:
        done, seen, end = _WITNESSES[name](command, limit_s, fixed, before, **more)
    except tool.Missing as error:
        return {"state": "missing", "why": str(error)}, None
    except Unreliable as error:
        return {"state": "unreliable", "why": str(error), "said": error.said}, None
    about = {"state": "ok", "why": "", "exit": end, "stdout_bytes": done.out_bytes}
    about["stdout_digest"] = done.out_digest
    return about, seen


def _check(done, limit_s, log_words=""):
    """Raises Unreliable where the tool did not come to its end."""
    said = (done.err.strip() or log_words)[-SAID:]
    if done.timed_out:
        raise Unreliable("it still ran after %g s and was killed" % limit_s, said, True)
    return said


def _by_gdb(command, limit_s, fixed, _before, keep):
    try:
        run, seen, done = gdb_run.witness(command, limit_s, fixed, keep)
    except gdb_run.NoTrace as error:
        raise Unreliable("brkpoint made no trace", str(error)[-SAID:]) from None
    except trace.TraceError as error:
        raise Unreliable("its trace cannot be read: %s" % error) from None
    said = _check(done, limit_s)
    if not run.get("complete") or run.get("events_lost"):
        why = run.get("incomplete_because") or "%s events were lost" % run.get("events_lost")
        raise Unreliable("its trace is incomplete: %s" % why, said)
    return done, {"run": run, "events": seen}, run.get("exit")


def _by_strace(command, limit_s, fixed, _before):
    records, done = strace_run.witness(command, limit_s, fixed)
    said = _check(done, limit_s)
    if not strace_events.executions(records):
        raise Unreliable("strace did not start the program", said)
    kind, value = strace_events.ending(records)
    if kind == "unknown":
        raise Unreliable("its log ends before the program does", said)
    return done, _strace_seen(records), _end(kind, value)


def _strace_seen(records):
    tasks = strace_events.tasks(records)
    everyone = sorted(set(tasks.threads) | tasks.children)
    return {
        "events": strace_events.memory(records),
        "threads": [everyone.index(tid) for tid in tasks.threads],
        "tasks": len(everyone),
        "cut_off": strace_events.cut_off(records),
    }


def _end(kind, value):
    if kind == "signalled":
        value = getattr(signal, value, None)
        value = None if value is None else int(value)
    return {"kind": kind, "status": value}


def _by_ltrace(command, limit_s, fixed, before):
    """With breakpoints at callers and at functions; where that kills ltrace, at functions only."""
    try:
        return _ltraced(command, limit_s, fixed, before, True)
    except Unreliable as first:
        if first.hung:  # it would most likely take as long again
            raise
        try:
            return _ltraced(command, limit_s, fixed, before, False)
        except Unreliable:
            raise first from None


def _ltraced(command, limit_s, fixed, before, plt):
    log, done = ltrace_run.witness(command, limit_s, plt, fixed)
    said = _check(done, limit_s, " ".join(log.noise))
    first = log.tids[0] if log.tids else None
    kind, value = log.ends.get(first, ("unknown", None))
    if done.status is not None and done.status < 0:
        name = signal.Signals(-done.status).name
        raise Unreliable("ltrace itself was ended by %s" % name, said)
    if "find .dynsym" in said:
        raise Unreliable("ltrace refuses static programs: they have no dynamic symbols", said)
    if kind == "unknown":
        raise Unreliable("ltrace saw no end of the program", said or "nothing")
    threads = before["strace"] if "strace" in before else None
    if threads and threads["tasks"] == len(log.tids):
        chosen = threads["threads"]
    elif threads and threads["tasks"] == len(threads["threads"]) == 1:
        chosen = [0]
    else:
        chosen = None
    entries, in_plt = ltrace_events.calls(log, chosen)
    seen = {"events": entries, "plt": in_plt if plt else None, "noise": log.noise}
    return done, seen, _end(kind, value)


def _by_maps(command, limit_s, _fixed, _before):
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        path = os.path.join(folder, "maps")
        words = [sys.executable, "-B", os.path.join(SCRIPTS, "list-maps"), "--json", "-o", path]
        done = tool.run([*words, "--", *command], limit_s)
        said = _check(done, limit_s)
        if done.status or not os.path.exists(path):
            raise Unreliable("list-maps failed", said)
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            found = json.load(file)
    if found["end"] is None:
        raise Unreliable("the program ended before its mappings could be read", said)
    for name in ("start", "end"):
        found[name] = [maps_probe.from_dict(row) for row in found[name]]
    status = found["status"]
    if os.WIFSIGNALED(status):
        return done, found, {"kind": "signalled", "status": os.WTERMSIG(status)}
    return done, found, {"kind": "exited", "status": os.WEXITSTATUS(status)}


_WITNESSES = {"gdb": _by_gdb, "strace": _by_strace, "ltrace": _by_ltrace, "maps": _by_maps}


def _judge_ends(runs, data):
    """A witness under which the program ended otherwise than under most did not just watch."""
    ends = {name: _hashable(run["exit"]) for name, run in runs.items() if run["state"] == "ok"}
    if len(set(ends.values())) < 2:
        return
    usual, _ = Counter(ends.values()).most_common(1)[0]
    for name, end in ends.items():
        if end != usual:
            why = "the program ended otherwise under it: %s %s, elsewhere %s %s"
            said = " ".join(data[name].get("noise", ())) if name == "ltrace" else ""
            runs[name].update(state="unreliable", why=why % (*end, *usual), said=said[:SAID])
            data.pop(name)


def _hashable(end):
    return (end or {}).get("kind"), (end or {}).get("status")
