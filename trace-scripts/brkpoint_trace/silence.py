"""Why plain ltrace shows no call of a function, from the ELF file alone.

Plain ltrace puts its breakpoints into the program's procedure linkage table (PLT), one for each
relocation of type JUMP_SLOT. A call through the GOT (gcc -fno-plt, Rust) has a GLOB_DAT instead,
and a static program has neither (AMD64 psABI, "Procedure Linkage Table").
"""

from __future__ import annotations

from collections import namedtuple

from alloctrace import words
from alloctrace.elf.elf import ElfError, ElfFile

_DT_DEBUG = 21  # System V gABI, "Dynamic Section"
_R_64, _GLOB_DAT, _JUMP_SLOT = 1, 6, 7
_KINDS = {_R_64: "64", _GLOB_DAT: "GLOB_DAT", _JUMP_SLOT: "JUMP_SLOT"}
# shown: whether plain ltrace would show calls from this file. slots: relocation types, sorted.
Function = namedtuple("Function", "name shown slots why")

ENTRY = "a breakpoint at the function itself (ltrace -x, as list-calls sets it) sees every caller"
_THROUGH_GOT = (
    "called through the GOT (%s), so ltrace finds no PLT entry to stop at: gcc -fno-plt, Rust, or"
    " a program that takes the function's address as well"
)
GDB = "use gdb: `brkpoint PROGRAM` needs no dynamic symbols where the program has its own"


def of_file(path, names=words.ENTRY_POINTS):
    """([Function], what to do or "") for the program at `path`; raises ElfError, OSError."""
    with ElfFile(path) as elf:
        if not elf.is_supported:
            return [], "ltrace and brkpoint are asked for x86-64 here; this is " + elf.machine_name
        if elf.interp is None and not elf.dynamic:
            why = "static: the file has no dynamic symbols, and ltrace refuses it"
            return [Function(name, False, [], why) for name in names], GDB
        return _dynamic(elf, names)


def hears_of_libraries(path):
    """Whether ltrace can learn which libraries the program at `path` brings in.

    The loader tells a debugger through the program's DT_DEBUG entry; a loader that is itself
    started as the program has none.
    """
    try:
        with ElfFile(path) as elf:
            return not elf.dynamic or elf.interp is not None or _DT_DEBUG in elf.dynamic
    except (ElfError, OSError):
        return True  # a script: its interpreter is a program like others


def _dynamic(elf, names):
    slots = {}
    for row in elf.relocations():
        if row.symbol in names and row.type in _KINDS:
            slots.setdefault(row.symbol, set()).add(_KINDS[row.type])
    own = {name for name, found in elf.functions_named(names).items() if found}
    found = [_function(name, slots.get(name, set()), name in own) for name in names]
    if elf.interp is None:
        return found, GDB
    hidden = [function for function in found if not function.shown]
    return found, ENTRY if hidden else ""


def _function(name, slots, own):
    if "JUMP_SLOT" in slots:
        return Function(name, True, sorted(slots), "called through the PLT (JUMP_SLOT)")
    if slots:
        return Function(name, False, sorted(slots), _THROUGH_GOT % " and ".join(sorted(slots)))
    if own:
        return Function(
            name, False, [], "the program has a %s of its own and calls it directly" % name
        )
    return Function(name, False, [], "not called by the program itself; libraries may call it")
