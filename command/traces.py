"""Finding and opening traces, for every verb that reads one."""

from __future__ import annotations

import contextlib
import os

from alloctrace.escape import visible
from alloctrace.trace import trace
from start.errors import UserError


def open_trace(path):
    """The trace at `path`; what is wrong with it is one line for people."""
    with naming_errors(path):
        return trace.open(path)


@contextlib.contextmanager
def naming_errors(path):
    """A trace can turn out damaged long after it was opened."""
    try:
        yield
    except trace.TraceError as error:
        raise UserError("%s: %s" % (visible(os.fspath(path)), visible(str(error)))) from None


def newest(folder):
    """The trace in `folder` that was written last."""
    with os.scandir(folder) as entries:
        traces = [e for e in entries if e.name.endswith(trace.EXTENSION) and e.is_file()]
    if not traces:
        raise UserError("no trace here: record one with `brkpoint PROGRAM`, or name one")
    best = max(traces, key=lambda entry: (entry.stat().st_mtime_ns, entry.name))
    return best.name
