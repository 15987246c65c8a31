"""What the workers of one run of the tests share, in a folder that begins empty and ends with it.

One cache of names, as a person has one: a thousand runs do not ask gdb a thousand times what is in
libc. A test of what a run does while it finds out asks for the fixture `cold`. That the answers are
the same with and without is what tests/test_symbol_cache.py proves.

And what is made `once`, for whoever wants to read it: programs, recordings.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile

VARIABLE = "BRKPOINT_CACHE"
_FOLDER = "BRKPOINT_TESTS"


def begin(environment):
    """Name a new folder in `environment`, or keep the one that these tests have; what ends it."""
    if "PYTEST_XDIST_WORKER" in environment:
        return _nothing
    folder = tempfile.mkdtemp(prefix="brkpoint-tests-")
    environment[_FOLDER], environment[VARIABLE] = folder, os.path.join(folder, "cache")
    os.mkdir(environment[VARIABLE])
    return lambda: shutil.rmtree(folder, ignore_errors=True)


def _nothing():
    """Who began it ends it."""


def once(name, make):
    """The path of the folder `name`, which `make(path)` filled for whoever came first.

    Only to be read. Where `make` fails, the next one who asks tries it again.
    """
    path = os.path.join(os.environ[_FOLDER], name)
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            shutil.rmtree(path + ".new", ignore_errors=True)
            os.mkdir(path + ".new")
            make(path + ".new")
            os.rename(path + ".new", path)
    return path
