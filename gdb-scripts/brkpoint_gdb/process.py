"""The stopped target: registers, memory, /proc. Ints and bytes come out; stepping.py alone writes.

gdb's own way to a register costs 5 to 60 us, ptrace(PTRACE_GETREGS) 2 us; gdb's main thread is
the tracer, and Python runs in it, so the kernel answers. Memory comes from /proc/PID/mem.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time

import gdb

from alloctrace.elf import maps

from .registers import Registers

_PTRACE_GETREGS, _PTRACE_SETREGS = 12, 13
_PTRACE_GETSIGINFO = 0x4202
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PATIENCE = 50  # looks at a process that may be dying, 10 ms apart
_CS_64_BIT = 0x33  # __USER_CS, arch/x86/include/asm/segment.h
_NEEDED = ("rax", "rdx", "rsi", "rdi", "orig_rax", "rip", "rsp", "r10", "r9", "r8", "rcx", "cs")
_WORD = struct.Struct("<Q")


class _Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Elsewhere(Exception):
    """What stopped is not the recorded process as it goes on: another one that the user debugs, or
    what gdb plays back of it (`record`, `reverse-step`)."""


class Process:
    def __init__(self, pid):
        self.pid = pid
        self.threads = 1  # engine.py counts them; one thread needs no look-up
        self.regs = Registers()  # that were read last
        libc = ctypes.CDLL(None, use_errno=True)
        self._ptrace = libc.ptrace
        self._ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._ptrace.restype = ctypes.c_long
        self._readv, self._writev = libc.process_vm_readv, libc.process_vm_writev
        for move in (self._readv, self._writev):
            move.argtypes = [ctypes.c_long, *[ctypes.c_void_p, ctypes.c_ulong] * 2, ctypes.c_ulong]
            move.restype = ctypes.c_ssize_t
        self._here = ctypes.c_uint64()
        self._ours = _Piece(ctypes.addressof(self._here), 8)
        self._theirs = _Piece(None, 8)
        pieces = ctypes.addressof(self._ours), 1, ctypes.addressof(self._theirs), 1
        self._one_word = (pid, *pieces, 0)
        self._mem = -1
        self.reopen()

    def reopen(self):
        """After an exec the old descriptor still means the old memory."""
        self.close()
        self._mem = os.open("/proc/%d/mem" % self.pid, os.O_RDONLY | os.O_CLOEXEC)

    def close(self):
        if self._mem >= 0:
            os.close(self._mem)
            self._mem = -1

    def tid(self):
        """The kernel's id of the thread that stopped."""
        if self.threads == 1:
            return self.pid
        return gdb.selected_thread().ptid[1]

    def registers(self, tid):
        self.regs = regs = Registers()
        regs.tid = tid
        if self._ptrace(_PTRACE_GETREGS, tid, None, ctypes.byref(regs)) != 0:
            regs.whole = False
            for name in _NEEDED:
                setattr(regs, name, _register(name))
        return regs

    def set_registers(self, regs):
        """Whether the thread has them now; gdb may know others."""
        return self._ptrace(_PTRACE_SETREGS, regs.tid, None, ctypes.byref(regs)) == 0

    def is_64_bit(self):
        return self.registers(self.tid()).cs == _CS_64_BIT

    def signal_number(self, tid):
        """si_signo of the stop that `tid` is in; None where the kernel does not tell."""
        info = ctypes.create_string_buffer(128)
        if self._ptrace(_PTRACE_GETSIGINFO, tid, None, info) != 0:
            return None
        return struct.unpack_from("<i", info)[0]

    def read(self, address, size):
        """Up to `size` bytes, fewer or none where memory ends."""
        try:
            return os.pread(self._mem, size, address)
        except (OSError, OverflowError):
            return b""

    def word(self, address):
        """The 8 bytes at `address` as an unsigned integer, None where unreadable."""
        data = self.read(address, 8)
        return _WORD.unpack(data)[0] if len(data) == 8 else None

    def code(self, address, size):
        """The `size` bytes at `address` as if there were no breakpoints; none where not all are."""
        try:
            return bytes(gdb.selected_inferior().read_memory(address, size))
        except (gdb.error, OverflowError):
            return b""

    def load(self, address):
        """As word(), if the program itself may read there."""
        self._theirs.base = address
        return self._here.value if self._readv(*self._one_word) == 8 else None

    def store(self, address, word):
        """Write where the program itself may write; whether it could."""
        self._theirs.base, self._here.value = address, word
        return self._writev(*self._one_word) == 8

    def _file(self, name):
        with open("/proc/%d/%s" % (self.pid, name), "rb") as file:
            return file.read()

    def mappings(self):
        return maps.parse_maps(self._file("maps"))

    def is_code(self, address):
        """Whether `address` lies in executable memory (of a file, or made at run time)."""
        found = [m for m in self.mappings() if m.start <= address < m.end]
        return bool(found) and "x" in found[0].perms

    def command(self):
        """The words that it was started with, at most 4096 bytes of them."""
        try:
            words = self._file("cmdline")[:4095].split(b"\0")
        except OSError:
            return []
        return list(map(os.fsdecode, words[:-1] if words[-1] == b"" else words))

    def auxv(self):
        """{type: value}; getauxval(3) names the types."""
        data = self._file("auxv")
        words = struct.unpack("<%dQ" % (len(data) // 8), data)
        return dict(zip(words[::2], words[1::2]))

    def path_of(self, fd):
        """What the target's descriptor `fd` is, b"" if it cannot be told."""
        try:
            return os.readlink(b"/proc/%d/fd/%d" % (self.pid, fd))
        except OSError:
            return b""

    def is_dead(self):
        """Whether all its threads have ended, now or in the next moment: a signal ended them."""
        for _ in range(_PATIENCE):
            if not any(map(self._runs, _entries("/proc/%d/task" % self.pid))):
                return True
            time.sleep(0.01)
        return False

    def _runs(self, tid):
        try:
            stat = self._file("task/%s/stat" % tid)
        except OSError:
            return False
        return stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X")

    def executable(self):
        return os.readlink("/proc/%d/exe" % self.pid)

    def state(self):
        """What a phase border tells: resident memory, page faults, break, mappings."""
        minor, major = maps.parse_faults(self._file("stat"))
        mapped, resident = maps.parse_sizes(self._file("statm"), _PAGE)
        try:
            mappings = self.mappings()
        except OSError:  # the program forbade it: prctl(PR_SET_DUMPABLE)
            mappings = ()
        heap = [mapping.end for mapping in mappings if mapping.path == b"[heap]"]
        return {
            "rss_bytes": resident,
            "minor_faults": minor,
            "major_faults": major,
            "mapped_bytes": mapped,
            "brk": heap[0] if heap else None,
            "mappings": len(mappings) or None,
        }


def _entries(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _register(name):
    return int(gdb.parse_and_eval("$" + name)) & 0xFFFFFFFFFFFFFFFF


now = time.monotonic_ns
