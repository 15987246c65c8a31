"""What an instruction does to registers and stack: those that functions begin and end with.

And those that stand behind calls. Where one of them is under a breakpoint, stepping.py does it in
gdb's place. What writes to memory is the processor's, but for a push: others may be looking on.
Pure: no gdb, no process.
"""

from __future__ import annotations

_NAMES = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()  # as encoded
_MASK = 0xFFFFFFFFFFFFFFFF
_CARRY, _PARITY, _ADJUST, _ZERO, _SIGN, _OVERFLOW = 0x1, 0x4, 0x10, 0x40, 0x80, 0x800
_FLAGS = _CARRY | _PARITY | _ADJUST | _ZERO | _SIGN | _OVERFLOW
_INT3 = b"\xcc"
_WIDE, _R, _X, _B = 8, 4, 2, 1  # bits of a REX prefix
LONGEST = 12  # bytes that read() looks at


class Instruction:
    """`size` bytes long; `jumps`: the next one may lie anywhere.

    `planted`: its bytes with a breakpoint in the first.
    """

    planted = b""

    def __init__(self, size, does, jumps=False):
        self.size, self._does, self.jumps = size, does, jumps

    def act(self, regs, load, store):
        """Change `regs`, an object with the names of registers, to what they are after it.

        `load(address)` is a word of memory or None, `store(address, word)` whether it was possible;
        that is the last thing done. Returns whether all could be done; if not, `regs` is waste.
        """
        regs.rip += self.size
        return self._does(regs, load, store)


def read(code):
    """The Instruction at the beginning of `code`, LONGEST bytes or fewer; None: another one."""
    instruction = _read_plain(code) or _read_operation(code)
    if instruction is None or instruction.size > len(code):
        return None
    instruction.planted = _INT3 + code[1 : instruction.size]
    return instruction


def _read_plain(code):
    """What has no operands but in its first bytes."""
    if code[:4] == b"\xf3\x0f\x1e\xfa":  # endbr64
        return Instruction(4, lambda regs, load, store: True)
    if code[:1] == b"\xc3":
        return Instruction(1, _ret, jumps=True)
    if code[:2] in (b"\xf3\xc3", b"\xf2\xc3"):  # repz, bnd
        return Instruction(2, _ret, jumps=True)
    if code[:1] == b"\xe9":
        return Instruction(5, _jmp(_signed(code[1:5])), jumps=True)
    if code[:1] == b"\xeb":
        return Instruction(2, _jmp(_signed(code[1:2])), jumps=True)
    if code and code[0] & 0xF8 == 0x50:
        return Instruction(1, _push(_NAMES[code[0] & 7]))
    if len(code) > 1 and code[0] == 0x41 and code[1] & 0xF8 == 0x50:
        return Instruction(2, _push(_NAMES[8 + (code[1] & 7)]))
    return None


def _read_operation(code):
    """[REX] opcode ModRM [SIB] [displacement] [number], of 64 bits, or of 32 between registers."""
    rex = code[0] if code and code[0] & 0xF0 == 0x40 else 0
    at = 1 if rex else 0
    if len(code) < at + 2:
        return None
    opcode, wide = code[at], bool(rex & _WIDE)
    operand = _Operand(code, at + 1, rex)
    if operand.size == 0 or (operand.is_memory and not wide):
        return None
    end = at + 1 + operand.size
    if opcode in (0x81, 0x83):
        size = 4 if opcode == 0x81 else 1
        name = _NUMBERED.get(operand.field)
        number = _signed(code[end : end + size])
        return _instruction(end + size, name, operand, lambda regs, load: number, wide)
    if opcode == 0x8D:
        return Instruction(end, _lea(operand)) if operand.is_memory else None
    if opcode == 0x8B or opcode & 0xC7 == 0x03:  # from r/m to the register
        name = "mov" if opcode == 0x8B else _NUMBERED.get(opcode >> 3)
        return _instruction(end, name, operand.other, operand.get, wide)
    if opcode in (0x85, 0x89) or opcode & 0xC7 == 0x01:
        name = {0x85: "test", 0x89: "mov"}.get(opcode) or _NUMBERED.get(opcode >> 3)
        return _instruction(end, name, operand, operand.other.get, wide)
    return None


class _Register:
    is_memory = False

    def __init__(self, name):
        self.name = name

    def get(self, regs, load):
        return getattr(regs, self.name)


