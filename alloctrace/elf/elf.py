"""A defensive reader of x86-64 ELF files: what is in the file, and where.

Files come from strangers: every offset is checked, every walk has a cap, and whatever is wrong
raises ElfError with one line. Addresses are the file's own (`vaddr`): add the load bias.
Layouts are those of the System V ABI, its AMD64 supplement, and glibc's elf/elf.h.
Used inside gdb too: standard library only, Python 3.9.
"""

from __future__ import annotations

import struct
from collections import namedtuple
from functools import cached_property

from . import debug as elf_debug, symbols as elf_symbols
from .image import ElfError, Image, MAX_READ, c_string

__all__ = ["ElfError", "ElfFile", "Section", "Segment", "EM_X86_64"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    import os
    from typing import NamedTuple

    from . import loader as elf_loader, relocations as elf_relocations
    from . import unwind_tables as elf_unwind

    class Segment(NamedTuple):
        type: int
        flags: int
        vaddr: int
        memsz: int
        offset: int
        filesz: int

    class Section(NamedTuple):
        name: str
        type: int
        flags: int
        vaddr: int
        offset: int
        size: int
        link: int
        info: int
        entsize: int

    class _Tables(NamedTuple):
        phoff: int
        shoff: int
        phentsize: int
        phnum: int
        shentsize: int
        shnum: int
        shstrndx: int

else:
    Segment = namedtuple("Segment", "type flags vaddr memsz offset filesz")
    Section = namedtuple("Section", "name type flags vaddr offset size link info entsize")
    _Tables = namedtuple("_Tables", "phoff shoff phentsize phnum shentsize shnum shstrndx")

EM_X86_64 = 62
_TYPES = {1: "REL", 2: "EXEC", 3: "DYN", 4: "CORE"}
_MACHINES = {3: "i386", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
SHT_NOBITS = 8
_SHN_XINDEX = 0xFFFF
DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_FLAGS_1 = 1, 5, 10, 14, 0x6FFFFFFB
DF_1_PIE = 0x08000000

_NO_TABLES = _Tables(0, 0, 0, 0, 0, 0, 0)
_HEADER = struct.Struct("<HHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_MAX_SECTIONS = 1 << 17
_MAX_SEGMENTS = 1 << 7  # the kernel runs no program with more than 73, one page of them
_MAX_DYNAMIC = 1 << 12


class ElfFile:
    """One ELF file. Its attributes are read when first asked for.

    A file of another machine or class opens too, with nothing but `type`, `machine`,
    `machine_name` and `elf_class`, so that a caller can say what it is.
    """

    def __init__(self, path: str | os.PathLike[str], image: Image | None = None) -> None:
        self.image = image or Image(path)  # its bytes, if not those at `path`
        self.path = self.image.path
        try:
            self._read_header()
        except ElfError:
            self.close()
            raise

    def __enter__(self) -> ElfFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.image.close()

    def _read_header(self) -> None:
        start = self.image.upto(0, 64)
        if start[:4] != b"\x7fELF":
            raise ElfError("%r is not an ELF file" % (self.path,))
        if len(start) < 20:
            raise self.image.error("its header is cut off")
        self.elf_class = {1: 32, 2: 64}.get(start[4], 0)
        order = ">" if start[5] == 2 else "<"
        kind, self.machine = struct.unpack_from(order + "HH", start, 16)
        self.type = _TYPES.get(kind, str(kind))
        self.machine_name = _MACHINES.get(self.machine, "machine %d" % self.machine)
        self.entry, self._tables = 0, _NO_TABLES
        if self.is_supported:
            row = _HEADER.unpack(self.image.at(16, _HEADER.size))
            self.entry, self._tables = row[3], _Tables(row[4], row[5], *row[8:])

    @property
    def is_supported(self) -> bool:
        """Whether this is a 64-bit x86 file, the only ones that are read beyond the header."""
        return self.machine == EM_X86_64 and self.elf_class == 64

    @cached_property
    def segments(self) -> list[Segment]:
        """The program headers, [Segment]."""
        table = self._tables
        if table.phnum and table.phentsize < _SEGMENT.size:
            raise self.image.error("program headers of %d bytes" % table.phentsize)
        if table.phnum > _MAX_SEGMENTS:
            raise self.image.error("%d program headers" % table.phnum)
        data = self.image.at(table.phoff, table.phentsize * table.phnum) if table.phnum else b""
        rows = (_SEGMENT.unpack_from(data, i * table.phentsize) for i in range(table.phnum))
        return [Segment(r[0], r[1], r[3], r[6], r[2], r[5]) for r in rows]

    @cached_property
    def section_list(self) -> list[Section]:
        """The section headers in the file's order; empty where they were stripped."""
        rows = self._section_rows()
        index = self._tables.shstrndx
        if index == _SHN_XINDEX and rows:
            index = rows[0][6]
        names = self.image.at(rows[index][4], rows[index][5]) if index < len(rows) else b""
        return [Section._make((c_string(names, r[0]), *r[1:8], r[9])) for r in rows]

    def _section_rows(self) -> list[tuple[int, ...]]:
        table = self._tables
        if not table.shoff:
            return []
        if table.shentsize < _SECTION.size:
            raise self.image.error("section headers of %d bytes" % table.shentsize)
        # more than 65279 sections: the first header holds the count (gABI, "extended numbering")
        count = table.shnum or _SECTION.unpack(self.image.at(table.shoff, _SECTION.size))[5]
        if count > _MAX_SECTIONS:
            raise self.image.error("%d sections" % count)
        data = self.image.at(table.shoff, table.shentsize * count)
        return [_SECTION.unpack_from(data, i * table.shentsize) for i in range(count)]

    @cached_property
    def sections(self) -> dict[str, Section]:
        """{name: Section}; of sections with one name, the first."""
        found: dict[str, Section] = {}
        for section in self.section_list:
            found.setdefault(section.name, section)
        return found

    def section_data(self, section: Section | str) -> bytes:
        """The bytes of a Section or of the section of that name; b"" where there are none."""
        found = self.sections.get(section) if isinstance(section, str) else section
        if found is None or found.type == SHT_NOBITS or not found.size:
            return b""
        return self.image.at(found.offset, found.size)

    def segments_of(self, type_: int) -> list[Segment]:
        return [segment for segment in self.segments if segment.type == type_]

    def read(self, vaddr: int, size: int) -> bytes:
        """The `size` bytes that the file holds for `vaddr`; zeroes where it only reserves memory.

        Raises ElfError where the range lies in no loadable segment.
        """
        for segment in self.segments:
            skip, room = vaddr - segment.vaddr, max(segment.memsz, segment.filesz)
            if segment.type == PT_LOAD and 0 <= skip and skip + size <= room:
                held = max(0, min(size, segment.filesz - skip))
                data = self.image.at(segment.offset + skip, held) if held else b""
                return data + _zeroes(size - held, self.image)
        raise self.image.error("nothing is loaded at %#x" % vaddr)

    def stored(self, vaddr: int, size: int | None = None) -> bytes:
        """Like `read`, but only bytes that the file holds; to the end of the segment by default.

        For tables: one that would lie in zeroed memory is none.
        """
        for segment in self.segments_of(PT_LOAD):
            skip = vaddr - segment.vaddr
            held = segment.filesz - skip
            if skip >= 0 and held >= (1 if size is None else size):
                if size is None:
                    return self.image.upto(segment.offset + skip, held)
                return self.image.at(segment.offset + skip, size)
        raise self.image.error("no table is stored at %#x" % vaddr)

    @cached_property
    def interp(self) -> str | None:
        """The path of the dynamic loader that the kernel is to start, or None."""
        for segment in self.segments_of(PT_INTERP):
            return c_string(self.image.at(segment.offset, segment.filesz), 0, 4096) or None
        return None

    @cached_property
    def _dynamic_rows(self) -> list[tuple[int, ...]]:
        for segment in self.segments_of(PT_DYNAMIC):
            data = self.image.upto(segment.offset, min(segment.filesz, 16 * _MAX_DYNAMIC))
            rows = list(struct.iter_unpack("<QQ", data[: len(data) // 16 * 16]))
            ends = [index for index, row in enumerate(rows) if row[0] == 0]
            return rows[: ends[0]] if ends else rows
        return []

    @cached_property
    def dynamic(self) -> dict[int, int]:
        """{tag: value} of the dynamic section, by number; of repeated tags the first."""
        found: dict[int, int] = {}
        for tag, value in self._dynamic_rows:
            found.setdefault(tag, value)
        return found

    @cached_property
    def dynamic_strings(self) -> bytes:
        where, size = self.dynamic.get(DT_STRTAB), self.dynamic.get(DT_STRSZ, 0)
        return self.stored(where, size) if where is not None and size else b""

    @cached_property
    def needed(self) -> list[str]:
        """Names of the libraries in DT_NEEDED, in order."""
        wanted = [value for tag, value in self._dynamic_rows if tag == DT_NEEDED]
        return [c_string(self.dynamic_strings, value, 4096) for value in wanted]

    @cached_property
    def soname(self) -> str | None:
        value = self.dynamic.get(DT_SONAME)
        return None if value is None else c_string(self.dynamic_strings, value, 4096) or None

    @cached_property
    def is_pie(self) -> bool:
        """Whether this program may be loaded anywhere (of linkers before 2016: by INTERP)."""
        if self.type != "DYN":
            return False
        marked = self.dynamic.get(DT_FLAGS_1, 0) & DF_1_PIE
        return bool(marked) or (self.interp is not None and self.soname is None)

    @cached_property
    def is_static(self) -> bool:
        """Whether this is a program that runs without a dynamic loader."""
        return self.interp is None and (self.type == "EXEC" or self.is_pie)

    @cached_property
    def build_id(self) -> str:
        """The build id in hexadecimal, "" where the file has none."""
        return elf_debug.build_id(self)

    def debug_file(self, roots: Sequence[str] = ("/usr/lib/debug",)) -> str | None:
        """The path of the separate debug file that provably belongs to this file, or None."""
        return elf_debug.find(self, roots)

    @cached_property
    def mini_debug(self) -> ElfFile | None:
        """The ElfFile that stands packed in .gnu_debugdata: symbols alone; None without it."""
        return elf_debug.unpacked(self)

    @property
    def is_stripped(self) -> bool:
        return ".symtab" not in self.sections and self.mini_debug is None

    def looks_like_rust(self) -> str:
        """The text in the file that shows Rust's standard library inside, or ""."""
        return elf_debug.rust_evidence(self)

    def symbols(self) -> Iterator[elf_symbols.Symbol]:
        """Yield every elf_symbols.Symbol of .dynsym, then of .symtab."""
        return elf_symbols.walk(self)

    def function(self, name: str) -> elf_symbols.Symbol | None:
        """The defined function of that name (of several versions the default one), or None."""
        return elf_symbols.best(self.functions_named((name,))[name])

    def functions_named(self, names: Iterable[str]) -> dict[str, list[elf_symbols.Symbol]]:
        """{name: [Symbol]} of the defined functions, one for each distinct address."""
        return elf_symbols.functions_named(self, names)

    @cached_property
    def unwind_tables(self) -> elf_unwind.UnwindTables:
        """Which ranges of code it describes: elf_unwind.UnwindTables."""
        from . import unwind_tables  # only now, as those below: most runs know all their names

        return unwind_tables.UnwindTables(self)

    def fde_at(self, vaddr: int) -> tuple[int, int] | None:
        """(start, end) of the range that the unwind tables describe around `vaddr`, or None."""
        return self.unwind_tables.find(vaddr)

    def has_cfi(self, vaddr: int) -> bool:
        return self.fde_at(vaddr) is not None

    def relocations(self) -> Iterator[elf_relocations.Relocation]:
        """Yield (offset, type, symbol name, addend) of the dynamic relocations."""
        from . import relocations

        return relocations.walk(self)

    def initialisers(self) -> list[int]:
        """vaddrs of the functions that run before main, in order (DT_PREINIT, INIT, INIT_ARRAY)."""
        from . import relocations

        return relocations.initialisers(self)

    def finalisers(self) -> list[int]:
        """vaddrs of the functions that run at exit, in the file's order (FINI_ARRAY, FINI)."""
        from . import relocations

        return relocations.finalisers(self)

    def begun(self) -> list[tuple[int, str]]:
        """[(vaddr, kind)] of both: relocations.begun."""
        from . import relocations

        return relocations.begun(self)

    def slot_symbols(self) -> dict[int, str]:
        """{vaddr of a pointer that the loader fills: name of the symbol that it gets}."""
        return self._slot_symbols

    @cached_property
    def _slot_symbols(self) -> dict[int, str]:
        from . import relocations

        return relocations.slot_symbols(self)

    def plt_target(self, vaddr: int) -> str | None:
        """The symbol that the stub, call or jump at `vaddr` leads to through a slot, or None."""
        from . import relocations

        return relocations.plt_target(self, vaddr)

    def loader_malloc(
        self, roots: Sequence[str] = ("/usr/lib/debug",)
    ) -> dict[str, elf_loader.Entry]:
        """{canonical name: elf_loader.Entry} of a dynamic loader's own allocator, or {}."""
        from . import loader

        return loader.find(self, roots)


def _zeroes(size: int, image: Image) -> bytes:
    if size > MAX_READ:
        raise image.error("%d bytes of zeroes wanted" % size)
    return bytes(size)
