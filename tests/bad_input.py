"""Running brkpoint on what it must refuse: for the tests of bad input. No pytest here."""

from __future__ import annotations

import os
import re

import launching

MARKER = b"BRKPOINT_BAD_INPUT=%d" % os.getpid()


def brkpoint(*words):
    """Run the command with these words: Done; no process may be left of it."""
    environment = launching.current_environment() + [MARKER]
    done = launching.run([launching.BRKPOINT, *map(os.fsencode, words)], environment)
    assert launching.marked(MARKER) == []
    return done


def refused(done, status, says):
    """One line that says so, and the status."""
    text = done.err.decode("utf-8", "backslashreplace")
    assert done.status == status, text
    assert text.startswith("brkpoint: ") and text.count("\n") == 1 and text.endswith("\n"), text
    assert re.search(says, text), text
    assert done.out == b""
    assert all(32 <= byte for byte in done.err[:-1])
    return True


def file(path, content, mode=0o755):
    with open(path, "wb") as made:
        made.write(content)
    os.chmod(path, mode)
    return path
