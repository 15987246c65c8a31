"""The symbol tables of an ELF file."""

from __future__ import annotations

import struct
import sys
from array import array
from collections import namedtuple
from functools import reduce
from itertools import compress
from operator import add, and_, or_

from .image import MAX_STRING, c_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import NamedTuple

    from .elf import ElfFile

    class Symbol(NamedTuple):
        name: str
        value: int
        size: int
        kind: str
        bind: str
        defined: bool
        table: str
        hidden: bool

else:
    Symbol = namedtuple("Symbol", "name value size kind bind defined table hidden")
# hidden: a version other than the default one (foo@V rather than foo@@V)

_ROW = struct.Struct("<IBBHQQ")
_KINDS = {0: "NOTYPE", 1: "OBJECT", 2: "FUNC", 3: "SECTION", 4: "FILE", 6: "TLS", 10: "IFUNC"}
_BINDS = {0: "LOCAL", 1: "GLOBAL", 2: "WEAK", 10: "UNIQUE"}
_FUNCTION_KINDS = (2, 10)
_DT_HASH, _DT_SYMTAB, _DT_VERSYM, _DT_GNU_HASH = 4, 6, 0x6FFFFFF0, 0x6FFFFEF5
_HIDDEN = 0x8000
_RESERVED = 0xFF  # highest byte of a section's number that is none
_NOTYPE = 1  # of a symbol's kind as Code sees it; 0: it is no code
_OF_CODE = bytes(
    _NOTYPE if info & 15 == 0 else 2 * (info & 15 in _FUNCTION_KINDS) for info in range(256)
)
_IS_SET = bytes(value != 0 for value in range(256))
_IS_ORDINARY = bytes(value != _RESERVED for value in range(256))
_PT_LOAD, _PF_X = 1, 1


