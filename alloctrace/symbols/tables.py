"""Names and starts of functions from ELF tables alone: what is known without gdb."""

from __future__ import annotations

from collections import namedtuple

from alloctrace.elf.elf import ElfError
from .index import Index
from .names import demangled, is_mangled, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple, Optional

    from alloctrace.elf.elf import ElfFile
    from alloctrace.elf.symbols import Symbol

    Rank = tuple[bool, bool, bool, bool, bool, int, str]

    class Function(NamedTuple):
        start: int
        end: int
        name: str
        raw: str
        rank: Rank

    FunctionAt = tuple[Optional[int], Optional[Function]]  # where one begins, and which it is

else:
    Function = namedtuple("Function", "start end name raw rank")
# raw: as the linker spells it; end == start where the symbol has no size

_MAX_GAP = 4096  # bytes that a symbol without size may reach


class Tables:
    """The functions of one file, with those of its separate debug file."""

    def __init__(self, elf: ElfFile, debug_path: str | None = None) -> None:
        self.elf = elf
        self._index = Index(elf, debug_path)
        self._best: dict[int, Function] = {}  # by number in the index, once asked for

    def _function(self, number: int) -> Function:
        """The Function that begins there, by the best of its names."""
        found = self._best.get(number)
        if found is None:
            index, symbols = self._index, self._index.symbols(number)
            best = min(symbols, key=_rank)
            name = _own_name([symbol.name for symbol in symbols]) or plain(best.name)
            start, end = index.starts[number], index.ends[number]
            found = self._best[number] = Function(start, end, name, best.name, _rank(best))
        return found

    def at(self, offset: int) -> Function | None:
        """The Function whose symbol covers `offset`, or None."""
        index = self._index
        number = index.before(offset)
        if number >= 0 and offset < index.ends[number]:
            return self._function(number)
        while number >= 0 and index.reach(number) > offset:
            if offset < index.ends[number]:
                return self._function(number)
            number -= 1
        return self._without_size(offset)

    def _without_size(self, offset: int) -> Function | None:
        """A symbol without size reaches to the next symbol or unwind entry (assembly code)."""
        number = self._index.before(offset)
        if number < 0:
            return None
        found = self._function(number)
        if found.end != found.start or offset - found.start > _MAX_GAP:
            return None
        here, there = self.range_at(offset), self.range_at(found.start)
        return found if here == there else None

    def range_at(self, offset: int) -> tuple[int, int] | None:
        """(start, end) of the unwind entry around `offset`, or None."""
        try:
            return self.elf.fde_at(offset)
        except ElfError:
            return None

    def begin(self, offset: int, function: Function | None) -> int | None:
        """Where the function around `offset` begins: by what `at` has found there, else by unwind
        entry, or None."""
        if function is not None:
            return function.start
        found = self.range_at(offset)
        return found[0] if found else None


def _own_name(names: Iterable[str]) -> str | None:
    """What a function of these mangled names is called; None: not sure, or of several there."""
    found = {demangled(name) for name in set(names)}
    return found.pop() if len(found) == 1 else None


def is_exported(function: Function) -> bool:
    """Whether the name is one of the dynamic symbol table's: the one that callers use."""
    return not function.rank[2]


def _rank(symbol: Symbol) -> Rank:
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
