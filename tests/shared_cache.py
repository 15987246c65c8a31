"""One cache of names for one run of the tests, as a person has one: a thousand runs do not ask gdb
a thousand times what is in libc. It begins empty, and the workers share it.

A test of what a run does while it finds out asks for the fixture `cold`. That the answers are the
same with and without is what tests/test_symbol_cache.py proves.
"""

from __future__ import annotations

import shutil
import tempfile

VARIABLE = "BRKPOINT_CACHE"


def begin(environment):
    """Name a new folder in `environment`, or keep the one that these tests have; what ends it."""
    if "PYTEST_XDIST_WORKER" in environment:
        return _nothing
    folder = tempfile.mkdtemp(prefix="brkpoint-tests-")
    environment[VARIABLE] = folder
    return lambda: shutil.rmtree(folder, ignore_errors=True)


def _nothing():
    """Who began it ends it."""
