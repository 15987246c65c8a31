"""When gdb itself dies, over a damaged file for instance: the target runs on.

gdb's last act is exit(), which runs what is registered here: every breakpoint goes out of the
target's code, and its threads are let go as the kernel would have let them run. Without that the
first breakpoint left behind would end it by SIGTRAP. Whoever ends gdb in order does it by
main.leave(): exit() would come back here when gdb's Python is gone already.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from alloctrace.elf import maps

_GETREGS, _SETREGS, _DETACH, _GETSIGINFO = 12, 13, 17, 0x4202  # sys/ptrace.h
_WALL = 0x40000000
_SI_KERNEL = 0x80  # of the SIGTRAP of a breakpoint's instruction
_RIP = 16  # struct user_regs_struct, in words
_WORDS = 27
_PIECE = 1 << 20
_FATAL = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_INT3 = 0xCC

_kept = []  # what C calls must not be collected


class Rescue:
    """Armed while gdb watches process `pid`; `gdb_died` is called first where a signal ends gdb.

    `moved`: as Stepping.moved.
    """

    def __init__(self, pid, gdb_died, moved):
        self._pid, self._tracer, self.gdb_died = pid, os.getpid(), gdb_died
        self._moved = moved
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = [
            ctypes.c_long,
            ctypes.c_long,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._libc.ptrace.restype = ctypes.c_long
        self.armed = True
        at_exit = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)(lambda *_: self.act())
        at_signal = ctypes.CFUNCTYPE(None, ctypes.c_int)(self._at_signal)
        _kept.extend((at_exit, at_signal))
        self._libc.on_exit(at_exit, None)
        self._libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
        self._libc.signal.restype = ctypes.c_void_p
        for number in _FATAL:
            self._libc.signal(number, ctypes.cast(at_signal, ctypes.c_void_p))

    def _at_signal(self, number):
        try:
            self.gdb_died()
        except Exception:
            pass  # gdb may be in any state: the target comes first
        self.act()
        os._exit(1)

    def act(self):
        """In whatever state gdb is: no call of its own."""
        if not self.armed or os.getpid() != self._tracer:
            return
        self.armed = False
        try:
            tids = [tid for tid in self._tids() if self._is_ours(tid)]
            running = [tid for tid in tids if not self._stands(tid)]
            for tid in running:
                self._libc.syscall(234, self._pid, tid, signal.SIGSTOP)  # tgkill
                os.waitpid(tid, _WALL)
            restored = self._restore()
            for tid in tids:
                self._let_go(tid, restored)
        except FileNotFoundError:
            pass  # it has ended
        except Exception as error:  # nothing can be done any more, but to say so
            print("brkpoint: the target could not be let go: %s" % error, file=sys.stderr)

    def _tids(self):
        return [int(tid) for tid in os.listdir("/proc/%d/task" % self._pid)]

    def _status(self, tid, name):
        with open("/proc/%d/task/%d/status" % (self._pid, tid), "rb") as file:
            for line in file:
                if line.startswith(name):
                    return line.split()[1]
        return b""

    def _is_ours(self, tid):
        return self._status(tid, b"TracerPid:") == b"%d" % self._tracer

    def _stands(self, tid):
        return self._status(tid, b"State:") in (b"t", b"T", b"Z", b"X")

    # -- its code

    def _restore(self):
        """Take every breakpoint out of code that is a file's; the addresses where one was."""
        with open("/proc/%d/maps" % self._pid, "rb") as file:
            code = [
                m for m in maps.parse_maps(file.read()) if "x" in m.perms and m.path[:1] == b"/"
            ]
        restored = set()
        with open("/proc/%d/mem" % self._pid, "r+b", buffering=0) as memory:
            for mapping in code:
                restored.update(self._restore_mapping(memory, mapping))
        return restored

    def _restore_mapping(self, memory, mapping):
        name = b"/proc/%d/map_files/%x-%x" % (self._pid, mapping.start, mapping.end)
        try:
            file = open(name, "rb", buffering=0)
        except OSError:
            file = open(mapping.path, "rb", buffering=0)
        with file:
            for start in range(mapping.start, mapping.end, _PIECE):
                size = min(_PIECE, mapping.end - start)
                there = os.pread(memory.fileno(), size, start)
                stored = os.pread(file.fileno(), size, mapping.offset + start - mapping.start)
                at = there.find(_INT3)
                while 0 <= at < len(stored):
                    if stored[at] != _INT3:
                        os.pwrite(memory.fileno(), stored[at : at + 1], start + at)
                        yield start + at
                    at = there.find(_INT3, at + 1)

    # -- its threads

    def _let_go(self, tid, restored):
        info = (ctypes.c_int * 32)()
        number = 0
        if self._ask(_GETSIGINFO, tid, info):
            number = info[0]
        if number == signal.SIGTRAP and info[2] == _SI_KERNEL:
            self._step_back(tid, restored)
        own = number not in (signal.SIGTRAP, signal.SIGSTOP)
        self._libc.ptrace(_DETACH, tid, None, number if own else None)

    def _step_back(self, tid, restored):
        """The breakpoint's own instruction was executed, and gdb had not yet heard of it."""
        registers = (ctypes.c_uint64 * _WORDS)()
        if not self._ask(_GETREGS, tid, registers):
            return
        if tid in self._moved and bytes(registers) == bytes(self._moved[tid]):
            return  # we were there, and had it go on from here
        rip = registers[_RIP]
        if rip - 1 in restored and rip not in restored:
            registers[_RIP] = rip - 1
            self._ask(_SETREGS, tid, registers)

    def _ask(self, request, tid, data):
        return self._libc.ptrace(request, tid, None, ctypes.byref(data)) == 0
