"""A program that asks for its parent as its tracer (PTRACE_TRACEME), as some do to find out whether
another one traces them: from then on each of its signals stops it, and comes to brkpoint first.

A stop by SIGSTOP and its like does not last there: whoever is traced so has no way to stay stopped
and be told of SIGCONT (ptrace(2), Group-stop: that takes PTRACE_SEIZE)."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PTRACE_PEEKUSER, _PTRACE_CONT, _PTRACE_GETSIGINFO = 3, 7, 0x4202  # linux/ptrace.h
_CALL = 8 * 15  # sys/reg.h: ORIG_RAX, the number of the system call that it is in
_PTRACE, _EXECS = 101, (59, 322)  # asm/unistd_64.h: ptrace; execve, execveat
_SIGINFO_SIZE = 128


def ended(pid: int, how: int = 0) -> int | None:
    """As os.waitpid, of a child's end alone: its status, None where it has not ended yet."""
    while True:
        found, status = os.waitpid(pid, how)
        if not found:
            return None
        if not os.WIFSTOPPED(status):
            return status
        _let_go_on(pid, os.WSTOPSIG(status))


def _let_go_on(pid: int, number: int) -> None:
    """With the signal that it stopped for, as if nobody traced it."""
    import ctypes  # only now: hardly any program does that

    libc, info = ctypes.CDLL(None), (ctypes.c_int * (_SIGINFO_SIZE // 4))()
    is_signal = libc.ptrace(_PTRACE_GETSIGINFO, pid, None, info) == 0  # else it has stopped already
    # The kernel sends one after an exec, for a tracer alone. It looks like one by kill(2).
    tells_of_exec = number == signal.SIGTRAP and info[2] == 0 and _is_in_exec(libc, pid)
    passed = number if is_signal and not tells_of_exec else 0
    libc.ptrace(_PTRACE_CONT, pid, None, ctypes.c_void_p(passed))


def _is_in_exec(libc: Any, pid: int) -> bool:
    import ctypes

    call = ctypes.c_long(-1)
    ask = libc.syscall  # as the kernel has it: the C library's ptrace returns the word
    ask.restype = ctypes.c_long
    words = [ctypes.c_long(word) for word in (_PTRACE, _PTRACE_PEEKUSER, pid, _CALL)]
    return ask(*words, ctypes.byref(call)) == 0 and call.value in _EXECS
