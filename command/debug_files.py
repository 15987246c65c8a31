"""Which files of the C library lack their debug file. `python3 -m command.debug_files`: exit 1."""

from __future__ import annotations

import os
import re
import sys

from alloctrace.elf.elf import ElfFile
from alloctrace.elf.image import ElfError
from alloctrace.elf.maps import parse_maps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LIBC = re.compile(r"^(ld-linux|ld-musl|ld-|libc\.|libc-)[^/]*\.so|^libc\.so")


def libc_files() -> list[str]:
    """The loader and the libc that programs here really use: those mapped into this process."""
    with open("/proc/self/maps", "rb") as file:
        paths = {os.fsdecode(mapping.path) for mapping in parse_maps(file.read())}
    return sorted(path for path in paths if _LIBC.match(os.path.basename(path)))


def lacking(paths: list[str], roots: Sequence[str] = ("/usr/lib/debug",)) -> list[tuple[str, str]]:
    """[(path, build id)] of those for which no file under `roots` has the same build id."""
    found = []
    for path in paths:
        try:
            with ElfFile(path) as elf:
                if elf.is_stripped and not elf.debug_file(roots):
                    found.append((path, elf.build_id))
        except (ElfError, OSError):
            found.append((path, ""))
    return found


if __name__ == "__main__":
    sys.exit(1 if lacking(libc_files()) else 0)
