"""What the breakpoint engine does in an instruction's place is what the processor does.

Each instruction that brkpoint_gdb.instructions knows, with each of its operands, is written into a
program and executed there by a single step; the witness is the processor.
"""

import ctypes
import os
import random
import signal
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "gdb-scripts"))

from brkpoint_gdb import instructions  # noqa: E402
from brkpoint_gdb.registers import Registers  # noqa: E402

PROGRAM = """
__asm__(".globl _start\\n"
        ".section .both, \\"awx\\", @progbits\\n"
        ".balign 4096\\n"
        "_start: .fill 8192, 1, 0x90\\n");
"""
TRACEME, SETREGS, GETREGS, SINGLESTEP = 0, 13, 12, 9  # sys/ptrace.h
ADJUST = 0x10  # undefined after `and`, `or`, `xor` and `test` (Intel's manual)
ARITHMETIC = 0x8D5
MASK = (1 << 64) - 1
VALUES = (0, 1, 7, 8, 127, 128, 1 << 31, (1 << 63) - 1, 1 << 63, MASK - 127, MASK)
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


OPCODES = [*range(0x40), 0x63, 0x69, 0x6B, *range(0x80, 0x90), 0xC7, 0xF7, 0xFF]
PREFIXES = [b"", b"\x40", b"\x41", b"\x44", b"\x45", b"\x48", b"\x49", b"\x4a", b"\x4c", b"\x4d"]
# Each pair of registers; each form of memory with two registers.
MODES = [mode for mode in range(256) if mode >= 0xC0 or mode & 0x38 in (0x08, 0x38)]


def encodings(tail):
    """Instructions of one byte and of two; of 32 and 64 bits with operands.

    `tail`: what their numbers are made of.
    """
    for first in range(256):
        for prefix in (b"", b"\x41", b"\xf2", b"\xf3"):
            yield prefix + bytes([first]) + tail
    for prefix in PREFIXES:
        for opcode in OPCODES:
            for mode in MODES:
                sib = b"\x24" if mode & 7 == 4 and mode < 0xC0 else b""
                yield prefix + bytes([opcode, mode]) + sib + tail
    yield b"\xf3\x0f\x1e\xfa" + tail
    yield b"\xf3\x0f\x1e\xfb" + tail  # endbr32


TAILS = (b"\x17\x01\x00\x00" * 2, b"\x97\xff\xff\xff" * 2)  # more and less than nothing
KNOWN = [code for tail in TAILS for code in encodings(tail) if instructions.read(code)]


class Stepped:
    """A program that stands still but for single steps, with the code that it is told to have."""

    def __init__(self, path):
        self.pid = os.fork()
        if self.pid == 0:
            LIBC.ptrace(TRACEME, 0, None, None)
            os.execv(path, [path])
        os.waitpid(self.pid, 0)
        self.first = self.step(self.registers())  # as at a breakpoint: in no system call
        self._memory = os.open("/proc/%d/mem" % self.pid, os.O_RDWR)

    def end(self):
        os.close(self._memory)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def registers(self):
        regs = Registers()
        assert LIBC.ptrace(GETREGS, self.pid, None, ctypes.byref(regs)) == 0
        return regs

    def load(self, address):
        try:
            return int.from_bytes(os.pread(self._memory, 8, address), "little")
        except (OSError, OverflowError):
            return None

    def write(self, address, data):
        os.pwrite(self._memory, data, address)

    def step(self, regs):
        """The registers after one instruction."""
        assert LIBC.ptrace(SETREGS, self.pid, None, ctypes.byref(regs)) == 0
        assert LIBC.ptrace(SINGLESTEP, self.pid, None, None) == 0
        _, status = os.waitpid(self.pid, 0)
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTRAP
        return self.registers()


@pytest.fixture(name="stepped", scope="module")
def _stepped(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("stepped") / "program")
    command = ["gcc", "-static", "-nostdlib", "-Wl,-z,noexecstack", "-x", "c", "-", "-o", path]
    subprocess.run(command, input=PROGRAM, check=True, text=True, stderr=subprocess.DEVNULL)
    stepped = Stepped(path)
    yield stepped
    stepped.end()


