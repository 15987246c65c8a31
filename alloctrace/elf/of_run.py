"""The file of a module, if it is still the one that ran."""

from __future__ import annotations

import os

from .elf import ElfError, ElfFile


def that_ran(path: str, build_id: str, mtime_ns: int = 0) -> ElfFile:
    """The ElfFile at `path`, if it still has that build id ("": any will do), and was not written
    since (0: nobody knows when it was before). Raises ElfError."""
    file = ElfFile(path)
    try:
        is_newer = mtime_ns and not build_id and os.stat(path).st_mtime_ns != mtime_ns
        if is_newer or (build_id and file.build_id != build_id):
            raise ElfError("%r has changed since it ran" % (path,))
    except ElfError:
        file.close()
        raise
    return file
