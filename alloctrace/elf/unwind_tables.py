"""Unwind tables: which ranges of code .eh_frame (or .debug_frame) describes.

Formats: LSB Core, "Exception Frames"; DWARF 5, section 6.4; DW_EH_PE_* from gcc's dwarf2.h.
"""

from __future__ import annotations

import struct
from bisect import bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .elf import ElfFile, Segment
    from .image import Image

    Range = tuple[int, int]  # start, end

_PT_GNU_EH_FRAME = 0x6474E550
_OMIT, _PCREL, _DATAREL, _INDIRECT = 0xFF, 0x10, 0x30, 0x80
_FORMATS = {0: "<Q", 2: "<H", 3: "<I", 4: "<Q", 0xA: "<h", 0xB: "<i", 0xC: "<q"}
_SORTED_TABLE = _DATAREL | 0xB  # the only encoding that linkers write; anything else is scanned
_MASK = (1 << 64) - 1
_MAX_ENTRIES = 1 << 22


class UnwindTables:
    """The frame description entries (FDE) of one file."""

    def __init__(self, elf: ElfFile) -> None:
        self._elf = elf
        self._cies: dict[int, int] = {}
        self._read_index()

    def _read_index(self) -> None:
        self._table, self._header = b"", 0
        self._scanned: list[Range] | None = None
        self._extra: list[Range] | None = None
        for segment in self._elf.segments:
            if segment.type == _PT_GNU_EH_FRAME:
                self._read_header(segment)
                return

    def _read_header(self, segment: Segment) -> None:
        data = self._elf.image.upto(segment.offset, segment.filesz)
        if len(data) < 12 or data[0] != 1 or data[3] != _SORTED_TABLE:
            return
        format_ = _FORMATS.get(data[2] & 15)
        skip = 4 + struct.calcsize(_FORMATS.get(data[1] & 15, "<Q"))
        if data[2] & 0xF0 or format_ is None:
            return
        try:
            count = struct.unpack_from(format_, data, skip)[0]
        except struct.error:
            return
        skip += struct.calcsize(format_)
        if 0 < count <= (len(data) - skip) // 8:
            self._table, self._header = data[skip : skip + 8 * count], segment.vaddr

    def find(self, vaddr: int) -> Range | None:
        """(start, end) of the FDE that covers `vaddr`, or None."""
        if not self._table:
            return _around(self.ranges(), vaddr)
        where = self._fde_before(vaddr)
        if where is None:
            return None
        start, end = self._read_fde(where)
        return (start, end) if start <= vaddr < end else None

    def _fde_before(self, vaddr: int) -> int | None:
        low, high = 0, len(self._table) // 8
        while low < high:
            middle = (low + high) // 2
            if self._row(middle)[0] <= vaddr:
                low = middle + 1
            else:
                high = middle
        return self._row(low - 1)[1] if low else None

    def _row(self, index: int) -> tuple[int, int]:
        start, fde = struct.unpack_from("<ii", self._table, 8 * index)
        return (start + self._header) & _MASK, (fde + self._header) & _MASK

    def _read_fde(self, where: int) -> Range:
        length, back = struct.unpack("<II", self._elf.read(where, 8))
        if length in (0, 0xFFFFFFFF) or length < 8:
            raise self._elf.image.error("a frame entry of length %#x" % length)
        encoding = self._encoding(where + 4 - back)
        body = self._elf.read(where + 8, min(length - 4, 16))
        return _range(body, 0, where + 8, encoding, self._elf.image)

    def _encoding(self, where: int) -> int:
        """How the entries of the CIE at `where` write addresses (augmentation "R")."""
        if where not in self._cies:
            length = struct.unpack("<I", self._elf.read(where, 4))[0]
            if not 8 <= length <= 1 << 16:
                raise self._elf.image.error("a common frame entry of %d bytes" % length)
            self._cies[where] = _cie_encoding(self._elf.read(where + 8, length - 4))
        return self._cies[where]

    def find_for_debuggers(self, vaddr: int) -> Range | None:
        """The same of .debug_frame, which only debuggers read, beside .eh_frame or without it."""
        if self._extra is None:
            self._extra = sorted(_scan(self._elf, ".debug_frame"))
        return _around(self._extra, vaddr)

    def ranges(self) -> list[Range]:
        """[(start, end)] of all entries, sorted; reads the whole table."""
        if self._scanned is None:
            found = _scan(self._elf, ".eh_frame") or _scan(self._elf, ".debug_frame")
            self._scanned = sorted(found)
        return self._scanned


def _around(ranges: list[Range], vaddr: int) -> Range | None:
    at = bisect_right(ranges, (vaddr, _MASK)) - 1
    return ranges[at] if at >= 0 and ranges[at][0] <= vaddr < ranges[at][1] else None


def _scan(elf: ElfFile, name: str) -> list[Range]:
    """Every (start, end) of that section."""
    section = elf.sections.get(name)
    if section is None or section.flags & 0x800:
        return []
    # addresses in .debug_frame are absolute, and its CIEs are named by offset
    data = elf.section_data(name)
    return list(_entries(elf, data, section.vaddr, name == ".eh_frame"))


def _entries(elf: ElfFile, data: bytes, vaddr: int, is_eh: bool) -> Iterator[Range]:
    encodings: dict[int, int] = {}
    at = count = 0
    while at + 8 <= len(data):
        count += 1
        length, link = struct.unpack_from("<II", data, at)
        end = at + 4 + length
        if length == 0xFFFFFFFF or count > _MAX_ENTRIES:
            raise elf.image.error("frame entries that cannot be read")
        if length >= 8 and end <= len(data):
            if link == (0 if is_eh else 0xFFFFFFFF):
                encodings[at] = _cie_encoding(data[at + 8 : end]) if is_eh else 0
            else:
                encoding = encodings.get(at + 4 - link if is_eh else link)
                if encoding is not None:
                    yield _range(data[at + 8 : end], 0, vaddr + at + 8, encoding, elf.image)
        at = end


def _cie_encoding(body: bytes) -> int:
    """`body`: a CIE from its version byte on. 0 (absolute, 8 bytes) where nothing else is said."""
    end = body.find(b"\0", 1)
    augmentation = body[1:end] if end > 0 else b""
    if not augmentation.startswith(b"z"):
        return 0
    at = _skip_leb(body, _skip_leb(body, end + 1))  # code and data alignment
    at = at + 1 if body[0] == 1 else _skip_leb(body, at)  # return address column
    at = _skip_leb(body, at)  # length of the augmentation's data
    for letter in augmentation[1:]:
        if letter == ord("R"):
            return body[at] if at < len(body) else 0
        if letter == ord("P") and at < len(body):
            at += struct.calcsize(_FORMATS.get(body[at] & 15, "<Q"))
        at += letter in b"LP"
    return 0


def _skip_leb(data: bytes, at: int) -> int:
    while at < len(data) and data[at] & 0x80:
        at += 1
    return at + 1


def _range(data: bytes, at: int, vaddr: int, encoding: int, image: Image) -> Range:
    format_ = _FORMATS.get(encoding & 15)
    if format_ is None or encoding & _INDIRECT or encoding & 0x70 not in (0, _PCREL):
        raise image.error("a frame entry with addresses of form %#x" % encoding)
    try:
        start, size = struct.unpack_from(format_ + format_[1], data, at)
    except struct.error:
        raise image.error("a frame entry that is cut off") from None
    if encoding & 0x70 == _PCREL:
        start += vaddr
    start &= _MASK
    return start, start + (size & (1 << 8 * struct.calcsize(format_)) - 1)
