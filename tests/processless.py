"""`pytest --no-processes`, which is `make check`: every test that starts no process.

Which these are nobody lists: a test is skipped at the moment at which it starts one. Damaging
every value there is, by chance or in turn, is not for a quick look: `make fuzz` and `make test` do.

To skip costs time as well, and to read the files more of it. Which tests start a process is kept in
build/: they are left out, and a file of such alone is not even read, until it changes or any file
that tests share does.
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
    return not any(word in path.name for word in ("fuzz", "contract", "damaged"))


class Known:
    """Which tests start a process: {path: [its state, whether all do, their names]}.

    The state: when the file and what tests share changed last.
    """

    def __init__(self, path=KEPT):
        self._path, self._left_out = path, set()  # files of which some tests were not looked at
        self._shared = _shared()
        self._seen = {}  # path -> {a test's name: whether it starts one}
        try:
            with open(path, encoding="utf-8") as file:
                self._known = dict(json.load(file))
        except (OSError, ValueError, TypeError):
            self._known = {}

    def has(self, path):
        """Whether all tests of the file start one."""
        return self._of(path)[0]

    def starts(self, path, name):
        return name in self._of(path)[1]

    def _of(self, path):
        try:
            state, all_do, names = self._known[str(path)]
        except (KeyError, ValueError, TypeError):
            return False, ()
        return (all_do, names) if state == self._state(path) else (False, ())

    def leave_out(self, path):
        """A test of the file is not looked at: whatever the others do, nobody says what all do."""
        self._left_out.add(str(path))

    def see(self, path, report):
        """A report of a test's preparation or of the test itself."""
        if report.when == "setup" and report.passed or report.when == "teardown":
            return
        starts = report.skipped and WHY in str(report.longrepr)
        name = report.nodeid.partition("::")[2]
        self._seen.setdefault(str(path), {})[name] = bool(starts)

    def keep(self):
        known = dict(self._known)
        for path, seen in self._seen.items():
            names = {name for name in self._of(path)[1] if name not in seen}
            names |= {name for name, starts in seen.items() if starts}
            all_do = all(seen.values()) and path not in self._left_out
            known[path] = [self._state(path), all_do, sorted(names)]
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
