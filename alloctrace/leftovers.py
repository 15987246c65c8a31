"""Temporary files and folders that the next run takes away where their own was killed.

Each is locked (flock) as long as its run lives: whoever gets the lock finds it left behind. It has
its name only once it is locked, so that nobody takes it for one that was left. Signals that end us
wait while it is made, and while it is removed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import signal
import stat

from .patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYMBOLS = "brkpoint-symbols-"
_EXTENSION = ".brkpoint"
_NEW = ".new"
_FILE = Pattern(r"\..*\.brkpoint\.[a-z0-9_]{8}\.tmp", re.DOTALL)
MOST = 1000  # that are looked at
_TRIES = 100  # for a name that is free
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """The path of a new empty folder for gdb, removed in the end; raises OSError."""
    import shutil  # only now, as below: most runs know all their names, and make no folder
    import tempfile

    path = descriptor = None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        parent = tempfile.gettempdir()  # it may try out whether it can write there
        _clean(parent, lambda name: name.startswith(SYMBOLS), os.O_DIRECTORY)
        path = tempfile.mkdtemp(prefix=".brkpoint-", suffix=_NEW)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        path = _locked(descriptor, path, os.path.join(parent, SYMBOLS + _middle(path)))
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        yield path
    finally:
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        finally:
            if path is not None:
                shutil.rmtree(path, ignore_errors=True)
            if descriptor is not None:
                os.close(descriptor)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def file(parent: str, name: str) -> Iterator[str]:
    """The path of a new empty file in the folder `parent`, to be renamed to `name`, readable for
    whom the user lets; what is still there in the end is removed. Raises OSError."""
    _clean(parent, lambda name: name.endswith(".tmp") and _FILE.fullmatch(name), 0)
    path = descriptor = None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        descriptor, path = _made(os.path.join(parent, _prefix(name)))
        bits = os.umask(0)
        os.umask(bits)
        os.fchmod(descriptor, 0o666 & ~bits | 0o600)  # it is still to be written
        path = _locked(descriptor, path, path[: -len(_NEW)] + ".tmp")
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        yield path
    finally:
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        finally:
            if path is not None and descriptor is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                os.close(descriptor)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _made(beginning: str) -> tuple[int, str]:
    """(descriptor, path) of a new file that nobody else has, as tempfile.mkstemp makes it."""
    for _ in range(_TRIES):
        path = beginning + os.urandom(4).hex() + _NEW
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), path
    raise FileExistsError(errno.EEXIST, "no name is free for a temporary file", beginning)


def _prefix(name: str) -> str:
    """It tells that the file is ours, whatever it will be: a trace or a page of any name."""
    return ".%s%s." % (name.removesuffix(_EXTENSION)[:50], _EXTENSION)


def _middle(path: str) -> str:
    return os.path.basename(path)[len(".brkpoint-") : -len(_NEW)]


def _locked(descriptor: int, path: str, wanted: str) -> str:
    """Lock it and give it its name; without locks, as on some networks, it keeps the one it has."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return path
    os.rename(path, wanted)
    return wanted


def _clean(parent: str, is_meant: Callable[[str], object], kind: int) -> None:
    """Remove what was left in the folder `parent`. Whatever is wrong there, it stays."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        names = [entry.name for entry in entries if is_meant(entry.name)]
        for name in names[:MOST]:
            with contextlib.suppress(OSError):
                _remove(os.path.join(parent, name), kind)


def _remove(path: str, kind: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | kind)
    try:
        status = os.fstat(descriptor)
        is_file = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if status.st_uid != os.geteuid() or not (kind or is_file):
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # or its run lives
        if kind:
            import shutil

            shutil.rmtree(path)
        else:
            os.unlink(path)
    finally:
        os.close(descriptor)
