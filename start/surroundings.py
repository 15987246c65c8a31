"""Errors that are neither the user's nor ours: a full disk, a limit, no memory. One line each."""

from __future__ import annotations

import errno
import io
import os
import re
import sys

from .errors import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MENDS = {
    errno.ENOSPC: "free some space, or choose another place (-o, TMPDIR)",
    errno.EDQUOT: "free some space, or choose another place (-o, TMPDIR)",
    errno.EFBIG: "raise the limit of a file's size (`ulimit -f`)",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.ENFILE: "the system has too many open files",
    errno.EAGAIN: "raise the limit of processes (`ulimit -u`)",
    errno.ENOMEM: "raise the limit (`ulimit -v`), or free some memory",
    errno.EIO: "the disk or terminal fails",
    errno.EROFS: "choose another place (-o, TMPDIR)",
    errno.EACCES: "choose another place (-o, TMPDIR)",
    errno.ENOENT: "is there a directory for temporary files (TMPDIR)?",
}
_NO_ROOM = "Cannot allocate memory|failed to map segment|[Vv]irtual memory exhausted"
_TOO_LITTLE = "%s has too little memory: raise the limit (`ulimit -v`), or free some memory"
# What an observer of ours says -> what to say of it.
_SAID = (
    (_NO_ROOM, _TOO_LITTLE),
    ("File too large", "%s cannot have its memory: raise the limit of a file's size (`ulimit -f`)"),
    ("Too many open files", "%s has too few files: raise the limit of open files (`ulimit -n`)"),
    ("No space left on device", "%s has no space left for what it keeps (is /dev/shm full?)"),
)
_LITTLE = 128 << 20  # bytes of addresses; gdb 16 with its Python needs some 95 MiB to begin
_OUTPUT = "standard output"
_MEMORY = "out of memory: raise the limit (`ulimit -v`), or free some memory"


def said_by(observer: str, log: str) -> str | None:
    """Of what gdb or the recorder said at its end: the cause, where it lies around us; or None."""
    found = (text for pattern, text in _SAID if re.search(pattern, log))
    return next((text % observer for text in found), None)


def too_few_addresses(observer: str) -> str | None:
    """That gdb had too few addresses to begin, where that is so, and what mends it; or None. It is
    told so by Python, the loader or a crash of its own: what it says then has no pattern."""
    import resource  # only now: hardly any run needs it

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    is_little = limit != resource.RLIM_INFINITY and limit < _LITTLE
    return _TOO_LITTLE % observer if is_little else None


class _Named(io.FileIO):
    """Its errors say whose they are."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = _OUTPUT
            raise


def name_output() -> None:
    """From now on an error of standard output can be told from others; where it was closed at the
    start, for which Python has None, whatever is written is one."""
    old = sys.stdout
    if old is None:
        unwritable = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        sys.stdout = _named(unwritable, "utf-8", "surrogateescape", False)
    elif isinstance(old, io.TextIOWrapper):
        sys.stdout = _named(old.fileno(), old.encoding, old.errors, old.line_buffering)


def _named(descriptor: int, encoding: str, errors: str | None, by_line: bool) -> io.TextIOWrapper:
    binary = io.BufferedWriter(_Named(descriptor, "wb", closefd=False))
    return io.TextIOWrapper(binary, encoding, errors, line_buffering=by_line)


def is_of_output(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.filename == _OUTPUT


def cause(error: BaseException) -> str | None:
    """What happened around us and what mends it; None: it is a fault of ours."""
    if isinstance(error, MemoryError) or "start new thread" in str(error):
        return _MEMORY
    if isinstance(error, ImportError) and re.search(_NO_ROOM, str(error)):
        return _MEMORY
    if isinstance(error, EOFError) and "marshal" in str(error):
        return (
            "a file of Python's is cut off, as a full disk makes it: delete brkpoint's __pycache__"
        )
    if isinstance(error, OSError) and is_of_output(error):
        return "cannot write to %s: %s" % (_OUTPUT, error.strerror)
    if not isinstance(error, OSError) or error.errno not in _MENDS:
        return None
    if error.filename is None and error.errno in (errno.EACCES, errno.ENOENT):
        return None
    name = "%s: " % shown(str(error.filename)) if error.filename is not None else ""
    return "%s%s: %s" % (name, error.strerror, _MENDS[error.errno])
