"""What an instruction does to registers and stack: those that allocator functions begin and end with.

Where one of them stands under a breakpoint, stepping.py does it in gdb's place. Anything else than
these few is nobody's business here. Pure: no gdb, no process.
"""

from __future__ import annotations

_NAMES = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()  # as encoded
_MASK = 0xFFFFFFFFFFFFFFFF
_CARRY, _PARITY, _ADJUST, _ZERO, _SIGN, _OVERFLOW = 0x1, 0x4, 0x10, 0x40, 0x80, 0x800
_FLAGS = _CARRY | _PARITY | _ADJUST | _ZERO | _SIGN | _OVERFLOW
_INT3 = b"\xcc"
LONGEST = 7  # bytes that read() looks at


class Instruction:
    """`size` bytes long; `jumps`: the next one may lie anywhere.

    `act(regs, load, store)` changes `regs`, an object with the names of registers, to what they are
    after it, and says whether it could. `load(address)` is a word of memory or None,
    `store(address, word)` whether it was possible; that is the last thing done.
    `planted`: its bytes with a breakpoint in the first.
    """

    planted = b""

    def __init__(self, size, act, jumps=False):
        self.size, self.act, self.jumps = size, act, jumps


def read(code):
    """The Instruction at the beginning of `code`, LONGEST bytes or fewer; None: another one."""
    instruction = _read_short(code) or _read_wide(code)
    if instruction is not None:
        instruction.planted = _INT3 + code[1 : instruction.size]
    return instruction


def _read_short(code):
    if code[:4] == b"\xf3\x0f\x1e\xfa":  # endbr64
        return Instruction(4, _nothing(4))
    if code[:1] == b"\xc3":
        return Instruction(1, _ret, jumps=True)
    if code[:2] in (b"\xf3\xc3", b"\xf2\xc3"):  # repz, bnd
        return Instruction(2, _ret, jumps=True)
    if code[:1] == b"\xe9" and len(code) >= 5:
        return Instruction(5, _jmp(5, _signed(code[1:5])), jumps=True)
    if code[:1] == b"\xeb" and len(code) >= 2:
        return Instruction(2, _jmp(2, _signed(code[1:2])), jumps=True)
    if code and code[0] & 0xF8 == 0x50:
        return Instruction(1, _push(1, _NAMES[code[0] & 7]))
    if len(code) >= 2 and code[0] == 0x41 and code[1] & 0xF8 == 0x50:
        return Instruction(2, _push(2, _NAMES[8 + (code[1] & 7)]))
    return None


def _read_wide(code):
    """REX.W, one byte, ModRM: 64 bits wide."""
    if len(code) < 3 or code[0] & 0xFA != 0x48:
        return None
    operation, mode = code[1], code[2] >> 6
    field = (code[2] >> 3) & 7
    reg = _NAMES[field + (8 if code[0] & 4 else 0)]
    rm = _NAMES[(code[2] & 7) + (8 if code[0] & 1 else 0)]
    if mode == 0 and code[2] & 7 == 5 and operation == 0x8B and len(code) >= 7:
        return Instruction(7, _mov_from(7, reg, _signed(code[3:7])))  # relative to rip
    if mode != 3:
        return None
    if operation == 0x89:
        return Instruction(3, _mov(3, rm, reg))
    if operation == 0x8B:
        return Instruction(3, _mov(3, reg, rm))
    if operation == 0x85:
        return Instruction(3, _test(3, rm, reg))
    size = {0x83: 4, 0x81: 7}.get(operation, 0)
    if field in (5, 7) and 0 < size <= len(code):
        return Instruction(size, _sub(size, rm, _signed(code[3:size]), keeps=field == 7))
    return None


def _signed(data):
    return int.from_bytes(data, "little", signed=True)


def _nothing(size):
    def act(regs, load, store):
        regs.rip += size
        return True

    return act


def _ret(regs, load, store):
    target = load(regs.rsp)
    if target is None:
        return False
    regs.rip = target
    regs.rsp = (regs.rsp + 8) & _MASK
    return True


def _jmp(size, offset):
    def act(regs, load, store):
        regs.rip = (regs.rip + size + offset) & _MASK
        return True

    return act


def _push(size, name):
    def act(regs, load, store):
        word = getattr(regs, name)
        regs.rsp = (regs.rsp - 8) & _MASK
        regs.rip += size
        return store(regs.rsp, word)

    return act


def _mov(size, to, name):
    def act(regs, load, store):
        setattr(regs, to, getattr(regs, name))
        regs.rip += size
        return True

    return act


def _mov_from(size, to, offset):
    def act(regs, load, store):
        word = load((regs.rip + size + offset) & _MASK)
        if word is None:
            return False
        setattr(regs, to, word)
        regs.rip += size
        return True

    return act


def _test(size, one, other):
    def act(regs, load, store):
        _set_flags(regs, _result_flags(getattr(regs, one) & getattr(regs, other)))
        regs.rip += size
        return True

    return act


def _sub(size, name, amount, keeps):
    """`keeps`: cmp, which only sets the flags."""
    amount &= _MASK

    def act(regs, load, store):
        before = getattr(regs, name)
        after = (before - amount) & _MASK
        flags = _result_flags(after) | (_CARRY if before < amount else 0)
        flags |= (before ^ amount ^ after) & _ADJUST
        flags |= _OVERFLOW if ((before ^ amount) & (before ^ after)) >> 63 else 0
        _set_flags(regs, flags)
        if not keeps:
            setattr(regs, name, after)
        regs.rip += size
        return True

    return act


def _result_flags(result):
    flags = _SIGN if result >> 63 else 0
    flags |= _PARITY if bin(result & 0xFF).count("1") % 2 == 0 else 0
    return flags | (_ZERO if result == 0 else 0)


def _set_flags(regs, flags):
    regs.eflags = regs.eflags & ~_FLAGS | flags
