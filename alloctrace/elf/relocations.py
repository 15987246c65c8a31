"""Relocations, and what they tell: initialisers, and which function a slot of the GOT leads to.

In a position-independent file the pointers of .init_array may be zero in the file and stand in
the relocations only, so arrays are read through those (AMD64 psABI, "Relocation Types").
"""

from __future__ import annotations

import contextlib
import struct
from collections import namedtuple

from . import symbols as elf_symbols
from .image import ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import NamedTuple

    from .elf import ElfFile

    class Relocation(NamedTuple):
        offset: int
        type: int
        symbol: str
        addend: int

else:
    Relocation = namedtuple("Relocation", "offset type symbol addend")

FINALISER, INITIALISER = "finaliser", "initialiser"
_RELA = struct.Struct("<QQq")
R_64, R_GLOB_DAT, R_JUMP_SLOT, R_RELATIVE, R_IRELATIVE = 1, 6, 7, 8, 37
_DT_INIT, _DT_FINI, _DT_RELA, _DT_RELASZ = 12, 13, 7, 8
_DT_JMPREL, _DT_PLTRELSZ, _DT_RELR, _DT_RELRSZ = 23, 2, 36, 35
_ARRAYS = {"preinit": (32, 33), "init": (25, 27), "fini": (26, 28)}  # DT_…_ARRAY, DT_…_ARRAYSZ
_SHT_RELA, _SHF_ALLOC = 4, 2
_MAX_ARRAY = 1 << 16
_FEW = 8  # slots: so many searches take less time than a look at each row
_LAST = (1 << 64) - 1


def walk(elf: ElfFile) -> Iterator[Relocation]:
    """Yield Relocation(offset, type, symbol name, addend) of RELA, JMPREL and RELR."""
    yield from _named(elf, _rela_rows(elf))
    for offset in _relr_offsets(elf):
        yield Relocation(offset, R_RELATIVE, "", _word(elf, offset))


def _named(elf: ElfFile, rows: Iterable[tuple[int, ...]]) -> Iterator[Relocation]:
    table = elf_symbols.dynamic_table(elf)
    names: dict[int, str] = {}
    for offset, info, addend in rows:
        index = info >> 32
        if index and index not in names:
            names[index] = table.symbol(index).name if index < len(table) else ""
        yield Relocation(offset, info & 0xFFFFFFFF, names.get(index, ""), addend)


def _rela_rows(elf: ElfFile) -> Iterator[tuple[int, ...]]:
    for table in _rela_tables(elf):
        yield from _RELA.iter_unpack(table)


def _rela_tables(elf: ElfFile) -> Iterator[bytes]:
    """Bytes of whole rows."""
    tags = elf.dynamic
    for where, size in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
        if tags.get(where) is not None and tags.get(size):
            yield _whole(elf.stored(tags[where], tags[size]), _RELA.size)
    if not tags:  # a static program: its start-up code applies them, no dynamic section names them
        left = elf.image.size
        for section in elf.section_list:
            if section.type == _SHT_RELA and section.flags & _SHF_ALLOC:
                data = elf.section_data(section)
                left -= len(data)
                if left < 0:
                    raise elf.image.error("relocations that lie over each other without end")
                yield _whole(data, _RELA.size)


