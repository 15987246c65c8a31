"""Running the program of a budget under brkpoint, and its traces."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from start.errors import USAGE, UserError, shown
from . import main

_TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FAILURES = (125, 126, 127)  # of brkpoint run


def record(words: list[str], count: int, folder: str, place: str, told: bool = False) -> list[str]:
    """Run `words` `count` times in the folder `folder`; the paths of the traces, made in `place`.

    What the program prints goes to standard error: standard output is the report's.
    """
    if count > 1 or told:
        main.say(
            "running %s %s"
            % (shown(shlex.join(words)), "once" if count == 1 else "%d times" % count)
        )
    return [_run(words, folder, os.path.join(place, "%d.brkpoint" % n)) for n in range(count)]


def _run(words: list[str], folder: str, path: str) -> str:
    brkpoint = [os.path.join(_TOP, "brkpoint"), "run", "--quiet", "--force", "-o", path, "--"]
    command = brkpoint + words
    try:
        done = subprocess.run(command, cwd=folder, stdout=sys.stderr.fileno())
    except OSError as error:
        raise UserError("cannot start brkpoint: %s" % error.strerror, USAGE) from None
    if not os.path.exists(path):
        raise UserError("%s was not recorded" % shown(words[0]), USAGE)
    if done.returncode in _FAILURES:
        main.say("brkpoint run ended with %d: the trace may be incomplete" % done.returncode)
    return path
