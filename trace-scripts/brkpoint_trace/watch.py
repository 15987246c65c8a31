"""All witnesses over one program, found as a shell would find it."""

from __future__ import annotations

import os

from start import program

from . import crosscheck


def watch(command, limit_s, progress, left_out=(), keep=None):
    """The comparison of reports/witnesses.py for `command` (words); raises UserError 126 or 127.

    `keep`: where brkpoint's own trace shall stay; `progress`: told the name of each witness, and
    "" at the end.
    """
    words = [os.fsencode(word) for word in command]
    entries = [name + b"=" + value for name, value in os.environb.items()]
    path = os.fsdecode(program.find(words, entries).path)
    try:
        return crosscheck.of(
            command, limit_s, path, left_out=left_out, progress=progress, keep=keep
        )
    finally:
        progress("")
