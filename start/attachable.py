"""Whether a running process can be attached to, and if not, why, and what helps."""

from __future__ import annotations

import ctypes
import os
import struct

from . import watch
from .errors import UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
_EM_X86_64, _CLASS_64 = 62, 2
_SYS_KCMP, _KCMP_VM = 312, 1  # kcmp(2): 0 where both have one memory


def check(pid: int) -> None:
    """Raises UserError where the process cannot be attached to, as far as /proc tells."""
    if pid in (os.getpid(), 1 if os.getpid() == 1 else 0):
        raise UserError("-p %d is brkpoint itself" % pid)
    try:
        status = _status(pid)
    except OSError:
        raise UserError("there is no process %d (see: ps -e)" % pid) from None
    owner = status.get("Tgid")
    if owner != str(pid):
        raise UserError("%d is a thread of process %s: brkpoint -p %s" % (pid, owner, owner))
    _check_state(pid, status)
    _check_tracer(pid, status)
    _check_memory(pid, int(status.get("PPid") or 0))
    _check_program(pid)


def _status(pid: int) -> Any:
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
        lines = (line.split(":", 1) for line in file if ":" in line)
        return {name: value.strip() for name, value in lines}


def _check_state(pid: int, status: Any) -> None:
    if status.get("State", "")[:1] in ("Z", "X"):
        raise UserError("process %d has ended already; its parent has not waited for it" % pid)
    if int(status.get("Kthread") or 0) or ("VmSize" not in status):
        raise UserError("process %d is the kernel's own: it has no memory to look at" % pid)
    if int(status.get("Seccomp") or 0):
        text = (
            "process %d is under seccomp: a filter may forbid or punish the system calls that"
            " attaching needs; start it with brkpoint instead: brkpoint PROGRAM"
        )
        raise UserError(text % pid)


def _check_tracer(pid: int, status: Any) -> None:
    other = int(status.get("TracerPid") or 0)
    if other:
        name = watch.field(other, "Name") if os.path.exists("/proc/%d" % other) else "?"
        text = "process %d is being traced by %s (process %d) already; only one tracer is possible"
        raise UserError(text % (pid, shown(name), other))


def _check_memory(pid: int, parent: Any) -> None:
    """Code that is planted in a child of vfork would stand in its parent, too, and stay there."""
    if ctypes.CDLL(None).syscall(_SYS_KCMP, pid, parent, _KCMP_VM, 0, 0) == 0:
        text = "process %d has the memory of its parent, %d, until it execs (vfork): try again, or"
        raise UserError((text + " brkpoint -p %d") % (pid, parent, parent))


def _check_program(pid: int) -> None:
    try:
        with open("/proc/%d/exe" % pid, "rb") as file:
            head = file.read(20)
    except PermissionError:
        raise UserError(not_permitted(pid)) from None
    except OSError:
        raise UserError("process %d has no program (it is ending, or the kernel's own)" % pid)
    machine = struct.unpack("<H", head[18:20])[0] if len(head) == 20 else 0
    if head[4:5] != bytes([_CLASS_64]) or machine != _EM_X86_64:
        raise UserError("process %d is not a 64-bit x86 program: it cannot be recorded" % pid)


def not_permitted(pid: int) -> str:
    """Why ptrace is refused, and what helps."""
    owner = os.stat("/proc/%d" % pid).st_uid
    if os.geteuid() and owner != os.geteuid():
        return "process %d is another user's: sudo brkpoint -p %d" % (pid, pid)
    scope = _scope()
    if scope == 3:
        return "ptrace is switched off here until the next boot (kernel.yama.ptrace_scope is 3)"
    if scope and os.geteuid():
        text = "ptrace is allowed for one's own children only (kernel.yama.ptrace_scope is %d): "
        return (text + "sudo brkpoint -p %d") % (scope, pid)
    return "process %d may not be traced: ptrace is not permitted; `brkpoint doctor` says why" % pid


def _scope() -> int:
    try:
        with open(_SCOPE, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0
