"""Running a witness: its words kept apart from the program's, in bounded time and memory."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import subprocess
import threading
from collections import namedtuple

KEPT = 1 << 16  # bytes of each stream that are kept; the digest is of all of it
# status: as subprocess has it, negative for a signal; None where it was killed for taking too long.
Done = namedtuple("Done", "status out err out_digest out_bytes timed_out")
_ADDR_NO_RANDOMIZE = 0x0040000  # linux/personality.h
_QUERY = 0xFFFFFFFF


class Missing(Exception):
    """The tool is not installed, or cannot be started. One line."""


def can_fix_addresses():
    """Whether address randomisation can be switched off here; containers may forbid it."""
    libc = ctypes.CDLL(None)
    before = libc.personality(_QUERY)
    if before == -1 or libc.personality(before | _ADDR_NO_RANDOMIZE) == -1:
        return False
    libc.personality(before)
    return True


def run(
    words, limit_s, stdin=subprocess.DEVNULL, fixed_addresses=True, environment=None, folder=None
):
    """Run `words`, in `folder`; Done. Whatever they started is killed after `limit_s` seconds."""
    try:
        process = subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_fix_addresses if fixed_addresses else None,
        )
    except OSError as error:
        raise Missing("%s: %s" % (words[0], error.strerror)) from None
    drains = [_Drain(process.stdout), _Drain(process.stderr)]
    timed_out = False
    try:
        status = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        status, timed_out = None, True
    finally:
        end_all(process)
    for drain in drains:
        drain.finish()
    return Done(status, drains[0].text, drains[1].text, *drains[0].sum(), timed_out)


def _fix_addresses():
    libc = ctypes.CDLL(None)
    before = libc.personality(_QUERY)
    libc.personality(before | _ADDR_NO_RANDOMIZE)


def end_all(process):
    """Kill a tool that still runs, its session, and what left it (a tracer's target lives on)."""
    below = descendants(process.pid) if process.poll() is None else []
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    for pid in below:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    process.wait()


def descendants(pid):
    """The processes below `pid`, by parent, [pid]."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
    found = [pid]
    for parent in found:
        found += [child for child, above in parents.items() if above == parent]
    return found[1:]


class _Drain:
    """Reads a pipe to its end: keeps the beginning, and sums up the rest."""

    def __init__(self, pipe):
        self.pipe, self.kept, self.bytes, self.hash = pipe, b"", 0, hashlib.sha256()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            data = self.pipe.read1(KEPT)
            if not data:
                return
            self.bytes += len(data)
            self.hash.update(data)
            self.kept += data[: KEPT - len(self.kept)]

    def finish(self):
        self.thread.join(2)  # a child that lives on may hold the pipe

    @property
    def text(self):
        return self.kept.decode("utf-8", "surrogateescape")

    def sum(self):
        return self.hash.hexdigest()[:16], self.bytes
