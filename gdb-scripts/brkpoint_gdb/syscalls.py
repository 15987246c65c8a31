"""Memory syscalls, at their entry and at their return, without stopping.

A catchpoint's condition calls a gdb function that records and answers 0: gdb goes on at once
(41 us; a stop event costs ten times as much). The same trick counts forks.
"""

from __future__ import annotations

import gdb

from alloctrace.words import MEMORY_SYSCALLS

from .process import Elsewhere, now

_ENDING = {60: "exit", 231: "exit_group"}
_PTRACE = 101
_CLONE, _CLONE3 = 56, 435
_FORKING = (_CLONE, _CLONE3, _PTRACE)
# int 0x80: mmap, munmap, mprotect, mremap and mmap2 (arch/x86/entry/syscalls/syscall_32.tbl)
_OF_32_BITS = (90, 91, 125, 163, 192)
_INT_80 = b"\xcd\x80"
_GATE = "system calls through int 0x80 are not seen, and this program makes such"
_ARCH_PRCTL, _ARCH_SET_FS, _ARCH_SHSTK_ENABLE = 158, 0x1002, 0x5001  # asm/prctl.h
_EXECVE = (59, 322)  # execve, execveat: these stop for real
_MMAP, _MPROTECT, _MUNMAP, _NO_FD = 9, 10, 11, 0xFFFFFFFF
_PROT_WRITE = 2
_MAP_ANONYMOUS = 0x20
_MASK32 = 0xFFFFFFFF
_CLONE_VM, _CLONE_VFORK = 0x100, 0x4000  # linux/sched.h
_CLONE_THREAD, _CLONE_UNTRACED = 0x10000, 0x800000
_EXIT_SIGNAL, _SIGCHLD = 0xFF, 17
_SHARED = "a child shares the program's memory (clone): from then on no call is seen"


class Syscalls(gdb.Function):
    """$_brkpoint_syscall(): the condition of the catchpoint."""

    def __init__(self, engine):
        super().__init__("_brkpoint_syscall")
        self._engine = engine
        self._inside = {}  # tid -> number of the syscall that it is in, or _GATE
        self.quiet = False  # a 32-bit program: the same numbers mean other calls
        numbers = [*MEMORY_SYSCALLS, *_ENDING, *_FORKING, *_OF_32_BITS, _ARCH_PRCTL]
        numbers = " ".join(map(str, numbers))
        catchpoint("catch syscall " + numbers).condition = "$_brkpoint_syscall()"
        self.execve = catchpoint("catch syscall %s" % " ".join(map(str, _EXECVE)))

    def invoke(self):
        self._engine.stops += 1
        if self.quiet:
            return 0
        try:
            return int(self._record())
        except Elsewhere:
            return 0
        except Exception as error:
            self._engine.lose(1, "syscall: %s" % error)
            return 0

    def _record(self):
        """True where the engine must act while the target stands still."""
        process = self._engine.process
        t_ns, tid = now(), process.tid()
        regs = process.registers(tid)
        number = regs.orig_rax
        inside = self._inside.pop(tid, None)
        if inside is _GATE:
            return False
        if inside == number:
            return self._leave(t_ns, tid, number, _signed(regs.rax))
        self._inside[tid] = number
        if process.read(regs.rip - len(_INT_80), len(_INT_80)) == _INT_80:
            self._engine.unseen("syscalls", _GATE)
            self._inside[tid] = _GATE
        if number in _OF_32_BITS or self._inside[tid] is _GATE:
            return False
        if number in _ENDING:
            self._engine.borders.ending(t_ns, tid, _ENDING[number])
            return _ENDING[number] == "exit_group" and self._engine.planted.program_ends()
        if number == _PTRACE:
            self._engine.note_once("the program calls ptrace itself: it fails while we trace it")
            return False
        if number in _FORKING:
            return self._clone_begins(regs)
        if number == _ARCH_PRCTL:
            if regs.rdi == _ARCH_SHSTK_ENABLE:
                self._engine.stepping.allowed = False
            return regs.rdi == _ARCH_SET_FS and self._engine.libraries.are_mapped()
        self._enter(t_ns, tid, number, regs)
        if number == _MPROTECT and regs.rdx & _PROT_WRITE:
            self._engine.planted.made_writable(regs.rdi, regs.rsi)
        if number != _MUNMAP:
            return False
        return self._engine.planted.munmap_begins(tid, regs.rdi, regs.rsi)

    def _clone_begins(self, regs):
        """As _record. Of some children gdb does not know that breakpoints are to be taken out of
        their memory: they would die of them, and who waits for them would wait for ever.
        """
        flags = _clone_flags(self._engine.process, regs)
        return _is_hidden(flags) and self._engine.planted.must_let_go()

    def _leave(self, t_ns, tid, number, result):
        """As _record."""
        if number in MEMORY_SYSCALLS:
            self._engine.spool.sysleave(t_ns, tid, number, result)
        return number == _MUNMAP and self._engine.planted.munmap_ended(tid, result < 0)

    def _enter(self, t_ns, tid, number, regs):
        args = (regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9)
        stack = self._engine.stacks.at_pc(regs.rip)
        path = b""
        if number == _MMAP and not regs.r10 & _MAP_ANONYMOUS and regs.r8 & _MASK32 != _NO_FD:
            path = self._engine.process.path_of(regs.r8 & _MASK32)
        self._engine.spool.sysenter(t_ns, tid, number, regs.rsp, args, stack, path)

    def forget(self):
        self._inside.clear()


