"""Where main is, read from the code at the entry point: for sessions that may not step.

The engine steps (borders.py); a person's program stays where it is, so its code is read instead.
Bytes are compared, not text: what gdb prints depends on the user's `disassembly-flavor`.
"""

from __future__ import annotations

import re

import gdb

from .process import Process

_TRANSFER = re.compile(r"(?:addr32 |bnd |data16 |notrack )*(?:call|jmp)")
_MAX_BYTES = 256  # glibc's _start takes 38, C's main of a Rust program some 30
_RDI = 7  # register number in ModRM
_LEA, _MOV = 0x8D, 0xC7


def find_main(process: Process, entry, is_code):
    """The address that the code at `entry` hands on as its first argument; None if unclear.

    `is_code(address)`: whether it is code of the program. musl's _start only calls _start_c.
    """
    for _ in range(2):
        loads, target = _until_transfer(process, entry)
        found = [address for register, address in loads if register == _RDI and is_code(address)]
        if found:
            return found[-1]
        if target is None:
            return None
        entry = target
    return None


def find_user_main(process, main, is_code):
    """Rust's main: the first code address that C's main loads before its first call."""
    loads, _ = _until_transfer(process, main)
    return next((address for _, address in loads if is_code(address) and address != main), None)


def _until_transfer(process, start):
    """([(register, address loaded)], target of the first direct call or None) from `start` on."""
    loads = []
    for line in _instructions(start):
        data = process.code(line["addr"], line["length"])
        if _TRANSFER.match(line["asm"]):
            return loads, _target(line["addr"], data)
        found = _loaded(line["addr"], data)
        if found is not None:
            loads.append(found)
    return loads, None


def _loaded(address, data):
    """(register, value) of `lea N(%rip), %reg` and of `mov $N, %rdi`, which no-pie code uses."""
    if len(data) != 7 or data[0] not in (0x48, 0x4C):
        return None
    number = int.from_bytes(data[3:], "little", signed=True)
    register = (data[2] >> 3) & 7 | (8 if data[0] == 0x4C else 0)
    if data[1] == _LEA and data[2] & 0xC7 == 5:  # ModRM: relative to the next instruction
        return register, address + 7 + number
    if data[1] == _MOV and data[2] == 0xC0 | _RDI and data[0] == 0x48:
        return _RDI, number
    return None


def _target(address, data):
    if len(data) >= 5 and data[-5] == 0xE8:
        return address + len(data) + int.from_bytes(data[-4:], "little", signed=True)
    return None


def _instructions(start):
    architecture = gdb.selected_inferior().architecture()
    try:
        return architecture.disassemble(start, start + _MAX_BYTES)
    except gdb.error:
        return []
