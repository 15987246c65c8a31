"""`make` in this checkout. No pytest here."""

from __future__ import annotations

import fcntl
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def make(*words, **how):
    """Its CompletedProcess. One at a time: several test processes may want the same, and two makes
    that compile the same file spoil each other's. Not as a part of the make that runs the tests."""
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    environ, how = dict(os.environ, MAKEFLAGS=""), {"check": True, **how}
    with open(os.path.join(ROOT, "build", "make.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(["make", "-s", *words], cwd=ROOT, env=environ, **how)
