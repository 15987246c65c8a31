"""The target before it is a target: a forked child that waits for gdb and then execs.

Whatever the parent changed in itself for its own work is undone here, so that the program finds
what it would have found without brkpoint: see heritage.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import struct
from collections import namedtuple

from . import watch
from .errors import CANNOT_EXECUTE, UserError

TYPE_CHECKING = False

_PR_SET_PDEATHSIG, _PR_SET_PTRACER = 1, 0x59616D61  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37
_ADDR_NO_RANDOMIZE, _QUERY = 0x0040000, 0xFFFFFFFF  # sys/personality.h

READY = b"P"  # sent on `report` once gdb may attach
_PID = struct.Struct("<i")
_ERRNO = struct.Struct("<i")

# Plan: what the child needs, made before the fork. ignored: signals to be ignored; mask: to be
# blocked; limits: {resource: (soft, hard)}.
# Child: go: the parent writes gdb's pid, later one byte; report: the child answers, closed by the
# exec.
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import NamedTuple

    from .program import Program

    class Plan(NamedTuple):
        program: Program
        environment: list[bytes]
        ignored: set[int]
        mask: set[int]
        limits: dict[int, tuple[int, int]]
        fixed_addresses: bool

    class Child(NamedTuple):
        pid: int
        go: int
        report: int

else:
    Plan = namedtuple("Plan", "program environment ignored mask limits fixed_addresses")
    Child = namedtuple("Child", "pid go report")


def libc() -> ctypes.CDLL:
    """The C library. Called before the fork too: loading is no work for a forked child."""
    return ctypes.CDLL(None, use_errno=True)


def check_fixed_addresses() -> None:
    """Raises UserError where this process may not switch address randomisation off."""
    personality = libc().personality
    before = personality(_QUERY)
    refused = personality(before | _ADDR_NO_RANDOMIZE) == -1
    personality(before)
    if refused:
        raise UserError("--fixed-addresses is not permitted here (seccomp: a container's rule?)")


def start(plan: Plan, starter: str | None = None) -> Child:
    """Start the child; it waits. Returns Child (descriptors of the parent's side).

    `starter`: the program that does what the fork does here, for less (host/run/starter.h).
    """
    go_read, go_write = os.pipe()  # close-on-exec, like every file that Python opens
    report_read, report_write = os.pipe()
    if starter is not None:
        pid = _spawn(starter, plan, go_read, report_write)
    else:
        pid = _fork(plan, go_read, report_write, (go_write, report_read))
    os.close(go_read)
    os.close(report_write)
    return Child(pid, go_write, report_read)


def _fork(plan: Plan, go: int, report: int, others: Iterable[int]) -> int:
    image = _Image(plan)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        for descriptor in others:
            os.close(descriptor)
        _become(image, plan, parent, go, report)
    return pid


def _spawn(starter: str, plan: Plan, go: int, report: int) -> int:
    file = os.memfd_create("brkpoint-plan")
    try:
        os.write(file, _plan_bytes(plan))
        for descriptor in (file, go, report):
            os.set_inheritable(descriptor, True)
        told = [*map(str, (file, go, report, os.getpid()))]
        nothing: dict[str, str] = {}
        return os.posix_spawn(starter, [starter, "--start", *told], nothing)
    finally:
        os.close(file)


def _plan_bytes(plan: Plan) -> bytes:
    """The Plan as words that end with NUL, in the order in which starter.c takes them."""
    words: list[bytes | int] = [plan.program.path]
    for some in (plan.program.argv, plan.program.fallback or (), plan.environment):
        words += [len(some), *some]
    words += [_reaps(libc()), plan.fixed_addresses, len(plan.limits)]
    for limit, values in plan.limits.items():
        words += [limit, *values]
    bits = [sum(1 << (number - 1) for number in some) for some in (plan.ignored, plan.mask)]
    words += [bits[0] | _ignored_of_libc(), bits[1]]
    return b"".join(w + b"\0" if isinstance(w, bytes) else b"%d\0" % w for w in words)


def _ignored_of_libc() -> int:
    """Of the two signals that glibc keeps for itself, as bits: Python does not speak of them."""
    return int(watch.field(os.getpid(), "SigIgn") or "0", 16) & 0b11 << 31


def _reaps(library: ctypes.CDLL) -> int:
    """An exec keeps it, a fork does not."""
    found = ctypes.c_int()
    library.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(found), 0, 0, 0)
    return found.value


def admit(child: Child, tracer: int) -> None:
    """Tell the child which process will attach to it; returns when that is allowed."""
    os.write(child.go, _PID.pack(tracer))
    if os.read(child.report, 1) != READY:
        raise ChildProcessError("the child ended before gdb was there")


def release(child: Child) -> None:
    """Let the child exec as soon as gdb lets it run; of one that has ended the watch tells."""
    with contextlib.suppress(BrokenPipeError):
        os.write(child.go, b"G")


def exec_error(child: Child) -> int | None:
    """The errno of the failed exec, or None; call when the child has ended or run."""
    data = os.read(child.report, _ERRNO.size)
    return _ERRNO.unpack(data)[0] if len(data) == _ERRNO.size else None


class _Image:
    """The arguments of execve, as C wants them, made before the fork."""

    def __init__(self, plan: Plan) -> None:
        self.libc = libc()
        self.path = plan.program.path
        self.argv = _pointers(plan.program.argv)
        self.environment = _pointers(plan.environment)
        fallback = plan.program.fallback
        self.fallback = _pointers(fallback) if fallback else None
        self.shell = fallback[0] if fallback else None
        self.reaps = _reaps(self.libc)

    def execute(self) -> int:
        """Become the program; returns the errno where that failed."""
        self.libc.execve(self.path, self.argv, self.environment)
        error = ctypes.get_errno()
        if error == errno.ENOEXEC and self.fallback:
            # a text without `#!`: every shell runs it as a script (execvp(3), POSIX sh)
            self.libc.execve(self.shell, self.fallback, self.environment)
            error = ctypes.get_errno()
        return error


def _pointers(words: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)


def _become(image: _Image, plan: Plan, parent: int, go: int, report: int) -> None:
    """In the child: wait, undo, exec. Never returns."""
    try:
        image.libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent and _wait(image, go, report):
            _restore(image, plan)
            os.write(report, _ERRNO.pack(image.execute()))
    finally:
        os._exit(CANNOT_EXECUTE)


def _wait(image: _Image, go: int, report: int) -> bool:
    """Until gdb is attached. A read is restarted by the kernel when gdb attaches during it."""
    tracer = os.read(go, _PID.size)
    if len(tracer) < _PID.size:
        return False
    # only yama knows this; it forgets it when gdb ends, so nothing is left for the program
    image.libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(_PID.unpack(tracer)[0]), 0, 0, 0)
    os.write(report, READY)
    return os.read(go, 1) == b"G"


def _restore(image: _Image, plan: Plan) -> None:
    if image.reaps:
        image.libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if plan.fixed_addresses:
        image.libc.personality(image.libc.personality(_QUERY) | _ADDR_NO_RANDOMIZE)
    for limit, values in plan.limits.items():
        resource.setrlimit(limit, values)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        wanted = signal.SIG_IGN if number in plan.ignored else signal.SIG_DFL
        if signal.getsignal(number) != wanted:
            signal.signal(number, wanted)
    signal.pthread_sigmask(signal.SIG_SETMASK, plan.mask)