def some_registers(stepped, chance, addresses):
    """`addresses`: all are such of memory that can be read, even with a number added."""
    regs = Registers.from_buffer_copy(stepped.first)
    for name in "rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15".split():
        value = chance.choice((*VALUES, chance.getrandbits(64)))
        near = stepped.first.rip + 2048 + chance.randrange(4096)
        setattr(regs, name, near if addresses else value)
    regs.eflags = regs.eflags & ~ARITHMETIC | chance.getrandbits(12) & ARITHMETIC
    regs.rip = stepped.first.rip + 512
    regs.rsp = stepped.first.rip + 4096 + 8 * chance.randrange(64)
    return regs


def differences(stepped, code, chance, addresses=False):
    """Names of what is not the same after `code` was done, and after it was executed."""
    regs, stores = some_registers(stepped, chance, addresses), []
    stepped.write(regs.rip, code)
    for address in (regs.rsp, regs.rsp - 8):  # ret goes to any address of the code
        stepped.write(address, (stepped.first.rip + chance.randrange(64)).to_bytes(8, "little"))
    done = Registers.from_buffer_copy(regs)

    def store(address, word):
        stores.append((address, word))
        return True

    if not instructions.read(code).act(done, stepped.load, store):
        assert not addresses, code.hex()
        return differences(stepped, code, chance, True)
    executed = stepped.step(regs)
    undefined = ADJUST if is_logical(code) else 0
    done.eflags |= undefined
    executed.eflags |= undefined
    names = [name for name, _ in Registers._fields_]
    found = [name for name in names if getattr(done, name) != getattr(executed, name)]
    return found + ["memory" for address, word in stores if stepped.load(address) != word]


def is_logical(code):
    opcode, mode = code[1:3] if code[0] & 0xF0 == 0x40 else code[:2]
    kind = mode >> 3 & 7 if opcode in (0x81, 0x83) else opcode >> 3
    return opcode == 0x85 or kind in (1, 4, 6)


def all_differences(stepped, codes):
    chance = random.Random(1009)
    found = ((code, differences(stepped, code, chance)) for code in codes)
    return [(code.hex(), names) for code, names in found if names]


def test_the_processor_does_the_same(stepped):
    assert len(KNOWN) > 10000
    assert all_differences(stepped, KNOWN) == []


@pytest.mark.parametrize(
    "what, wrong",
    [
        ("_PARITY", 0),
        ("_CARRY", 0x2),
        ("_SIGN", 0),
        ("_ADJUST", 0),
        ("_OVERFLOW", 0),
        ("_MASK", (1 << 63) - 1),
    ],
)
def test_a_mistake_would_be_found(stepped, monkeypatch, what, wrong):
    monkeypatch.setattr(instructions, what, wrong)
    assert all_differences(stepped, random.Random(1013).sample(KNOWN, 2000))


def test_what_begins_and_ends_functions_is_known():
    """push, ret, endbr64, test %rdi,%rdi, jmp, mov 8(%rip),%rax, cmp $4096,%rdi, sub $8,%rsp,
    xor %ecx,%ecx, mov 16(%rsp),%rcx, cmpq $0,(%rax)."""
    codes = "55 4154 c3 f30f1efa 4885ff eb08 e900010000 488b0508000000 4881ff00100000 4883ec08"
    codes += " 31c9 488b4c2410 48833800"
    for code in map(bytes.fromhex, codes.split()):
        assert instructions.read(code).size == len(code)
        assert instructions.read(code).planted == b"\xcc" + code[1:]


OTHERS = "- cc 90 e8000000 f3 41 48 4885 488b05080000 ff25 c20800 6a00 8b07 488907 488b0408"


@pytest.mark.parametrize("code", OTHERS.split())
def test_others_are_not(code):
    """Nothing, int3, nop, call, pieces, an indirect jmp, ret $8, push $0, mov (%rdi),%eax,
    mov %rax,(%rdi), mov (%rax,%rcx),%rax."""
    assert instructions.read(bytes.fromhex(code.strip("-"))) is None


def test_where_memory_cannot_be_used_nothing_is_done():
    regs = Registers(rip=4096, rsp=4096)
    for code in ("c3", "55", "488b0508000000"):
        instruction = instructions.read(bytes.fromhex(code))
        assert not instruction.act(regs, lambda address: None, lambda address, word: False)
