"""Running build/mexe, for several tests. No pytest here."""

from __future__ import annotations

import os
import subprocess

from making import ROOT, make

MEXE = os.path.join(ROOT, "build", "mexe")
LIMIT_S = 300


def build():
    make("build/mexe")


def mexe(*words, given=b"", **options):
    """Run it; its CompletedProcess with bytes for both outputs."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    if "stdin" not in options:
        options["input"] = given
    return subprocess.run([MEXE, *words], timeout=LIMIT_S, **options)


def result(*words, **more):
    """The lines of the output, where there is nothing to complain about."""
    done = mexe(*words, **more)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout.decode().splitlines()
