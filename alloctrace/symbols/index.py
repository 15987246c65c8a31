"""Where the functions of a file begin and end, sorted. A browser has a million of them, and each
run asks for a few that no run before it did: so this is kept between runs (alloctrace/kept.py).
"""

from __future__ import annotations

import contextlib
from array import array
from bisect import bisect_right
from itertools import accumulate, chain

from alloctrace import kept
from alloctrace.elf import symbols as elf_symbols
from alloctrace.elf.elf import ElfError, ElfFile
from alloctrace.elf.readers import READERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    _Made = TypeVar("_Made")

_TABLE_BITS = 2  # of a symbol's number: which table it is of; the rest is its row there
_NUMBER_BITS = 32
_MAX = (1 << 64) - 1


class Index:
    """Of an ElfFile and its debug file (None: it has none), in the order of addresses where symbols
    begin: `starts`; `ends`, the furthest end of those there."""

    def __init__(self, elf: ElfFile, debug_path: str | None = None) -> None:
        self._elf, self._debug_path = elf, debug_path
        self._tables: list[elf_symbols.Table | None] | None = None
        self.starts, self.ends, self._first, self._symbols = self._found()
        self._reach: array[int] | None = None

    def before(self, address: int) -> int:
        """The number of the last one that does not begin behind it; -1: there is none."""
        return bisect_right(self.starts, address) - 1

    def reach(self, number: int) -> int:
        """The furthest end of this one and all before it: symbols may contain others. It is seldom
        asked for."""
        if self._reach is None:
            self._reach = array(self.ends.typecode, accumulate(self.ends, max))
        return self._reach[number]

    def symbols(self, number: int) -> list[elf_symbols.Symbol]:
        """The Symbols that begin there."""
        tables = self._tables
        if tables is None:
            tables = self._tables = self._of_tables(lambda elf, table: table)
        mask = (1 << _TABLE_BITS) - 1
        found = self._symbols[self._first[number] : self._first[number + 1]]
        rows = ((tables[one & mask], one >> _TABLE_BITS) for one in found)
        return [table.symbol(row) for table, row in rows if table is not None]

    def _found(self) -> list[array[int]]:
        """By this run, or by an earlier one."""
        path = self._elf.path
        if not kept.is_worth_it(self._elf.image):
            return self._made()
        debug = [] if self._debug_path is None else [self._debug_path]
        sources = [path, *debug, __file__, *READERS]
        rows = kept.made("functions of " + path, sources, lambda: list(map(_row, self._made())))
        return [_array(*row) for row in rows]

    def _made(self) -> list[array[int]]:
        codes = self._of_tables(elf_symbols.Code)
        self._tables = [None if code is None else code.table for code in codes]
        return _made(codes)

    def _of_tables(self, make: Callable[[ElfFile, elf_symbols.Table], _Made]) -> list[_Made | None]:
        """[make(ElfFile, table)] of the tables of both files: a damaged one, which is None, names
        nothing, and what is behind it in its file does not."""
        found = _of_file(self._elf, make)
        if self._debug_path is not None:
            with contextlib.suppress(ElfError):
                with ElfFile(self._debug_path) as debug:
                    found += _of_file(debug, make)
        return found


def _of_file(
    elf: ElfFile, make: Callable[[ElfFile, elf_symbols.Table], _Made]
) -> list[_Made | None]:
    made: list[_Made | None] = []
    with contextlib.suppress(ElfError):
        tables = elf_symbols.tables(elf)
        made = [None] * len(tables)
        for at, table in enumerate(tables):
            made[at] = make(elf, table)
    return made


def _row(numbers: array[int]) -> tuple[str, bytes]:
    return numbers.typecode, numbers.tobytes()


def _array(typecode: str, data: bytes) -> array[int]:
    found = array(typecode)
    found.frombytes(data)
    return found


def _made(codes: Sequence[elf_symbols.Code | None]) -> list[array[int]]:
    """[starts, ends, where the symbols of each begin, numbers of symbols]"""
    found = [(number, code) for number, code in enumerate(codes) if code is not None]
    all_ = [
        start << _NUMBER_BITS | row << _TABLE_BITS | number
        for number, code in found
        for start, row in zip(code.starts, code.rows)
    ]
    all_.sort()
    furthest = _furthest_ends([code for _, code in found])
    starts = sorted(furthest)
    ends = list(map(furthest.__getitem__, starts))
    begin = [one >> _NUMBER_BITS for one in all_]
    first = dict(zip(reversed(begin), range(len(begin) - 1, -1, -1)))
    addresses = [_addresses(row) for row in (starts, ends)]
    symbols = array("I", [one & (1 << _NUMBER_BITS) - 1 for one in all_])
    return [*addresses, array("I", [*map(first.__getitem__, starts), len(all_)]), symbols]


def _furthest_ends(codes: Iterable[elf_symbols.Code]) -> dict[int, int]:
    """{start: the furthest end of the symbols there}."""
    starts = list(chain.from_iterable(code.starts for code in codes))
    ends = list(chain.from_iterable(code.ends for code in codes))
    found = dict(zip(starts, ends))
    if len(found) < len(starts) and list(map(found.__getitem__, starts)) != ends:
        for start, end in zip(starts, ends):
            if found[start] < end:
                found[start] = end
    return found


def _addresses(values: Iterable[int]) -> array[int]:
    """An end behind all that can be an address is where a file lies."""
    most = max(values, default=0)
    if most > _MAX:
        values = [min(value, _MAX) for value in values]
    return array("I" if most < 1 << 32 else "Q", values)
