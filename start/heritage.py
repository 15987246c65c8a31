"""What brkpoint itself was started with, byte for byte, so that the target gets the same.

Python hides some of it: it decodes the arguments, may change LC_CTYPE in its own environment
(PEP 538) and ignores SIGPIPE and SIGXFSZ at its start. The kernel still knows the rest.
"""

from __future__ import annotations

import functools
import os
import resource
import signal
import sys

_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_LIMITS = (
    resource.RLIMIT_AS,
    resource.RLIMIT_CPU,
    resource.RLIMIT_DATA,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
)
# Programs that ignore SIGPIPE themselves, but give it back to the programs that they start.
_RESTORING = ("python", "pypy", "node", "cargo", "fish")


def arguments() -> list[bytes]:
    """The words after the command's own name, bytes.

    /proc/self/cmdline also holds the interpreter and its options: the last words are ours.
    """
    count = len(sys.argv) - 1
    words = _read("/proc/self/cmdline").split(b"\0")[:-1]
    return words[-count:] if count else []


def is_known() -> bool:
    """Whether the kernel tells: nothing here can be known without /proc."""
    return os.path.exists("/proc/self/environ")


def environment() -> list[bytes]:
    """The entries of the environment as the kernel handed it over: order, duplicates and all."""
    return _read("/proc/self/environ").split(b"\0")[:-1]


def variable(entries: list[bytes], name: bytes, default: bytes = b"") -> bytes:
    """The first of the environment's `entries` of that name: what getenv finds."""
    for entry in entries:
        if entry.startswith(name + b"="):
            return entry[len(name) + 1 :]
    return default


def ignored_signals() -> set[int]:
    """The signals that were ignored when brkpoint was started, a set of numbers.

    For the two that Python ignores itself the truth is gone. A parent that ignores them hands
    that on (a shell after `trap '' PIPE`, a service), unless it is one of those that restore them.
    """
    found = {n for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN}
    return found - set(_IGNORED_BY_PYTHON) | _ignored_by_parent()


def _ignored_by_parent() -> set[int]:
    parent = os.getppid()
    try:
        name = os.path.basename(os.readlink("/proc/%d/exe" % parent))
        status = _read("/proc/%d/status" % parent).decode("ascii", "replace")
    except OSError:  # it is gone, or another user's
        return set()
    if name.startswith(_RESTORING):
        return set()
    told = [line.split()[1:] for line in status.split("\n") if line.startswith("SigIgn:")]
    bits = int(told[0][0], 16) if told and told[0] else 0  # another /proc may not tell
    return {number for number in _IGNORED_BY_PYTHON if bits >> (number - 1) & 1}


@functools.lru_cache(maxsize=None)  # the second call must not find what the first one set
def free_limits() -> dict[int, tuple[int, int]]:
    """Lift brkpoint's own soft limits, which are meant for the target; returns them for it.

    {resource: (soft, hard)}; gdb inherits the lifted ones.
    """
    before = {limit: resource.getrlimit(limit) for limit in _LIMITS}
    for limit, (_, hard) in before.items():
        resource.setrlimit(limit, (hard, hard))
    return before


def occupy_standard_streams() -> None:
    """Keep a closed standard stream closed for the target, and safe from our own files.

    The next file opened would become descriptor 0, 1 or 2 and be written to by mistake.
    """
    while True:
        descriptor = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        if descriptor > 2:
            os.close(descriptor)
            return


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
