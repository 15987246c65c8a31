"""The dynamic loader's private allocator, with symbols and without.

glibc 2.32 and later export no malloc from ld.so. Its loader calls through four pointers that
`__rtld_malloc_init_stubs` (elf/dl-minimal.c) sets at start-up: calloc, free, malloc, realloc.
Without symbols that function is found by its shape, and the four functions by how they call
each other; where either is not unique, nothing is returned rather than a guess.
"""

from __future__ import annotations

import re
import struct
from collections import namedtuple

from alloctrace.patterns import Pattern
from .image import ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import NamedTuple

    from .elf import ElfFile

    class Entry(NamedTuple):
        impl: str
        vaddr: int
        source: str

else:
    Entry = namedtuple("Entry", "impl vaddr source")  # source: "symbols" | "pattern"

NAMES = {name: "__minimal_" + name for name in ("malloc", "calloc", "realloc", "free")}
_PT_LOAD, _PF_X = 1, 1
_MAX_TEXT = 1 << 22  # bytes of code that are searched; ld.so has about 150 KB
_MAX_BODY = 1 << 12  # bytes; the largest of the four has about 400

# Instructions, as bytes: REX.W, opcode, ModRM with %rip, displacement (Intel SDM, volume 2).
_RIP = rb"[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]"
_LEA = Pattern(rb"[\x48\x4c]\x8d" + _RIP, re.DOTALL)
_LEA_OR_STORE = Pattern(rb"([\x48\x4c])([\x8d\x89])(" + _RIP + rb")(.{4})", re.DOTALL)
_THROUGH_SLOT = Pattern(rb"(?:\xff[\x15\x25]|\x8b" + _RIP + rb")(.{4})", re.DOTALL)
_MULTIPLY = Pattern(rb"[\x48\x49]\xf7[\xe0-\xe7]|[\x48-\x4f]\x0f\xaf", re.DOTALL)


def find(elf: ElfFile, roots: Sequence[str]) -> dict[str, Entry]:
    """{canonical name: Entry}: by .symtab, else by the debug file's, else by shape, else {}."""
    if elf.interp is not None or elf.function("malloc") is not None:
        return {}  # no loader, or one that exports its allocator: found by name like any library
    found = _by_symbols(elf)
    if not found:
        found = _by_debug_file(elf, roots)
    return found or _by_shape(elf)


def _by_symbols(elf: ElfFile) -> dict[str, Entry]:
    symbols = elf.functions_named(NAMES.values())
    if any(len(symbols[impl]) != 1 for impl in NAMES.values()):
        return {}
    return {name: Entry(impl, symbols[impl][0].value, "symbols") for name, impl in NAMES.items()}


def _by_debug_file(elf: ElfFile, roots: Sequence[str]) -> dict[str, Entry]:
    path = elf.debug_file(roots)
    if path is None:
        return {}
    try:
        with type(elf)(path) as debug:
            return _by_symbols(debug)
    except ElfError:
        return {}


def _by_shape(elf: ElfFile) -> dict[str, Entry]:
    found = [
        named
        for vaddr, code in _texts(elf)
        for stores in _setters(vaddr, code)
        for named in [_named(elf, stores)]
        if named
    ]
    if len(found) != 1:
        return {}
    return {name: Entry(NAMES[name], found[0][name], "pattern") for name in NAMES}


def _texts(elf: ElfFile) -> Iterator[tuple[int, bytes]]:
    for segment in elf.segments:
        if segment.type == _PT_LOAD and segment.flags & _PF_X:
            yield segment.vaddr, elf.image.upto(segment.offset, min(segment.filesz, _MAX_TEXT))


def _setters(vaddr: int, code: bytes) -> Iterator[dict[int, int]]:
    """Yield {slot: target} of each run of exactly four stores to four consecutive slots."""
    skip_to = 0
    for match in _LEA.finditer(code):
        if match.start() < skip_to:
            continue
        stores, skip_to = _stores(vaddr, code, match.start())
        if len(stores) == 4 and max(stores) - min(stores) == 24:
            yield stores


def _stores(vaddr: int, code: bytes, at: int) -> tuple[dict[int, int], int]:
    """({slot: target}, end) of the run of `lea target(%rip), reg; mov reg, slot(%rip)` at `at`."""
    registers: dict[int, int] = {}
    stores: dict[int, int] = {}
    while True:
        match = _LEA_OR_STORE.match(code, at)
        if match is None:
            return stores, at
        at = match.end()
        register = (match.group(1)[0] & 4) << 1 | match.group(3)[0] >> 3 & 7
        place = vaddr + at + struct.unpack("<i", match.group(4))[0]
        if match.group(2) == b"\x8d":
            registers[register] = place
        elif register in registers and place % 8 == 0:
            stores[place] = registers[register]
        else:
            return {}, at


def _named(elf: ElfFile, stores: dict[int, int]) -> dict[str, int] | None:
    """{name: target} where the four tell apart by what they do, else None.

    Of the four only calloc and realloc allocate, both through the pointer to malloc, and only
    calloc multiplies: elf/dl-minimal-malloc.c.
    """
    bodies = {target: _body(elf, target) for target in stores.values()}
    if len(bodies) != 4 or not all(bodies.values()):
        return None
    uses = {target: _slots_used(target, code, stores) for target, code in bodies.items()}
    used: set[int] = set().union(*uses.values())
    callers = [target for target in bodies if uses[target]]
    if len(used) != 1 or len(callers) != 2:
        return None
    malloc = stores[used.pop()]
    calloc = [target for target in callers if _MULTIPLY.search(bodies[target])]
    rest = [target for target in bodies if target not in callers and target != malloc]
    if len(calloc) != 1 or len(rest) != 1:
        return None
    realloc = [target for target in callers if target != calloc[0]][0]
    return {"malloc": malloc, "calloc": calloc[0], "realloc": realloc, "free": rest[0]}


def _body(elf: ElfFile, start: int) -> bytes:
    """The code of the function at `start`, b"" where the unwind tables know none there."""
    found = elf.fde_at(start)
    if found is None or found[0] != start or found[1] - start > _MAX_BODY:
        return b""
    return elf.read(start, found[1] - start)


def _slots_used(start: int, code: bytes, slots: Collection[int]) -> set[int]:
    places = (
        start + match.end() + struct.unpack("<i", match.group(1))[0]
        for match in _THROUGH_SLOT.finditer(code)
    )
    return {place for place in places if place in slots}
