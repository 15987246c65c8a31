"""What the article asks of a program's file (file, ldd, nm, ls): read from the ELF itself."""

from __future__ import annotations

import os

from alloctrace.elf.elf import ElfFile, PT_LOAD
from alloctrace.elf.image import ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.elf.elf import Segment
    from alloctrace.elf.symbols import Symbol

_SLOTS = {6: "GLOB_DAT", 7: "JUMP_SLOT"}  # AMD64 psABI, "Relocation Types"
_PAGE = 4096


def facts(path: str) -> dict[str, Any]:
    """{fact: value} of the file at `path`, or {"error": one line}; sizes in bytes."""
    try:
        with ElfFile(path) as elf:
            return _facts(elf, path)
    except (ElfError, OSError) as error:
        return {"error": str(error)}


def _facts(elf: ElfFile, path: str) -> dict[str, Any]:
    symbols = list(elf.symbols())
    return {
        "bytes": os.stat(path).st_size,
        "type": elf.type,
        "pie": elf.is_pie,
        "interpreter": elf.interp,
        "needed": elf.needed,
        "symbols": sum(symbol.table == "symtab" and _shown_by_nm(symbol) for symbol in symbols),
        "stripped": elf.is_stripped,
        "malloc_undefined": any(s.name == "malloc" and not s.defined for s in symbols),
        "malloc_slot": _malloc_slot(elf),
        "debug_bytes": _section_bytes(elf, (".debug_",)),
        "symbol_bytes": _section_bytes(elf, (".symtab", ".strtab")),
        "code_bytes": _section_bytes(elf, (".text",)),
    }


def mapped(path: str) -> dict[str, Any]:
    """How the loader has to map the file at `path`: {segments, bss, functions} or {"error"}.

    `segments` counts its loadable ones, each one mmap; `bss`: whether the last needs pages that
    the file does not hold, which is one more (glibc, elf/dl-map-segments.h). `functions`: the names
    that it gives to others.
    """
    try:
        with ElfFile(path) as elf:
            loads = elf.segments_of(PT_LOAD)
            names = {s.name for s in elf.symbols() if s.table == "dynsym" and s.defined}
    except (ElfError, OSError) as error:
        return {"error": str(error)}
    return {"segments": len(loads), "bss": any(map(_needs_pages, loads)), "functions": names}


def _needs_pages(segment: Segment) -> bool:
    in_file = segment.vaddr + segment.filesz
    return segment.vaddr + segment.memsz > -(-in_file // _PAGE) * _PAGE


def _shown_by_nm(symbol: Symbol) -> bool:
    """nm leaves out the names of files and sections."""
    return symbol.kind not in ("FILE", "SECTION") and symbol.name != ""


def _malloc_slot(elf: ElfFile) -> str | None:
    """How malloc is reached: JUMP_SLOT through the PLT, GLOB_DAT through the GOT; None: neither."""
    found = {row.type for row in elf.relocations() if row.symbol == "malloc"}
    names = [_SLOTS[type_] for type_ in sorted(found) if type_ in _SLOTS]
    return " and ".join(names) or None


def _section_bytes(elf: ElfFile, prefixes: tuple[str, ...]) -> int:
    return sum(section.size for section in elf.section_list if section.name.startswith(prefixes))
