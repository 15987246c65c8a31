"""The folder of what was found out once: names of functions (symbols/cache.py), indexes of rules
(kept.py), and what the recorder found in files of code (recorder/host/findings/disk.h). But for
open_own nothing here raises.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time

MAX_FOLDER = 256 << 20  # bytes of all together
# How names begin; those of unfinished files with a dot more.
SYMBOLS, CODE, TABLES = "symbols-", "code-", "tables-"
_LATELY_S = 60
AGAIN_S = 60  # between two looks at all of them
LOOKED = ".looked"  # a file whose time is that of the last look at all of them
_STALE_S = 3600  # an unfinished file that old was left behind
MARK_S = 86400  # between two marks of use of one file, as of `relatime` (mount(8))


def is_ours(status: os.stat_result) -> bool:
    """Nobody else could have written there."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def open_own(path: str, flags: int) -> int:
    """An opener of regular files that nobody else could have written; raises OSError."""
    descriptor = os.open(path, flags & ~os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    if not is_ours(status) or not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise PermissionError(path)
    _mark_use(descriptor, status)
    return descriptor


def _used(status: os.stat_result) -> float:
    """When the file was written, or read: a kernel marks that once a day itself, where the file
    system is not mounted with `noatime`."""
    return max(status.st_mtime, status.st_atime)


def _mark_use(descriptor: int, status: os.stat_result) -> None:
    now = time.time()
    if now - _used(status) >= MARK_S:
        with contextlib.suppress(OSError):
            os.utime(descriptor, ns=(int(now * 1e9), status.st_mtime_ns))


def state(path: str) -> list[int] | None:
    """What changes when the file does; None: there is none."""
    try:
        return state_of(os.stat(path))
    except OSError:
        return None


def state_of(status: os.stat_result) -> list[int]:
    return [
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    ]


def make(folder: str) -> bool:
    """Whether the folder is there, made if need be, and may be believed."""
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        return is_ours(os.stat(folder))
    except OSError:
        return False


def put(path: str, data: bytes) -> bool:
    """Whether that is the file now, in one step: a reader sees the old one or this one, whole."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, ".%s.%d.%d" % (name, os.getpid(), time.monotonic_ns()))
    try:
        if not make(folder):
            return False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError:  # a full disk, a home that cannot be written
        return False
    return True


def _is_due(folder: str, now: float) -> bool:
    """Whether something was kept lately, and nobody has looked since about then. Tells that now
    somebody does. Another user's folder (`sudo` may leave HOME as it was) is theirs to look at."""
    looked = os.path.join(folder, LOOKED)
    try:
        status = os.stat(folder)
        if not is_ours(status) or now - status.st_mtime > _LATELY_S:
            return False
        with contextlib.suppress(FileNotFoundError):
            if 0 <= now - os.stat(looked, follow_symlinks=False).st_mtime < AGAIN_S:
                return False
        with contextlib.suppress(FileNotFoundError):
            if os.stat(looked, follow_symlinks=False).st_uid != os.geteuid():
                os.unlink(looked)  # else nobody could ever write there again
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        os.close(os.open(looked, flags, 0o600))
        os.utime(looked, (now, now))
    except OSError:
        return False
    return True


def make_room(folder: str) -> None:
    """Those that nobody used for longest go, down to three quarters, where all together are too
    much. To ask a thousand files takes 14 ms: it is done once a minute, by whoever keeps something,
    and not where that is long ago."""
    rows, now = [], time.time()
    if not _is_due(folder, now):
        return
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.lstrip(".").startswith((SYMBOLS, CODE, TABLES)):
                rows.append((entry.stat(follow_symlinks=False), entry))
    left = sum(status.st_size for status, _ in rows)
    limit = MAX_FOLDER if left <= MAX_FOLDER else MAX_FOLDER // 4 * 3
    for status, entry in sorted(rows, key=lambda row: _used(row[0])):
        is_stale = entry.name.startswith(".") and now - status.st_mtime > _STALE_S
        if left > limit or is_stale:
            left -= status.st_size
            with contextlib.suppress(OSError):
                os.unlink(entry.path)