class Table:
    """One symbol table: rows, the strings that they name, and the version of each row."""

    def __init__(self, name: str, rows: bytes, strings: bytes, versions: bytes = b"") -> None:
        self.name = name
        self._rows = rows[: len(rows) // _ROW.size * _ROW.size]
        self.strings = strings
        self._versions = versions

    def __len__(self) -> int:
        return len(self._rows) // _ROW.size

    def rows(self) -> Iterator[tuple[int, ...]]:
        """Yield (index, name offset, info, other, section index, value, size)."""
        for index, row in enumerate(_ROW.iter_unpack(self._rows)):
            yield (index, *row)

    def symbol(self, index: int) -> Symbol:
        name, info, _, section, value, size = _ROW.unpack_from(self._rows, index * _ROW.size)
        kind, bind = info & 15, info >> 4
        return Symbol(
            c_string(self.strings, name),
            value,
            size,
            _KINDS.get(kind, str(kind)),
            _BINDS.get(bind, str(bind)),
            section != 0,
            self.name,
            self._is_hidden(index),
        )

    @property
    def data(self) -> bytes:
        """The bytes of its rows."""
        return self._rows

    def named(self, rows: list[int], names: array[int]) -> list[int]:
        """Those of `rows` to which `symbol` would give a name. `names`: by row, where its name
        stands."""
        strings, end = self.strings, self._sure_end()
        if end:
            starts = list(map(names.__getitem__, rows))
            if starts and max(starts) < end:
                return list(compress(rows, map(strings.__getitem__, starts)))
            return [row for row, at in zip(rows, starts) if at < end and strings[at]]
        places = [(row, names[row]) for row in rows]
        return [row for row, at in places if strings.find(b"\0", at, at + MAX_STRING) > at]

    def _sure_end(self) -> int:
        """Whatever begins before, but for a zero, is a name; 0: there is one too long to be one."""
        at, end = 0, self.strings.rfind(b"\0")
        while at < end:
            last = self.strings.rfind(b"\0", at, at + MAX_STRING)
            if last < 0:
                return 0
            at = last + 1
        return max(end, 0)

    def _is_hidden(self, index: int) -> bool:
        version = self._versions[2 * index : 2 * index + 2]
        return len(version) == 2 and bool(struct.unpack("<H", version)[0] & _HIDDEN)

    def name_offsets(self, name: str) -> set[int]:
        """Where `name` stands in the strings, also as the tail of a longer one."""
        wanted = name.encode("utf-8", "surrogateescape") + b"\0"
        found, at = set(), self.strings.find(wanted)
        while at >= 0:
            found.add(at)
            at = self.strings.find(wanted, at + 1)
        return found


class Code:
    """The named symbols of a table that lie in code, looked at by columns: a browser has a million,
    of which a few are asked for. What assemblers leave without a type may also name data."""

    def __init__(self, elf: ElfFile, table: Table) -> None:
        self.table = table
        data, size = table.data, _ROW.size
        words, halves = array("Q", data), array("I", data)
        if sys.byteorder == "big":
            words.byteswap()
            halves.byteswap()
        values = words[1::3]
        kinds, low, high = data[4::size].translate(_OF_CODE), data[6::size], data[7::size]
        defined = _all(kinds.translate(_IS_SET), _any(low, high), high.translate(_IS_ORDINARY))
        rows = list(compress(range(len(kinds)), defined))
        if _NOTYPE in kinds:
            rows = [row for row in rows if kinds[row] != _NOTYPE or is_in_code(elf, values[row])]
        self.rows = table.named(rows, halves[0::6])
        self.starts = list(map(values.__getitem__, self.rows))
        self.ends = list(map(add, self.starts, map(words[2::3].__getitem__, self.rows)))


def _all(*columns: bytes) -> bytes:
    """By row, where each of these has a 1."""
    return _merged(and_, columns)


def _any(*columns: bytes) -> bytes:
    """By row, 1 where one of these has something."""
    return _merged(or_, [column.translate(_IS_SET) for column in columns])


def _merged(how: Callable[[int, int], int], columns: Sequence[bytes]) -> bytes:
    numbers = [int.from_bytes(column, "little") for column in columns]
    return reduce(how, numbers).to_bytes(len(columns[0]), "little")


def tables(elf: ElfFile) -> list[Table]:
    """The symbol tables: .dynsym (or what DT_SYMTAB points to), then .symtab or what is packed."""
    if not elf.is_supported:
        return []
    own = _section_table(elf, ".symtab")
    if own is None and elf.mini_debug is not None:
        own = _section_table(elf.mini_debug, ".symtab")
    return [table for table in (_dynamic_table(elf), own) if table]


def dynamic_table(elf: ElfFile) -> Table:
    """The table that relocations refer to; empty where there is none."""
    return _dynamic_table(elf) or Table("dynsym", b"", b"")


def _section_table(elf: ElfFile, name: str) -> Table | None:
    section = elf.sections.get(name)
    if section is None or section.link >= len(elf.section_list):
        return None
    strings = elf.section_data(elf.section_list[section.link])
    versions = elf.section_data(".gnu.version") if name == ".dynsym" else b""
    return Table(name[1:], elf.section_data(section), strings, versions)


def _dynamic_table(elf: ElfFile) -> Table | None:
    table = _section_table(elf, ".dynsym")
    if table is not None or _DT_SYMTAB not in elf.dynamic:
        return table
    count = _count_by_hash(elf)
    versym = elf.dynamic.get(_DT_VERSYM)
    rows = elf.stored(elf.dynamic[_DT_SYMTAB], count * _ROW.size)
    versions = elf.stored(versym, 2 * count) if versym is not None else b""
    return Table("dynsym", rows, elf.dynamic_strings, versions)


def _count_by_hash(elf: ElfFile) -> int:
    """The number of dynamic symbols, which only the hash tables tell without section headers."""
    if _DT_HASH in elf.dynamic:
        count: int = struct.unpack("<II", elf.stored(elf.dynamic[_DT_HASH], 8))[1]
        return count
    if _DT_GNU_HASH not in elf.dynamic:
        return 0
    table = elf.stored(elf.dynamic[_DT_GNU_HASH])
    try:
        return _count_by_gnu_hash(table)
    except struct.error:
        raise elf.image.error("a hash table that is cut off") from None


def _count_by_gnu_hash(table: bytes) -> int:
    """One more than the last symbol of the last chain: the lowest bit of its hash marks its end."""
    first: int
    buckets, first, words = struct.unpack_from("<III", table)
    at = 16 + 8 * words
    last: int = max(struct.unpack_from("<%dI" % buckets, table, at), default=0)
    if last < first:
        return first
    chains = at + 4 * buckets
    while not struct.unpack_from("<I", table, chains + 4 * (last - first))[0] & 1:
        last += 1
    return last + 1


def walk(elf: ElfFile) -> Iterator[Symbol]:
    """Yield the symbols of all tables. Names may share bytes: what they cost together is capped."""
    for table in tables(elf):
        budget = 8 * len(table.strings) + (1 << 20)
        for index in range(len(table)):
            symbol = table.symbol(index)
            budget -= len(symbol.name)
            if budget < 0:
                raise elf.image.error("symbol names that overlap without end")
            yield symbol


def functions_named(elf: ElfFile, names: Iterable[str]) -> dict[str, list[Symbol]]:
    """{name: [Symbol]}: defined functions at distinct addresses, the default version first."""
    found: dict[str, list[Symbol]] = {name: [] for name in names}
    for table in tables(elf):
        wanted = {at: name for name in found for at in table.name_offsets(name)}
        for index, name_at, info, _, section, value, _ in table.rows() if wanted else ():
            if name_at in wanted and section and _is_code(elf, info & 15, value):
                _add(found[wanted[name_at]], table.symbol(index))
    for symbols in found.values():
        symbols.sort(key=_preference)
    return found


def _is_code(elf: ElfFile, kind: int, value: int) -> bool:
    """Functions, and what assemblers leave without a type if it lies in code (nasm's main)."""
    return kind in _FUNCTION_KINDS or (kind == 0 and is_in_code(elf, value))


def is_in_code(elf: ElfFile, vaddr: int) -> bool:
    return any(
        segment.type == _PT_LOAD
        and segment.flags & _PF_X
        and segment.vaddr <= vaddr < segment.vaddr + segment.memsz
        for segment in elf.segments
    )


def _add(symbols: list[Symbol], symbol: Symbol) -> None:
    for index, known in enumerate(symbols):
        if known.value == symbol.value:
            if _preference(symbol) < _preference(known):
                symbols[index] = symbol
            return
    symbols.append(symbol)


def _preference(symbol: Symbol) -> tuple[bool, bool, bool, bool]:
    untyped = symbol.kind == "NOTYPE"
    return (symbol.hidden, untyped, symbol.bind == "LOCAL", symbol.table != "dynsym")


def best(symbols: Sequence[Symbol]) -> Symbol | None:
    return symbols[0] if symbols else None
