"""Runs of one program, watched by brkpoint's engine and by others. For the tests of witnesses."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
from collections import Counter

from alloctrace.elf.elf import ElfFile
from alloctrace.history import history
from alloctrace.spool import spool

from target_programs import LIMIT_S, ROOT

sys.path.append(os.path.join(ROOT, "trace-scripts"))
from brkpoint_trace import strace_events, strace_run  # noqa: E402

HERE = os.path.join(ROOT, "tests", "witness")
# The order of counter.c.
COUNTED = ("malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc"
           " pvalloc").split()  # fmt: skip
_ADDR_NO_RANDOMIZE = 0x0040000  # linux/personality.h


def recorded(command, folder, symbols=True, environment=None, recorder=False):
    """The History of `command` under an engine, and the CompletedProcess. Of the first process
    only: the witnesses follow no children."""
    path = os.path.join(str(folder), "run.%d.spool" % len(os.listdir(str(folder))))
    how = "recorder" if recorder else "symbols" if symbols else "no-symbols"
    script = [os.path.join(HERE, "record.py"), path, how]
    done = _run(["/usr/bin/python3", *script, *command], environment)
    assert done.returncode == 0, done.stderr
    past = history.build(spool.read(path))
    past.events = [event for event in past.events if event.pid == past.run["pid"]]
    return past, done


def _run(command, environment=None, fixed_addresses=False):
    return subprocess.run(
        command,
        preexec_fn=fix_addresses if fixed_addresses else None,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
    )


def fix_addresses():
    """In the child, as setarch -R does, which a preloaded library would count as the program."""
    ctypes.CDLL(None).personality(_ADDR_NO_RANDOMIZE)


def syscalls(past):
    """Counter of (name) of the memory syscalls of a History."""
    return Counter(event.name for event in past.events if event.kind == "syscall")


def by_strace(command):
    """Counter of the memory syscalls that strace sees: the threads of the first process only."""
    records, done = strace_run.witness(command, LIMIT_S)
    assert not done.timed_out
    return +strace_events.count(records)["process"]


def library(folder, source):
    """`source` of the folder witness, built as a shared library of a name of fixed length."""
    out = os.path.join(str(folder), "preload_%s.so" % source[:1])
    flags = ["-shared", "-fPIC", "-O2", "-fno-builtin", "-Wall", "-Werror"]
    subprocess.run(["gcc", *flags, "-o", out, os.path.join(HERE, source)], check=True)
    return out


def by_counter(command, folder, preload):
    """Counter of the calls that the preloaded counter saw."""
    path = os.path.join(str(folder), "totals")
    open(path, "wb").close()
    _run(command, preloaded(preload, path), fixed_addresses=True)
    return totals(path)


def totals(path):
    """Counter of what the counter wrote to `path`; None where it was not loaded."""
    with open(path, "rb") as file:
        data = file.read()
    return +Counter(dict(zip(COUNTED, struct.unpack("<10Q", data[:80])))) if data else None


def calls_of(past, library_path):
    """Counter of the calls of functions of one library; None where it defines none."""
    modules = {module.id for module in past.modules if module.path == library_path}
    entries = {hook.address for hook in past.hooks.values() if hook.module in modules}
    first = [past.stacks[e.stack].frames[0][0] for e in past.events if e.kind == "call"]
    names = [e.name for e in past.events if e.kind == "call"]
    return Counter(n for n, pc in zip(names, first) if pc in entries) if entries else None


def preloaded(library_path, totals_path):
    """The environment of both runs of a comparison: only the library's first letter differs."""
    seeds = {"PERL_HASH_SEED": "0", "PYTHONHASHSEED": "0"}  # else tables grow as chance has it
    return dict(os.environ, LD_PRELOAD=library_path, COUNTER_FILE=totals_path, **seeds)


def calls_outside_the_loader(past):
    """(Counter of the outermost calls through a symbol, Counter of those that are not)

    Of allocators of libraries, not of the loader's own. A call that jumps straight to libc's
    function, as libc's own thread_freeres does, is one that no preloaded library can see.
    """
    through, straight = Counter(), Counter()
    modules = {module.id: module for module in past.modules}
    hooks = {hook.address: modules[hook.module] for hook in past.hooks.values()}
    for event in past.events:
        if event.kind != "call" or event.outer is not None or event.impl.startswith("__minimal_"):
            continue
        entry, back = (pc for pc, _ in past.stacks[event.stack].frames[:2])
        is_straight = _is_straight_call(hooks[entry], back, entry)
        (straight if is_straight else through)[event.name] += 1
    return through, straight


def _is_straight_call(module, back, entry):
    """Whether the call before `back` is a `call entry` inside the allocator's own library."""
    if not module.start <= back < module.end:
        return False
    with ElfFile(module.path) as elf:
        code = elf.read(back - module.base - 5, 5)
    return code[:1] == b"\xe8" and back + struct.unpack("<i", code[1:])[0] == entry


def loader_calls(past):
    """[(name, size, nmemb)] of the calls of the loader's own allocator, in order."""
    return [
        (event.name, event.impl, event.size, event.nmemb, event.outer is None)
        for event in past.events
        if event.kind == "call" and event.impl.startswith("__minimal_")
    ]
