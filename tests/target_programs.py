"""The built targets: which there are, building them, running brkpoint on one. For several tests."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shlex
import subprocess
from collections import namedtuple

import verbs
from alloctrace.elf.elf import ElfFile

from expectation_checks import Run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAKE = ["make", "-s", "-f", "targets/build.mk"]
LIMIT_S = 300  # for one program, on a busy machine

Program = namedtuple("Program", "name sources command")


@functools.lru_cache(maxsize=None)
def programs():
    """What `make targets` would build here, without building it."""
    output = subprocess.run(
        MAKE + ["programs"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    rows = [line.split("\t") for line in output.stdout.splitlines()]
    return [Program(name, sources.split(), shlex.split(command)) for name, sources, command in rows]


def build():
    """`make targets`, one at a time: several test processes may want it."""
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    with open(os.path.join(ROOT, "build", "targets.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(MAKE + ["targets"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def features(program):
    """The words that the conditions of an expectation know, read from the executable."""
    with ElfFile(os.path.join(ROOT, program.command[-1])) as elf:
        interp, stripped = elf.interp or "", elf.is_stripped
        unwindable = all(elf.has_cfi(symbol.value) for symbol in _own_functions(elf, program))
    found = {"dynamic" if interp else "static"}
    if not program.sources[0].endswith(".asm"):
        found.add("musl" if "musl" in interp or ".musl" in program.name else "glibc")
    if not stripped:
        found.add("symbols")
    if interp or not stripped:
        found.add("hookable")
    if unwindable:
        found.add("unwindable")
    if "." in program.name:
        found.add("few")
    if {"lto", "small"} & set(program.name.split(".")[1:]):
        found.add("lto")
    if "--preload" in program.command:
        found.add("preloaded")
    return frozenset(found)


def _own_functions(elf, program):
    """Symbols of a Rust program's own functions, and of what it makes of std's generic ones."""
    name = os.path.splitext(os.path.basename(program.sources[0]))[0]
    marks = ("%d%s" % (len(name), name), "finish_grow")
    return [
        symbol
        for symbol in elf.symbols()
        if symbol.kind == "FUNC" and symbol.defined and any(mark in symbol.name for mark in marks)
    ]


def brkpoint(*words, stdin=subprocess.DEVNULL, **options):
    """Run ./brkpoint; its CompletedProcess, standard output as text."""
    return subprocess.run(
        [os.path.join(ROOT, "brkpoint"), *words],
        cwd=ROOT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
        **options,
    )


def record(program, trace):
    """Run `program` as anybody would, into the file `trace`: (Run of its first process, done).

    That the other engine sees the same is tests/test_recorder_equal.py's.
    """
    done = brkpoint("run", "-o", trace, "--quiet", *program.command)
    assert os.path.exists(trace), "no trace; brkpoint said: %s" % done.stderr
    events = [json.loads(line) for line in verbs.said("events", trace, "--json").splitlines()]
    events = [event for event in events if event["kind"] in ("call", "syscall")]
    events = [event for event in events if event["pid"] == events[0]["pid"]]
    report = json.loads(verbs.said("report", trace, "--json"))
    return Run(events, report, features(program)), done
