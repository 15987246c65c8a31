"""Where what is made for the eras lies: below build/eras of a clone, else where the user says."""

from __future__ import annotations

import os

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VARIABLE = "BRKPOINT_ERAS"


def folder() -> str:
    """The folder of roots and cells: $BRKPOINT_ERAS; build/eras in a clone; in the cache."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return os.path.abspath(chosen)
    if os.path.exists(os.path.join(TOP, "Makefile")):
        return os.path.join(TOP, "build", "eras")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "brkpoint", "eras")


def root(name: str) -> str:
    return os.path.join(folder(), "roots", name)


def cell(name: str) -> str:
    """The folder of the cell `name`, ERA/TARGET."""
    return os.path.join(folder(), "cells", *name.split("/"))
