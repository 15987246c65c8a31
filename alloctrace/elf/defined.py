"""Which of some names a file defines. To look through all that a browser holds takes long, and the
next run of a program asks for the same: so the answer is kept (alloctrace/kept.py).
"""

from __future__ import annotations

from alloctrace import kept

from . import elf
from .readers import READERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection


def functions(path: str, names: Collection[str]) -> set[str]:
    """The set of those `names` that are functions defined in the file; sections count as well.
    Empty where it cannot be read."""
    try:
        with elf.ElfFile(path) as file:
            return set(_functions(file, names))
    except (OSError, elf.ElfError):
        return set()


def _functions(file: elf.ElfFile, names: Collection[str]) -> Collection[str]:
    if not kept.is_worth_it(file.image):
        return _found(file, names)
    name, sources = "%s in %s" % (" ".join(names), file.path), [file.path, __file__, *READERS]
    return kept.made(name, sources, lambda: _found(file, names))


def _found(file: elf.ElfFile, names: Collection[str]) -> list[str]:
    return [
        name
        for name, there in file.functions_named(names).items()
        if there or name in file.sections
    ]
