"""Finding and opening traces, for every verb that reads one."""

from __future__ import annotations

import contextlib
import os

from alloctrace import kept
from alloctrace.columns import schema as trace_schema
from alloctrace.escape import visible
from alloctrace.trace import trace
from start import cache
from start.errors import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from alloctrace.trace.read import Trace


def open_trace(path: str) -> Trace:
    """The trace at `path`; what is wrong with it is one line for people."""
    kept.use(cache.folder())
    with naming_errors(path):
        return trace.open(path)


@contextlib.contextmanager
def naming_errors(path: str) -> Iterator[None]:
    """A trace can turn out damaged long after it was opened."""
    try:
        yield
    except trace.TraceError as error:
        raise UserError("%s: %s" % (visible(os.fspath(path)), visible(str(error)))) from None


def is_trace(path: str) -> bool:
    """Whether the file says that it is one, whole or not."""
    try:
        if not os.path.isfile(path):  # to open a pipe would wait
            return False
        with open(path, "rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head[:16] == b"SQLite format 3\0" and head[68:] == _APPLICATION


_APPLICATION = trace_schema.APPLICATION_ID.to_bytes(4, "big")


def newest(folder: str) -> str:
    """The trace in `folder` that was written last."""
    with os.scandir(folder) as entries:
        traces = [e for e in entries if e.name.endswith(trace.EXTENSION) and e.is_file()]
    if not traces:
        raise UserError("no trace here: record one with `brkpoint PROGRAM`, or name one")
    best = max(traces, key=lambda entry: (entry.stat().st_mtime_ns, entry.name))
    return best.name
