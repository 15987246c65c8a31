"""Which functions of a file are allocator entry points; as recorder/host/plant/calls.c has it."""

from __future__ import annotations

from .image import ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from alloctrace.allocators import Named
    from .elf import ElfFile
    from .symbols import Symbol

_GLOBAL = ("GLOBAL", "WEAK", "UNIQUE")
_MAX_OPERATOR = 512  # bytes of operator new that are looked at
_MAX_SAME = 16  # functions of one name; ELF_SAME_NAME of recorder/host/elf/elf.h


def of_file(file: ElfFile, watched: Iterable[Named]) -> dict[int, list[Named]]:
    """[[Named, …]] with their vaddr, by address: {vaddr: [Named, …]}, those of one function alike.

    `file`: an elf.ElfFile; `watched`: of allocators.watched.
    """
    symbols = file.functions_named([named.name for named in watched])
    found: dict[int, list[Named]] = {}
    for named in watched:
        if not named.beside:
            _add(found, named, _reached(file, named, symbols[named.name]))
    operators = [named for named in watched if named.beside and symbols[named.name]]
    if found and operators:
        known = {s.value for list_ in symbols.values() for s in list_[:_MAX_SAME]}
        for named in operators:
            first = symbols[named.name][0]
            if first.value in found or not _passes_on(file, first, known, symbols):
                _add(found, named, _reached(file, named, symbols[named.name]))
    return dict(sorted(found.items()))


def _reached(file: ElfFile, named: Named, entries: Iterable[Symbol]) -> list[Symbol]:
    """Of one name's symbols those that callers reach.

    The linker of a static PIE makes libc's hidden `malloc` a local name; and a user may name a
    function that is static.
    """
    own = [symbol for symbol in entries if symbol.defined][:_MAX_SAME]
    shared = [symbol for symbol in own if symbol.bind in _GLOBAL]
    is_other = named.name != named.point
    return shared or (own if is_other or (file.is_static and len(own) == 1) else [])


def _add(found: dict[int, list[Named]], named: Named, symbols: Iterable[Symbol]) -> None:
    for symbol in symbols:
        there = found.setdefault(symbol.value, [])
        if not there or _alike(there[0], named):
            there.append(named)


def _alike(left: Named, right: Named) -> bool:
    how = (left.arguments, left.places, left.returns_size)
    return how == (right.arguments, right.places, right.returns_size)


def _passes_on(file: ElfFile, symbol: Symbol, known: set[int], names: Collection[str]) -> bool:
    """Whether it calls a function that is watched: then it only passes on what that hands out.

    libstdc++'s operator new does; an allocator's own hands out memory itself.
    """
    try:
        code = file.read(symbol.value, min(symbol.size, _MAX_OPERATOR))
    except ElfError:
        return True
    for at in range(len(code) - 4):
        if code[at] not in (0xE8, 0xE9):  # call, jmp
            continue
        target = (
            symbol.value + at + 5 + int.from_bytes(code[at + 1 : at + 5], "little", signed=True)
        )
        if target in known or file.plt_target(target) in names:
            return True
    return False
