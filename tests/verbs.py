"""Verbs of brkpoint that only read, run in this process: its words in, what it printed out.

To start an interpreter for each costs more than what most of them do. What a process adds (its
start, streams, the locale) is looked at in tests/test_command_line.py and test_surroundings.py.
"""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout

from command import main

READING = ("report", "events", "sql", "diff", "export")


def said(verb, *words):
    """What `brkpoint VERB WORDS` wrote to standard output; it must succeed."""
    status, out, err = run(verb, *words)
    assert status == 0, "brkpoint %s: %s" % (verb, err)
    return out


def run(verb, *words):
    """(exit status, output, errors), text; whatever happens, as a process has it."""
    assert verb in READING
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main.main([verb, *map(os.fsdecode, words)])
    return status or 0, out.getvalue(), err.getvalue()
