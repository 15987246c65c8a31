"""Names and starts of functions from ELF tables alone: what is known without gdb."""

from __future__ import annotations

from bisect import bisect_right
from collections import namedtuple

from . import elf_symbols
from .elf import ElfError, ElfFile
from .symbol_names import is_mangled, plain

Function = namedtuple("Function", "start end name raw rank")
# raw: as the linker spells it; end == start where the symbol has no size

_CODE_KINDS = (0, 2, 10)  # NOTYPE, FUNC, IFUNC
_MAX_GAP = 4096  # bytes that a symbol without size may reach


class Tables:
    """The functions of one file, with those of its separate debug file."""

    def __init__(self, elf, debug_path=None):
        self.elf = elf
        self.debug_path = debug_path
        self._named = {}  # start -> [(table, index of a symbol there)], few of which are asked for
        self._ends = {}  # start -> the furthest end of those symbols
        self._best = {}  # start -> Function, once asked for
        self._read(elf)
        if debug_path is not None:
            self._read_debug(debug_path)
        self._starts = sorted(self._ends)
        self._reach = _furthest_ends(self._starts, self._ends)

    def _read_debug(self, path):
        try:
            with ElfFile(path) as debug:
                self._read(debug)
        except ElfError:
            self.debug_path = None

    def _read(self, elf):
        try:
            for table in elf_symbols.tables(elf):
                self._read_table(elf, table)
        except ElfError:
            pass  # a damaged table names nothing; the unwind tables are read on their own

    def _read_table(self, elf, table):
        code, named, ends = _code_ranges(elf), self._named, self._ends
        for index, name, info, _, section, value, size in table.rows():
            if info & 15 not in _CODE_KINDS or not section or section >= 0xFF00:
                continue
            if info & 15 == 0 and not any(low <= value < high for low, high in code):
                continue
            if not table.has_name(name):
                continue
            if value in ends:
                named[value].append((table, index))
                ends[value] = max(ends[value], value + size)
            else:
                named[value] = [(table, index)]
                ends[value] = value + size

    def _function(self, start):
        """The Function that begins there, by the best of its names."""
        found = self._best.get(start)
        if found is None:
            symbols = [table.symbol(index) for table, index in self._named[start]]
            best = min(symbols, key=_rank)
            found = Function(start, self._ends[start], plain(best.name), best.name, _rank(best))
            self._best[start] = found
        return found

    def at(self, offset):
        """The Function whose symbol covers `offset`, or None."""
        index = bisect_right(self._starts, offset) - 1
        while index >= 0 and self._reach[index] > offset:
            found = self._function(self._starts[index])
            if offset < found.end:
                return found
            index -= 1
        return self._without_size(offset)

    def _without_size(self, offset):
        """A symbol without size reaches to the next symbol or unwind entry (assembly code)."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return None
        found = self._function(self._starts[index])
        if found.end != found.start or offset - found.start > _MAX_GAP:
            return None
        here, there = self.range_at(offset), self.range_at(found.start)
        return found if here == there else None

    def range_at(self, offset):
        """(start, end) of the unwind entry around `offset`, or None."""
        try:
            return self.elf.fde_at(offset)
        except ElfError:
            return None

    def start_at(self, offset):
        """Where the function around `offset` begins, by symbol, else by unwind entry, or None."""
        function = self.at(offset)
        if function is not None:
            return function.start
        found = self.range_at(offset)
        return found[0] if found else None


def is_exported(function):
    """Whether the name is one of the dynamic symbol table's: the one that callers use."""
    return not function.rank[2]


def _code_ranges(elf):
    """(start, end) of executable segments: symbols without type may also name data."""
    return [(s.vaddr, s.vaddr + s.memsz) for s in elf.segments if s.type == 1 and s.flags & 1]


def _rank(symbol):
    """Of several names of one address the one that people know: malloc, not __libc_malloc."""
    name = symbol.name
    underscores = len(name) - len(name.lstrip("_"))
    return (
        symbol.hidden,
        symbol.table != "dynsym" and symbol.bind == "LOCAL",
        symbol.table != "dynsym",
        symbol.kind == "NOTYPE",
        name.startswith("_IO_") or underscores > 0 and not is_mangled(name),
        len(name),
        name,
    )


def _furthest_ends(starts, ends):
    """For each start the furthest end of it and all before it: symbols may contain others."""
    reach, furthest = [], 0
    for start in starts:
        furthest = max(furthest, ends[start])
        reach.append(furthest)
    return reach
