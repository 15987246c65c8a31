"""`pytest --no-processes`, which is `make check`: every test that starts no process.

Which these are nobody lists: a test is skipped at the moment at which it starts one. Damaging
every value there is, by chance or in turn, is not for a quick look: `make fuzz` and `make test` do.
"""

from __future__ import annotations

import sys

import pytest

EVENTS = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}


def forbid():
    """From now on whoever starts a process in this one is skipped: no `except` catches that."""
    sys.addaudithook(_refuse)


def _refuse(event, _):
    if event in EVENTS:
        raise pytest.skip.Exception("it starts a process")


def is_quick(path):
    """Whether a file of tests is worth a look."""
    return not any(word in path.name for word in ("fuzz", "contract"))