class Forks(gdb.Function):
    """$_brkpoint_fork(): children run free; they are counted."""

    def __init__(self, engine):
        super().__init__("_brkpoint_fork")
        self._engine = engine
        for what in ("fork", "vfork"):
            catchpoint("catch " + what).condition = '$_brkpoint_fork("%s")' % what

    def invoke(self, what):
        engine, what = self._engine, what.string()
        engine.stops += 1
        engine.spool.info("fork", what=what, tid=engine.process.tid(), t_ns=now())
        if what == "fork" and self._shares_memory():
            engine.lose(1, _SHARED)
        return 0

    def _shares_memory(self):
        """gdb takes the breakpoints out of the memory of a child; here it is the program's."""
        process = self._engine.process
        return bool(_clone_flags(process, process.registers(process.tid())) & _CLONE_VM)


def _is_hidden(flags):
    """Whether gdb is told of no child, or of a thread, where there will be a process.

    The first: LeakSanitizer's, which looks at the program at its end by ptrace
    (sanitizer_stoptheworld_linux_libcdep.cpp, StopTheWorld). The second: one with memory of its own
    and another signal for its end than SIGCHLD is PTRACE_EVENT_CLONE (kernel/fork.c, kernel_clone).
    """
    if flags & _CLONE_THREAD:
        return False
    is_fork = flags & (_CLONE_VM | _CLONE_VFORK) or flags & _EXIT_SIGNAL == _SIGCHLD
    return bool(flags & _CLONE_UNTRACED) or not is_fork


def _clone_flags(process, regs):
    """What a thread asks for that is in clone or clone3, as clone has it; in any other system call
    what a fork would."""
    if regs.orig_rax == _CLONE3:  # struct clone_args: flags, …, exit_signal
        signal = process.word(regs.rdi + 32) or 0
        return (process.word(regs.rdi) or 0) & ~_EXIT_SIGNAL | signal & _EXIT_SIGNAL
    return regs.rdi if regs.orig_rax == _CLONE else _SIGCHLD


def catchpoint(command):
    """What `command` makes: a gdb.Breakpoint, or what can do the same (gdb 10 shows none)."""
    before = {breakpoint_.number for breakpoint_ in gdb.breakpoints()}
    last = gdb.convenience_variable("bpnum")
    gdb.execute(command, to_string=True)
    shown = _shown(before)
    if shown is not None:
        return shown
    number = gdb.convenience_variable("bpnum")
    if number is None or number == last:
        raise gdb.GdbError("gdb %s made no catchpoint of: %s" % (gdb.VERSION, command))
    return ByNumber(int(number))


def _shown(before):
    return next((b for b in gdb.breakpoints() if b.number not in before), None)


class ByNumber:
    """A catchpoint that Python has no object of: its condition counts how often it was hit."""

    def __init__(self, number):
        self.number = number
        self._hits = "_brkpoint_hits_%d" % number
        gdb.set_convenience_variable(self._hits, 0)
        self._stop_if("++$" + self._hits)

    def _stop_if(self, condition):
        gdb.execute("condition %d %s" % (self.number, condition), to_string=True)

    def _set_condition(self, condition):
        self._stop_if("%s && ++$%s" % (condition, self._hits))

    condition = property(None, _set_condition)

    @property
    def hit_count(self):
        return int(gdb.convenience_variable(self._hits))

    def is_valid(self):
        return gdb.execute("info breakpoints %d" % self.number, to_string=True)[:2] != "No"

    def delete(self):
        gdb.execute("delete %d" % self.number, to_string=True)


def _signed(value):
    return value - (1 << 64) if value >> 63 else value
