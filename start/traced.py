"""A program that asks for its parent as its tracer (PTRACE_TRACEME), as some do to find out whether
another one traces them: from then on each of its signals stops it, and comes to brkpoint first."""

from __future__ import annotations

import os
import signal

_PTRACE_CONT, _PTRACE_GETSIGINFO = 7, 0x4202  # linux/ptrace.h
_SIGINFO_SIZE = 128


def ended(pid, how=0):
    """As os.waitpid, of a child's end alone: its status, None where it has not ended yet."""
    while True:
        found, status = os.waitpid(pid, how)
        if not found:
            return None
        if not os.WIFSTOPPED(status):
            return status
        _let_go_on(pid, os.WSTOPSIG(status))


def _let_go_on(pid, number):
    """With the signal that it stopped for, as if nobody traced it."""
    import ctypes  # only now: hardly any program does that

    libc, info = ctypes.CDLL(None), (ctypes.c_int * (_SIGINFO_SIZE // 4))()
    is_signal = libc.ptrace(_PTRACE_GETSIGINFO, pid, None, info) == 0  # else it has stopped already
    tells_of_exec = number == signal.SIGTRAP and info[2] == 0  # the kernel's, for a tracer alone
    passed = number if is_signal and not tells_of_exec else 0
    libc.ptrace(_PTRACE_CONT, pid, None, ctypes.c_void_p(passed))
