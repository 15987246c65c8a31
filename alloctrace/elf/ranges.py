"""Which code of a file debug information is about: what asks nobody for lines where there are none.

Told by .debug_aranges, if that speaks of every unit of .debug_info; else it cannot be told. DWARF
5, 6.1.2 "Lookup by Address" and 7.5.1 "Unit Headers".
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import accumulate

from .image import ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .elf import ElfFile

_PLAIN: tuple[str, ...] = (
    ".debug_aranges",
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_line_str",
)
_PLAIN += (".debug_str", ".debug_loc", ".debug_loclists", ".debug_ranges", ".debug_rnglists")
_PLAIN += (".debug_frame", ".debug_macro", ".debug_str_offsets", ".debug_addr")
_COMPRESSED = 0x800  # SHF_COMPRESSED
_LONG = 0xFFFFFFF0  # a length that begins so is of 64 bits, or none
_MAX_SIZE = 1 << 28  # bytes of a section
_MAX_UNITS = 1 << 16
_SET = struct.Struct("<IHIBB")  # its length, version, unit, sizes of addresses and of segments


class Ranges:
    """`offset in Ranges`: whether a unit is about the code there."""

    def __init__(self, pairs: Iterable[tuple[int, ...]]) -> None:
        pairs = sorted(pairs)
        self._starts = [start for start, _ in pairs]
        self._ends: list[int] = list(accumulate([start + size for start, size in pairs], max))

    def __contains__(self, offset: int) -> bool:
        index = bisect_right(self._starts, offset) - 1
        return index >= 0 and offset < self._ends[index]


def with_debug_info(elf: ElfFile) -> Ranges | None:
    """The Ranges of an ElfFile, or None."""
    debug = [section for name, section in elf.sections.items() if name.startswith(".debug")]
    if any(s.name not in _PLAIN or s.flags & _COMPRESSED or s.size > _MAX_SIZE for s in debug):
        return None
    try:
        units = _units(elf.section_data(".debug_info"))
        pairs, told = _sets(elf.section_data(".debug_aranges"))
    except (ElfError, struct.error, ValueError):
        return None
    return Ranges(pairs) if units <= told else None


def _units(data: bytes) -> set[int]:
    """Where the units of .debug_info begin."""
    found: set[int] = set()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        if length >= _LONG or len(found) >= _MAX_UNITS:
            raise ValueError(at)
        found.add(at)
        at += 4 + length
    return found


def _sets(data: bytes) -> tuple[list[tuple[int, ...]], set[int]]:
    """([(start, size)], units) of .debug_aranges."""
    pairs: list[tuple[int, ...]] = []
    told: set[int] = set()
    at = 0
    while at < len(data):
        length, version, unit, size, segment = _SET.unpack_from(data, at)
        end = at + 4 + length
        if (version, size, segment) != (2, 8, 0) or length >= _LONG or end > len(data):
            raise ValueError(at)
        first = at + 16  # where a multiple of twice the size of an address begins
        body = data[first : end - (end - first) % 16]
        pairs += [pair for pair in struct.iter_unpack("<QQ", body) if pair[1]]
        told.add(unit)
        at = end
    return pairs, told
