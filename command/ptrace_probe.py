"""Whether this process may really trace another one: tried with a harmless child, as gdb will."""

from __future__ import annotations

import ctypes
import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# linux/ptrace.h and linux/prctl.h
_PTRACE_SEIZE = 0x4206
_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def try_tracing() -> int:
    """0 where a sibling may trace a sibling (gdb and target are such), else the errno."""
    asleep = _fork(_sleep_traceable)
    tracer = _fork(lambda ready: _seize(asleep, ready))
    try:
        return os.waitstatus_to_exitcode(os.waitpid(tracer, 0)[1])
    finally:
        os.kill(asleep, signal.SIGKILL)
        os.waitpid(asleep, 0)


def _fork(work: Callable[[Callable[[], None]], int]) -> int:
    """The pid of a child that runs `work(ready)`; returns when it has called `ready()` or died."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        status = 255
        try:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            status = work(lambda: os.close(writing))
        finally:
            os._exit(status)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    return pid


def _sleep_traceable(ready: Callable[[], None]) -> NoReturn:
    _libc.prctl(_PR_SET_PTRACER, _PR_SET_PTRACER_ANY, 0, 0, 0)
    ready()
    while True:
        signal.pause()


def _seize(pid: int, ready: Callable[[], None]) -> int:
    ready()
    if _libc.ptrace(_PTRACE_SEIZE, pid, None, None) == 0:
        return 0
    return ctypes.get_errno() or errno.EPERM


def why_not(code: int, root: str = "/proc") -> tuple[str, str]:
    """(what forbids it, the command that mends it), as far as /proc tells."""
    scope = _read(root + "/sys/kernel/yama/ptrace_scope").strip()
    status = _fields(_read(root + "/self/status"))
    if status.get("TracerPid", "0") != "0":
        return "brkpoint is being traced itself (by process %s)" % status["TracerPid"], (
            "run it outside strace and gdb"
        )
    if scope in ("2", "3"):
        return "yama forbids it: kernel.yama.ptrace_scope is " + scope, (
            "sudo sysctl kernel.yama.ptrace_scope=1" if scope == "2" else _REBOOT
        )
    if status.get("Seccomp") == "2":
        return "a seccomp filter forbids it, as in a container", _CONTAINER
    return "the kernel refuses it: " + os.strerror(code), _CONTAINER


_REBOOT = "set kernel.yama.ptrace_scope=1 in /etc/sysctl.d and reboot: 3 cannot be lowered"
_CONTAINER = "docker run --cap-add=SYS_PTRACE --security-opt seccomp=unconfined … (podman too)"


def _fields(text: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: value.strip() for name, value in pairs}


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
