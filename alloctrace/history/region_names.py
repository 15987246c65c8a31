"""The names of regions: read from the files in which they lie, where nobody can have changed them
since. Apart from regions.py, for a report reads them in a trace and needs no files."""

from __future__ import annotations

from alloctrace import fields
from alloctrace.elf import elf, of_run as elf_of_run
from alloctrace.elf.image import c_string
from alloctrace.symbols.places import Places

from .regions import LONGEST_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from alloctrace.history.history import History
    from alloctrace.model import Module

    Opened = dict[tuple[str, str, int], Optional[elf.ElfFile]]  # by path, build-id and time

_PF_W = 2  # elf.h


def named(history: History) -> list[dict[str, Any]]:
    """[{id, parent, name}] of the regions of a History, fit for JSON: names are read from the files
    in which they lie, where nobody can have changed them since."""
    rows = []
    opened: Opened = {}
    places = Places(history.modules, lambda module, offset: False)
    try:
        for row in history.regions:
            name = _name(row, places, opened)
            rows.append({"id": row["id"], "parent": row["parent"], "name": name})
    finally:
        for file in filter(None, opened.values()):
            file.close()
    return rows


def _name(row: dict[str, Any], places: Places, opened: Opened) -> str | None:
    place, _, _ = places.found[places.find(row["name"], (row["t_ns"], row["image"]))]
    if place.module is None:
        return None
    return _text(_file(place.module, opened), row["name"] - place.module.base & fields.MASK64)


def _file(module: Module, opened: Opened) -> elf.ElfFile | None:
    """The ElfFile, None where it is no longer the one that ran."""
    key = module.path, module.build_id, module.mtime_ns
    if key not in opened:
        try:
            opened[key] = elf_of_run.that_ran(*key)
        except elf.ElfError:
            opened[key] = None
    return opened[key]


def _text(file: elf.ElfFile | None, vaddr: int) -> str | None:
    """The text that lies there, in what the program cannot write to; None: there is none."""
    try:
        if file is None:
            return None
        for segment in file.segments_of(elf.PT_LOAD):
            skip = vaddr - segment.vaddr
            if 0 <= skip < segment.filesz and not segment.flags & _PF_W:
                size = min(segment.filesz - skip, LONGEST_NAME + 1)
                return c_string(file.image.upto(segment.offset + skip, size), 0) or None
    except elf.ElfError:
        pass
    return None
