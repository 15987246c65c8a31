"""The file of a module, if it is still the one that ran."""

from __future__ import annotations

from .elf import ElfError, ElfFile


def that_ran(path: str, build_id: str) -> ElfFile:
    """The ElfFile at `path`, if it still has that build id ("": any will do). Raises ElfError."""
    file = ElfFile(path)
    try:
        if build_id and file.build_id != build_id:
            raise ElfError("%r has changed since it ran" % (path,))
    except ElfError:
        file.close()
        raise
    return file
