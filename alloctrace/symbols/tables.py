"""Names and starts of functions from ELF tables alone: what is known without gdb."""

from __future__ import annotations

from bisect import bisect_right
from collections import namedtuple
from itertools import accumulate, chain

from alloctrace.elf import symbols as elf_symbols
from alloctrace.elf.elf import ElfError, ElfFile
from .names import demangled, is_mangled, plain

Function = namedtuple("Function", "start end name raw rank")
# raw: as the linker spells it; end == start where the symbol has no size

_MAX_GAP = 4096  # bytes that a symbol without size may reach


class Tables:
    """The functions of one file, with those of its separate debug file."""

    def __init__(self, elf, debug_path=None):
        self.elf = elf
        self.debug_path = debug_path
        self._tables = []  # elf_symbols.Code of each table
        self._best = {}  # start -> Function, once asked for
        self._read(elf)
        if debug_path is not None:
            self._read_debug(debug_path)
        self._ends = self._furthest_ends()
        self._starts = sorted(self._ends)
        ends = map(self._ends.__getitem__, self._starts)
        self._reach = list(accumulate(ends, max))  # symbols may contain others

    def _read_debug(self, path):
        try:
            with ElfFile(path) as debug:
                self._read(debug)
        except ElfError:
            self.debug_path = None

    def _read(self, elf):
        try:
            for table in elf_symbols.tables(elf):
                self._tables.append(elf_symbols.Code(elf, table))
        except ElfError:
            pass  # a damaged table names nothing; the unwind tables are read on their own

    def _furthest_ends(self):
        """{start: the furthest end of the symbols there}."""
        starts = list(chain.from_iterable(table.starts for table in self._tables))
        ends = list(chain.from_iterable(table.ends for table in self._tables))
        found = dict(zip(starts, ends))
        if len(found) < len(starts) and list(map(found.__getitem__, starts)) != ends:
            for start, end in zip(starts, ends):
                if found[start] < end:
                    found[start] = end
        return found

    def _function(self, start):
        """The Function that begins there, by the best of its names."""
        found = self._best.get(start)
        if found is None:
            symbols = [symbol for table in self._tables for symbol in table.at(start)]
            best = min(symbols, key=_rank)
            name = _own_name([symbol.name for symbol in symbols]) or plain(best.name)
            found = Function(start, self._ends[start], name, best.name, _rank(best))
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


def _own_name(names):
    """What a function of these mangled names is called; None: not sure, or of several there."""
    found = {demangled(name) for name in set(names)}
    return found.pop() if len(found) == 1 else None


def is_exported(function):
    """Whether the name is one of the dynamic symbol table's: the one that callers use."""
    return not function.rank[2]


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
