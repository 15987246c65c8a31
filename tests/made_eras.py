"""Cells of eras made by hand: what a test says, and else the plainest there is."""

from __future__ import annotations

from eras import plan

TARGET = plan.Target("one", "targets/c/success.c", {"build": ""}, None, None, "", "start", "a test")


def entry(what, size, **more):
    """An entry of one call of Rust's runtime."""
    row = {"kind": "call", "name": "malloc", "phase": "init", "origin": "runtime", "owner": "Rust"}
    row.update(what=what, asked="std::rt::init", via=[], crate="std", library=None, count=1)
    row.update(bytes=size, sizes=[[size, 1]])
    row.update(more)
    return row


def cell(era, *entries, **more):
    """The result of a cell of the target `one`."""
    told = {"cell": era + "/one", "era": era, "target": "one", "group": "start", "about": "a test"}
    told.update(compiler=None, way=None, state="done", took_s=1, entries=list(entries), events=[])
    told.update(libraries=[], needed=[], bindings={}, versions={}, exit={}, complete=True)
    told.update(more)
    return told


def library(name, segments=4):
    return {"name": name, "role": "library", "segments": segments, "path": "/" + name, "needed": []}


def eras(*names):
    """A plan of one target in eras of this machine."""
    found = [plan.Era(name, None, [], {}, "build") for name in names]
    return plan.Plan(found, [TARGET], [])