class _Operand:
    """What ModRM names: a register, or memory at a register, or relative to rip.

    `field`: its other three bits, `other`: the register that they are. `size` 0: another form.
    """

    def __init__(self, code, at, rex):
        modrm = code[at]
        mode, rm, self.field = modrm >> 6, modrm & 7, (modrm >> 3) & 7
        self.other = _Register(_NAMES[self.field + (8 if rex & _R else 0)])
        self.name = _NAMES[rm + (8 if rex & _B else 0)]
        self.is_memory, self.size, self._offset = mode != 3, 1, 0
        if mode == 3:
            return
        if rm == 4:  # a SIB: without an index
            self.size = 2 if code[at + 1 : at + 2] == b"\x24" and not rex & _X else 0
        length = {1: 1, 2: 4}.get(mode, 0)
        if mode == 0 and rm == 5:
            self.name, length = "rip", 4
        if self.size:
            self._offset = _signed(code[at + self.size : at + self.size + length])
            self.size += length

    def address(self, regs):
        return (getattr(regs, self.name) + self._offset) & _MASK

    def get(self, regs, load):
        if not self.is_memory:
            return getattr(regs, self.name)
        word = load(self.address(regs))
        again = load(self.address(regs))  # half of what another thread writes is not read twice
        return word if word == again else None


def _instruction(size, name, to, get, wide):
    """`name` of _DOES, to what `to` is and what `get(regs, load)` gets."""
    if name is None or (to.is_memory and name not in _ONLY_LOOKS):
        return None
    mask = _MASK if wide else 0xFFFFFFFF
    work = _DOES[name]

    def act(regs, load, store):
        other = get(regs, load)
        before = to.get(regs, load) if name != "mov" else 0
        if other is None or before is None:
            return False
        result, flags = work(before & mask, other & mask, mask)
        if flags is not None:
            regs.eflags = regs.eflags & ~_FLAGS | flags | _result_flags(result, mask)
        if name not in _ONLY_LOOKS:
            setattr(regs, to.name, result)
        return True

    return Instruction(size, act)


def _signed(data):
    return int.from_bytes(data, "little", signed=True)


def _ret(regs, load, store):
    target = load(regs.rsp)
    if target is None:
        return False
    regs.rip = target
    regs.rsp = (regs.rsp + 8) & _MASK
    return True


def _jmp(offset):
    def act(regs, load, store):
        regs.rip = (regs.rip + offset) & _MASK
        return True

    return act


def _push(name):
    def act(regs, load, store):
        word = getattr(regs, name)
        regs.rsp = (regs.rsp - 8) & _MASK
        return store(regs.rsp, word)

    return act


def _lea(operand):
    def act(regs, load, store):
        setattr(regs, operand.other.name, operand.address(regs))
        return True

    return act


# (result, flags beside those that tell of any result; None: all stay) of one and other, up to mask.


def _mov(one, other, mask):
    return other, None


def _and(one, other, mask):
    return one & other, 0


def _or(one, other, mask):
    return one | other, 0


def _xor(one, other, mask):
    return one ^ other, 0


def _add(one, other, mask):
    result = (one + other) & mask
    flags = _CARRY if one + other > mask else 0
    same_signs = ~(one ^ other) & (one ^ result)
    return result, flags | _carried(one, other, result, same_signs, mask)


def _sub(one, other, mask):
    result = (one - other) & mask
    flags = _CARRY if one < other else 0
    return result, flags | _carried(one, other, result, (one ^ other) & (one ^ result), mask)


def _carried(one, other, result, overflow, mask):
    flags = _OVERFLOW if overflow & ~(mask >> 1) & mask else 0
    return flags | (one ^ other ^ result) & _ADJUST


def _result_flags(result, mask):
    flags = _SIGN if result & ~(mask >> 1) & mask else 0
    flags |= _PARITY if bin(result & 0xFF).count("1") % 2 == 0 else 0
    return flags | (_ZERO if result == 0 else 0)


_NUMBERED = {0: "add", 1: "or", 4: "and", 5: "sub", 6: "xor", 7: "cmp"}  # /n; opcode / 8
_ONLY_LOOKS = ("cmp", "test")
_DOES = {"mov": _mov, "and": _and, "or": _or, "xor": _xor, "add": _add, "sub": _sub}
_DOES.update(cmp=_sub, test=_and)
