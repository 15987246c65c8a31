"""The row of one program: its runs alone, under brkpoint and the witnesses, and what was found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time

import attached
import checks
import counts
import runs
import table
from place import Place

SHARED = ("/dev/shm", "/run")  # in /tmp others may run brkpoint; ours have TMPDIR
FORMS = (("--markdown",), ("--json",))


def row_of(program, options, folder):
    """The row of one program; all its runs happen here."""
    why = program.missing()
    if why:
        return table.skipped(program, why)
    name = "".join(c if c.isalnum() else "_" for c in program.name)
    place = None
    try:
        place = Place(os.path.join(folder, name), program)
        seen = look(program, place, options)
        return table.row(program, seen, checks.complaints(seen))
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return table.broken(program, error)
    finally:
        if place and options.keep:
            _keep(place, os.path.join(options.keep, name))
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def look(program, place, options):
    """The checks.Seen of a program."""
    limit = program.limit or options.limit
    trace = os.path.join(place.out, "trace.brkpoint")
    if program.kind == "attach":
        before = ours_in_shared_folders()
        found, gaps, troubles = attached.attach(place, trace, limit)
        seen = checks.Seen(program, runs.Run(status=0), found, gaps=gaps, troubles=troubles)
        seen.strangers = left_in_shared_folders(before)
        read_reports(seen, place, trace)
        return seen
    alone = [runs.run(place, limit) for _ in range(options.repeat)]
    seen = checks.Seen(program, min(alone, key=lambda one: one.cpu), None)
    watch(seen, place, trace, limit, options)
    read_reports(seen, place, trace)
    if options.witnesses and not seen.watched.hung and os.path.exists(trace):
        ask_strace(seen, place, limit, trace)
        ask_counter(seen, place, limit)
    return seen


def watch(seen, place, trace, limit, options):
    """`options.repeat` runs under brkpoint; the least CPU counts, and what the last one left."""
    for turn in range(options.repeat):
        before = ours_in_shared_folders()
        found = brkpoint(place, trace, limit)
        seen.strangers += left_in_shared_folders(before)
        seen.cold = seen.cold or found.cpu
        if seen.watched is None or found.hung or found.cpu < seen.watched.cpu:
            seen.watched = found
        if found.hung:
            return
        if checks.ends_as_alone(seen) + checks.says_as_alone(seen):
            return  # the next one might hide it


def brkpoint(place, trace, limit, before=(), **environment):
    """A run under brkpoint with its default engine."""
    if os.path.exists(trace):
        os.unlink(trace)
    words = [runs.BRKPOINT, "--quiet", "-o", trace, "--", *before]
    return runs.run(place, limit, words, **environment)


def read_reports(seen, place, trace):
    """The trace in all forms."""
    if not os.path.exists(trace):
        said = seen.watched.stderr.decode(errors="replace").strip()
        seen.troubles.append("no trace: %s" % last_line(said))
        return
    status, seen.text, said = runs.report(place, trace)
    if status:
        seen.troubles.append("report: status %s: %s" % (status, last_line(said)))
    for form in FORMS:
        status, text, said = runs.report(place, trace, *form)
        if status or not text:
            trouble = "report %s: status %s: %s" % (form[0], status, last_line(said))
            seen.troubles.append(trouble)
        elif form == ("--json",):
            seen.report = json.loads(text)
    syscalls, _, seen.events = counts.by_brkpoint(trace)
    seen.syscalls.append(syscalls)


def last_line(text):
    """Of a traceback, the line before ours: the error itself."""
    lines = [line for line in text.splitlines() if line and not line.startswith("brkpoint: this")]
    return "%.100s" % (lines[-1] if lines else "nothing said")


def ask_strace(seen, place, limit, trace):
    """Two runs of strace; where they agree and we do not, all three once more."""
    if "strace" not in seen.program.witnesses or not shutil.which("strace"):
        return
    seen.strace = [counts.by_strace(place, limit) for _ in range(2)]
    if checks.counts_as_strace(seen):
        seen.strace.append(counts.by_strace(place, limit))
        brkpoint(place, trace, limit)
        seen.syscalls.append(counts.by_brkpoint(trace)[0])


def ask_counter(seen, place, limit):
    """Two runs of the counter, and brkpoint beside a library that does nothing.

    Where these differ, both in one run decide: a library that was loaded with RTLD_DEEPBIND, or a
    program that differs from itself now and then, is no fault of ours.
    """
    if "counter" not in seen.program.witnesses or not shutil.which("gcc"):
        return
    seen.counter = [counts.by_counter(place, limit) for _ in range(2)]
    trace = os.path.join(place.out, "counted.brkpoint")
    found = brkpoint(place, trace, limit, **counts.preloaded(place, "inert.c"))
    if not found.hung and os.path.exists(trace):
        seen.calls.append(counts.by_brkpoint(trace)[1])
    if not checks.agreed(seen.counter) or checks.counts_as_the_counter(seen):
        both_in_one_run(seen, place, trace, limit)


def both_in_one_run(seen, place, trace, limit):
    entries = counts.preloaded(place, "counter.c").items()
    found = brkpoint(place, trace, limit, ["/usr/bin/env", *("%s=%s" % one for one in entries)])
    if not found.hung and os.path.exists(trace):
        theirs, ours = counts.in_one_run(trace, place)
        seen.counter, seen.calls = [theirs, theirs], [ours]


def ours_in_shared_folders():
    return {
        os.path.join(folder, name)
        for folder in SHARED
        if os.path.isdir(folder)
        for name in os.listdir(folder)
        if "brkpoint" in name
    }


def left_in_shared_folders(before, limit_s=5):
    """Names of ours that are new and stay; others may run brkpoint here too, and clean up."""
    until = time.monotonic() + limit_s
    while True:
        new = ours_in_shared_folders() - before
        if not new or time.monotonic() > until:
            return sorted(new)
        time.sleep(0.1)


def _keep(place, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place.out, folder)
