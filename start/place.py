"""Where a run's trace and spool go, tried before the target runs."""

from __future__ import annotations

import os
import resource
import stat
from collections import namedtuple

from .errors import UserError, shown

EXTENSION, SPOOL_EXTENSION = ".brkpoint", ".brkspool"
ENOUGH = 4 << 20  # bytes that must be free; the trace of a small program is some 100 KiB
_LONGEST = 200  # bytes of a file name are taken from the program's; the limit is 255

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    class Place(NamedTuple):
        trace: str
        spool: str

else:
    Place = namedtuple("Place", "trace spool")


def prepare(output: str | None, force: bool, program: bytes) -> Place:
    """The Place for a run of `program` (a path, bytes); raises UserError where none is possible.

    `output`: what the user named, or None for PROGRAM.PID.brkpoint in the current folder, PID
    being brkpoint's own.
    """
    trace = output if output is not None else default_name(program)
    _check_existing(trace, force)
    spool = _spool_name(trace)
    _try(trace, spool)
    return Place(trace, spool)


def default_name(program: bytes) -> str:
    """PROGRAM.PID.brkpoint, without what would trouble a terminal or a command line."""
    name = os.path.basename(program)[:_LONGEST].decode("utf-8", "replace")
    name = "".join(char if char.isprintable() and char != "\ufffd" else "_" for char in name)
    if name.startswith("-"):
        name = "_" + name[1:]
    return "%s.%d%s" % (name, os.getpid(), EXTENSION)


def _check_existing(trace: str, force: bool) -> None:
    if not trace:
        raise UserError("cannot write a trace without a name (-o FILE)")
    try:
        mode = os.lstat(trace).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError("cannot write %s: %s" % (shown(trace), error.strerror)) from None
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise UserError("cannot write %s: it is not a regular file" % shown(trace))
    if not force:
        text = "%s exists already: --force overwrites it, -o FILE chooses another"
        raise UserError(text % shown(trace))


def _spool_name(trace: str) -> str:
    stem = trace[: -len(EXTENSION)] if trace.endswith(EXTENSION) else trace
    first = stem + SPOOL_EXTENSION
    if not os.path.lexists(first):
        return first
    # the spool of an earlier run that failed may be all there is of it: it stays
    return "%s.%d%s" % (stem, os.getpid(), SPOOL_EXTENSION)


def _try(trace: str, spool: str) -> None:
    """Write beside the trace, and take it away again."""
    folder = os.path.dirname(trace) or os.curdir
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if 0 <= limit < ENOUGH:
        text = "no file may have more than %d bytes here, too few for the trace: `ulimit -f`"
        raise UserError(text % limit)
    try:
        free = os.statvfs(folder)
        descriptor = os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            written = os.write(descriptor, bytes(4096))
        finally:
            os.close(descriptor)
            os.unlink(spool)
    except OSError as error:
        text = "cannot write the trace %s: %s (-o FILE chooses another place)"
        raise UserError(text % (shown(trace), error.strerror)) from None
    if written < 4096 or free.f_bavail * free.f_frsize < ENOUGH:
        text = "too little space for the trace %s: less than %d MiB are free (-o FILE)"
        raise UserError(text % (shown(trace), ENOUGH >> 20))
