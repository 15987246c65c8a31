"""What was counted in a run, by name: by brkpoint, by strace and by a preloaded library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter

from programs import ROOT
from runs import run

sys.path.insert(0, ROOT)
from alloctrace import words  # noqa: E402
from alloctrace.elf.elf import ElfFile  # noqa: E402
from alloctrace.trace import trace  # noqa: E402

NAMES = tuple(words.MEMORY_SYSCALLS.values())
CALLS = ("malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc"
         " pvalloc").split()  # fmt: skip
_CALL = re.compile(r"^\d+ +(%s)\(" % "|".join(NAMES))
_SOURCES = os.path.join(ROOT, "tests", "witness")


def by_strace(place, limit_s):
    """Counter of the memory syscalls of all processes, or None where strace ran into the limit."""
    log = os.path.join(place.out, "strace")
    flags = ["-f", "--seccomp-bpf", "-q", "-o", log, "-e", "signal=none"]
    done = run(place, limit_s, ["strace", *flags, "-e", "trace=" + ",".join(NAMES), "--"])
    if done.hung:
        return None
    with open(log, encoding="utf-8", errors="replace") as file:
        return in_strace_log(file)


def in_strace_log(lines):
    """A call counts where it begins; `<... mmap resumed>` is its second half."""
    return Counter(found[1] for found in map(_CALL.match, lines) if found)


def library(place, source):
    """counter.c or inert.c, built: its name has one length, so that both runs start alike."""
    path = os.path.join(place.folder, "preload_%s.so" % source[:1])
    if not os.path.exists(path):
        flags = ["-shared", "-fPIC", "-O2", "-fno-builtin"]
        subprocess.run(["gcc", *flags, "-o", path, os.path.join(_SOURCES, source)], check=True)
    return path


def preloaded(place, source):
    """The environment of both runs of a comparison, and the file that the counter fills."""
    totals = os.path.join(place.out, "totals")
    with open(totals, "wb"):
        os.chmod(totals, 0o666)
    return {"LD_PRELOAD": library(place, source), "COUNTER_FILE": totals, "COUNTER_ALL": "1"}


def by_counter(place, limit_s):
    """Counter of the calls of all processes; None where it ran into the limit or nothing loaded
    it."""
    environment = preloaded(place, "counter.c")
    done = run(place, limit_s, **environment)
    return totals(environment["COUNTER_FILE"]) if not done.hung else None


def totals(path):
    """Counter of what the counter wrote; None where it was not loaded."""
    with open(path, "rb") as file:
        data = file.read()
    numbers = [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
    return +Counter(dict(zip(CALLS, numbers))) if numbers else None


def by_brkpoint(path):
    """(Counter of memory syscalls, Counter of calls that a preloaded library would see, events)"""
    with trace.open(path) as opened:
        sums = opened.sums()
        syscalls, calls = Counter(), Counter()
        for group in sums.groups:
            if group.kind == "syscall":
                syscalls[group.name] += group.count
            elif not group.within and not _unseen(group, opened):
                calls[group.name] += group.count
        return syscalls, calls, sums.events


def in_one_run(path, place):
    """(the preloaded counter's Counter, brkpoint's of the very calls that came by it)

    Of one run with both in it: also of a program that does something else each time.
    """
    theirs = totals(os.path.join(place.out, "totals"))
    ours, entered = Counter(), library(place, "counter.c")
    with trace.open(path) as opened:
        for group in opened.sums().groups:
            stack = opened.stack(group.stack)
            if group.kind == "call" and stack and stack[0].path == entered:
                ours[group.name] += group.count
    return theirs, ours


def _unseen(group, opened):
    """The loader's own allocator, and calls that go straight to libc's function inside libc."""
    return group.impl.startswith("__minimal_") or _is_straight(opened.stack(group.stack))


def _is_straight(stack):
    """Whether the call was a `call ENTRY` inside the allocator's own library."""
    if len(stack) < 2 or stack[0].path != stack[1].path or not os.path.exists(stack[0].path):
        return False
    entry, back = stack[0].offset, stack[1].offset
    with ElfFile(stack[0].path) as elf:
        code = elf.read(back - 5, 5)
    return code[:1] == b"\xe8" and back + int.from_bytes(code[1:], "little", signed=True) == entry