def _whole(data: bytes, size: int) -> bytes:
    return data[: len(data) // size * size]


def _relr_offsets(elf: ElfFile) -> Iterator[int]:
    """Unpack DT_RELR: an even word is an address, an odd one a bitmap of the 63 words after it."""
    where, size = elf.dynamic.get(_DT_RELR), elf.dynamic.get(_DT_RELRSZ)
    if where is None or not size:
        return
    next_ = 0
    for (word,) in struct.iter_unpack("<Q", _whole(elf.stored(where, size), 8)):
        if word & 1 == 0:
            yield word
            next_ = word + 8
        else:
            yield from (next_ + 8 * bit for bit in range(63) if word >> bit + 1 & 1)
            next_ += 8 * 63


def _word(elf: ElfFile, vaddr: int) -> int:
    (word,) = struct.unpack("<q", elf.read(vaddr, 8))
    return int(word)


def initialisers(elf: ElfFile) -> list[int]:
    """vaddrs of DT_PREINIT_ARRAY, DT_INIT, DT_INIT_ARRAY; without a dynamic section by section."""
    return _array(elf, "preinit") + _single(elf, _DT_INIT, ".init") + _array(elf, "init")


def finalisers(elf: ElfFile) -> list[int]:
    """vaddrs of DT_FINI_ARRAY, then DT_FINI."""
    return _array(elf, "fini") + _single(elf, _DT_FINI, ".fini")


def begun(elf: ElfFile) -> list[tuple[int, str]]:
    """[(vaddr, kind)] of FINALISER and INITIALISER, those last, which say more; of a damaged table
    none, nor of what comes behind it."""
    found: list[tuple[int, str]] = []
    with contextlib.suppress(ElfError):
        found += [(vaddr, FINALISER) for vaddr in finalisers(elf)]
        found += [(vaddr, INITIALISER) for vaddr in initialisers(elf)]
    return found


def _single(elf: ElfFile, tag: int, section: str) -> list[int]:
    if elf.dynamic:
        value = elf.dynamic.get(tag)
        return [value] if value else []
    found = elf.sections.get(section)
    return [found.vaddr] if found is not None and found.vaddr else []


def _array(elf: ElfFile, what: str) -> list[int]:
    start, size = _array_place(elf, what)
    if not start or not size:
        return []
    if size // 8 > _MAX_ARRAY:
        raise elf.image.error("%d initialisers" % (size // 8))
    wanted = range(start, start + size // 8 * 8, 8)
    relocated = _pointers(elf, wanted)
    found = [relocated.get(slot) if slot in relocated else _plain(elf, slot) for slot in wanted]
    return [vaddr for vaddr in found if vaddr]


def _array_place(elf: ElfFile, what: str) -> tuple[int | None, int | None]:
    if elf.dynamic:
        start, size = _ARRAYS[what]
        return elf.dynamic.get(start), elf.dynamic.get(size)
    section = elf.sections.get(".%s_array" % what)
    return (section.vaddr, section.size) if section is not None else (None, None)


def _pointers(elf: ElfFile, wanted: range) -> dict[int, int | None]:
    """{slot: vaddr, or None where another file defines it} of the slots that are relocated."""
    found: dict[int, int | None]
    found = {slot: _word(elf, slot) for slot in _relr_offsets(elf) if slot in wanted}
    rows = [row for table in _rela_tables(elf) for row in _rows_at(table, wanted)]
    for row in _named(elf, rows):
        found[row.offset] = row.addend if row.type == R_RELATIVE else _defined(elf, row)
    return found


def _rows_at(table: bytes, wanted: range) -> list[tuple[int, ...]]:
    """Of a million rows the few of these offsets, in the table's order."""
    if len(wanted) > _FEW:
        rows = enumerate(struct.iter_unpack("<Q16x", table))
        found = [at * _RELA.size for at, (offset,) in rows if offset in wanted]
    else:
        found = sorted(at for offset in wanted for at in _places_of(table, offset))
    return [_RELA.unpack_from(table, at) for at in found]


def _places_of(table: bytes, offset: int) -> Iterator[int]:
    """Yield where the rows of `offset` begin."""
    if offset > _LAST:
        return
    key, size = struct.pack("<Q", offset), _RELA.size
    at = table.find(key)
    while at >= 0:
        if at % size == 0:
            yield at
        at = table.find(key, at - at % size + size)


def _defined(elf: ElfFile, row: Relocation) -> int | None:
    symbol = elf.function(row.symbol) if row.type == R_64 and row.symbol else None
    return symbol.value + row.addend if symbol is not None else None


def _plain(elf: ElfFile, slot: int) -> int | None:
    value = _word(elf, slot)
    return value if value not in (0, -1) else None


def slot_symbols(elf: ElfFile) -> dict[int, str]:
    """{slot: symbol name} of the slots that the loader fills with an address by name."""
    by_name = (R_64, R_GLOB_DAT, R_JUMP_SLOT)
    return {
        row.offset: row.symbol
        for row in _named(elf, _rela_rows(elf))
        if row.symbol and row.type in by_name
    }


def plt_target(elf: ElfFile, vaddr: int) -> str | None:
    """The symbol name behind `jmp *slot(%rip)`, `call *slot(%rip)` or `call stub` at `vaddr`."""
    for _ in range(2):  # a call, then the stub that it calls
        try:
            code = elf.read(vaddr, 16)
        except ElfError:
            return None
        skip = 4 if code.startswith(b"\xf3\x0f\x1e\xfa") else 0  # endbr64
        skip += code[skip : skip + 1] in (b"\xf2", b"\x67")  # bnd, or the linker's filler
        distance = struct.unpack_from("<i", code, skip + 2)[0]
        if code[skip : skip + 2] in (b"\xff\x25", b"\xff\x15"):
            return elf.slot_symbols().get(vaddr + skip + 6 + distance)
        if code[skip : skip + 1] not in (b"\xe8", b"\xe9"):
            return None
        vaddr += skip + 5 + struct.unpack_from("<i", code, skip + 1)[0]
    return None
