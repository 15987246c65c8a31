"""The registers of a thread, as ptrace(PTRACE_GETREGS) fills them in. Pure: no gdb."""

from __future__ import annotations

import ctypes

_ORDER = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
    " fs_base gs_base ds es fs gs"
).split()


class Registers(ctypes.Structure):
    """user_regs_struct of sys/user.h, of thread `tid`."""

    _fields_ = [(name, ctypes.c_uint64) for name in _ORDER]
    tid = 0
    whole = True  # False: gdb told those that an event needs
