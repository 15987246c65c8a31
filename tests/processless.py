"""`pytest --no-processes`, which is `make check`: every test that starts no process.

Which these are nobody lists: a test is skipped at the moment at which it starts one. Damaging
every value there is, by chance or in turn, is not for a quick look: `make fuzz` and `make test` do.

Reading the files costs much of the time, and of many of them every test starts a process. Which, is
kept in build/: such a file is not even read, until it changes or any file that tests share does.
"""

from __future__ import annotations

import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(os.path.dirname(HERE), "build", "processes.json")
WHY = "it starts a process"

EVENTS = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}


def forbid():
    """From now on whoever starts a process in this one is skipped: no `except` catches that."""
    sys.addaudithook(_refuse)


def _refuse(event, _):
    if event in EVENTS:
        raise pytest.skip.Exception(WHY)


def is_quick(path):
    """Whether a file of tests is worth a look."""
    return not any(word in path.name for word in ("fuzz", "contract"))


class Known:
    """Of which files every test starts a process: {path: how it and what tests share was then}."""

    def __init__(self, path=KEPT):
        self._path = path
        self._shared = _shared()
        self._seen = {}  # path -> whether all its tests so far start one
        try:
            with open(path, encoding="utf-8") as file:
                self._known = dict(json.load(file))
        except (OSError, ValueError, TypeError):
            self._known = {}

    def has(self, path):
        state = self._known.get(str(path))
        return state is not None and state == self._state(path)

    def see(self, path, report):
        """A report of a test's preparation or of the test itself."""
        if report.when == "setup" and report.passed or report.when == "teardown":
            return
        starts = report.skipped and WHY in str(report.longrepr)
        self._seen[str(path)] = starts and self._seen.get(str(path), True)

    def keep(self):
        known = {path: state for path, state in self._known.items() if path not in self._seen}
        known.update({path: self._state(path) for path, starts in self._seen.items() if starts})
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        with open(self._path + ".new", "w", encoding="utf-8") as file:
            json.dump(known, file)
        os.replace(self._path + ".new", self._path)

    def _state(self, path):
        try:
            return [os.stat(path).st_mtime_ns, self._shared]
        except OSError:
            return None


def _shared():
    """When a file that is no file of tests changed last."""
    names = [name for name in os.listdir(HERE) if name.endswith(".py")]
    return max(os.stat(os.path.join(HERE, n)).st_mtime_ns for n in names if n[:5] != "test_")
