"""Build ids, separate debug files, and what a file's strings say about its language."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import zlib

from alloctrace import kept

from .image import ElfError, Image, Unpacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .elf import ElfFile

DEBUG_ROOTS = ("/usr/lib/debug",)  # gdb's own, on every system known
_PT_LOAD, _PT_NOTE, _PF_W = 1, 4, 2
_NT_GNU_BUILD_ID = 3
_NT_REGION = 1  # region/markers.S
MAX_REGION_MARKS = 16  # of a file, that has one
_WORD = (1 << 64) - 1
_MAX_NOTES = 1 << 16
_CHUNK = 1 << 20
_MAX_SUMMED = 1 << 30  # bytes; beyond this a checksum takes longer than symbols are worth
_MAX_SEARCHED = 1 << 28
_MAX_DEBUG_FILE = 1 << 32  # bytes; the largest known, of a browser, have some 1 << 31
_MAX_LINK = 4096  # bytes of a name
MAX_UNPACKED = 1 << 26  # bytes of .gnu_debugdata; that of a large browser has 1 << 24

# What std leaves behind in panic messages and in .comment, also when symbols are stripped.
_RUST_MARKS = (b"library/std/src", b"library/core/src", b"library/alloc/src", b"rustc version ")


def build_id(elf: ElfFile) -> str:
    """The note NT_GNU_BUILD_ID in hexadecimal, or ""."""
    for segment in elf.segments_of(_PT_NOTE):
        found = _build_id_in(elf.image.upto(segment.offset, min(segment.filesz, _MAX_NOTES)))
        if found:
            return found
    return _build_id_in(elf.section_data(".note.gnu.build-id")[:_MAX_NOTES])


def _build_id_in(notes: bytes) -> str:
    found = (told for _, told in _notes(notes, b"GNU\0", _NT_GNU_BUILD_ID) if 0 < len(told) <= 64)
    return next(found, b"").hex()


def _notes(notes: bytes, name: bytes, type_: int) -> Iterator[tuple[int, bytes]]:
    """Yield (where, bytes) of each note of that name and type."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, its_type = struct.unpack_from("<III", notes, at)
        start = at + 12 + (name_size + 3 & ~3)
        is_whole = start + size <= len(notes)
        if (its_type, notes[at + 12 : at + 12 + name_size]) == (type_, name) and is_whole:
            yield start, notes[start : start + size]
        at = start + (size + 3 & ~3)


def region_marks(elf: ElfFile) -> list[tuple[int, int]]:
    """[(begin, end)]: the vaddrs of the functions where regions of the program begin and end, by
    the notes of region/markers.S."""
    found = []
    for segment in elf.segments_of(_PT_NOTE):
        notes = elf.image.upto(segment.offset, min(segment.filesz, _MAX_NOTES))
        for at, told in _notes(notes, b"brkpoint\0", _NT_REGION):
            if len(told) == 8:
                begin, end = struct.unpack("<ii", told)
                place = segment.vaddr + at
                found.append((place + begin & _WORD, place + 4 + end & _WORD))
    return found[:MAX_REGION_MARKS]


def unpacked(elf: ElfFile) -> ElfFile | None:
    """The ElfFile in .gnu_debugdata (MiniDebugInfo: gdb's manual, "Debugging information in a
    special section"), as Fedora's programs have it; None without one, or where it is damaged."""
    if not elf.is_supported or ".gnu_debugdata" not in elf.sections:
        return None
    try:
        import lzma  # only now: few programs have it
    except ImportError:  # a Python that was built without it
        return None
    try:
        reader = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_UNPACKED)
        data = reader.decompress(elf.section_data(".gnu_debugdata"), MAX_UNPACKED)
        held = type(elf)(elf.path, Unpacked(elf.path, data)) if reader.eof else None
        return held if held and held.is_supported and ".symtab" in held.sections else None
    except (lzma.LZMAError, ElfError):
        return None


def find(elf: ElfFile, roots: Iterable[str]) -> str | None:
    """The debug file under `roots` or beside the file: same build id, or the linked checksum."""
    for path in _by_build_id(elf, roots):
        if _same_build_id(elf, path):
            return path
    name, checksum = _debug_link(elf)
    for path in _by_link(elf, name, roots):
        if _same_build_id(elf, path) or (not elf.build_id and _sums_to(path, checksum)):
            return path
    return None


def _by_build_id(elf: ElfFile, roots: Iterable[str]) -> Iterator[str]:
    name = elf.build_id
    if len(name) > 2:
        for root in roots:
            yield os.path.join(root, ".build-id", name[:2], name[2:] + ".debug")


def _debug_link(elf: ElfFile) -> tuple[str, int]:
    """(file name, CRC-32) of .gnu_debuglink, or ("", 0)."""
    data = elf.section_data(".gnu_debuglink")[:4096]
    end = data.find(b"\0")
    at = end + 4 & ~3
    if end <= 0 or len(data) < at + 4 or b"/" in data[:end]:
        return "", 0
    return os.fsdecode(data[:end]), struct.unpack_from("<I", data, at)[0]


def _by_link(elf: ElfFile, name: str, roots: Iterable[str]) -> Iterator[str]:
    if not name:
        return
    folder = os.path.dirname(os.path.realpath(elf.path))
    yield os.path.join(folder, name)
    yield os.path.join(folder, ".debug", name)
    for root in roots:
        yield os.path.join(root, folder.lstrip("/"), name)


def unfit(elf: ElfFile, roots: Iterable[str]) -> str | None:
    """A path that gdb would follow from this file for debug information and had better not: no
    regular file (opening a FIFO waits for ever), or a huge one (it sums over all of it); or None.
    """
    return next((path for path in _gdb_follows(elf, roots) if not _is_fit(path)), None)


def _is_fit(path: str) -> bool:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return True  # it is not there
    return stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_DEBUG_FILE


def _gdb_follows(elf: ElfFile, roots: Iterable[str]) -> Iterator[str]:
    """Yield what gdb would open, as far as names in the file's sections tell (gdb/symfile.c,
    find_separate_debug_file). Of .dwo files, whose names stand in DWARF itself, it opens regular
    ones only (gdbsupport, is_regular_file)."""
    name = os.fsdecode(elf.section_data(".gnu_debuglink")[:_MAX_LINK].split(b"\0", 1)[0])
    for path in (*_by_build_id(elf, roots), *_by_link(elf, name, roots)):
        yield path
        with contextlib.suppress(ElfError), type(elf)(path) as debug:
            yield from shared(debug)
    yield from shared(elf)
    yield os.path.realpath(elf.path) + ".dwp"


def shared(elf: ElfFile) -> list[str]:
    """[path of the file with what several debug files have in common (dwz)], or []."""
    name = elf.section_data(".gnu_debugaltlink")[:_MAX_LINK].split(b"\0", 1)[0]
    folder = os.path.dirname(os.path.realpath(elf.path))
    return [os.path.join(folder, os.fsdecode(name))] if name else []


def _same_build_id(elf: ElfFile, path: str) -> bool:
    if not elf.build_id or not os.path.isfile(path):
        return False
    try:
        with type(elf)(path) as other:
            return other.image.identity != elf.image.identity and other.build_id == elf.build_id
    except ElfError:
        return False


def _sums_to(path: str, checksum: int) -> bool:
    try:
        image = Image(path)
    except ElfError:
        return False
    try:
        if image.size > _MAX_SUMMED:
            return False
        total = 0
        for offset in range(0, image.size, _CHUNK):
            total = zlib.crc32(image.upto(offset, _CHUNK), total)
        return total == checksum
    except ElfError:
        return False
    finally:
        image.close()


def rust_evidence(elf: ElfFile) -> str:
    """The first mark of Rust's standard library in .comment or in read-only data, or "". To look
    through a large file takes long, so the answer is kept (alloctrace/kept.py)."""
    if not kept.is_worth_it(elf.image):
        return _rust_mark(elf)
    return kept.made("rust in " + elf.path, [elf.path, __file__], lambda: _rust_mark(elf))


def _rust_mark(elf: ElfFile) -> str:
    for offset, size in _string_places(elf):
        for data in _chunks(elf.image, offset, size):
            for mark in _RUST_MARKS:
                if mark in data:
                    return mark.decode("ascii").strip()
    return ""


def _string_places(elf: ElfFile) -> list[tuple[int, int]]:
    found = [elf.sections[name] for name in (".comment", ".rodata") if name in elf.sections]
    if found:
        return [(section.offset, section.size) for section in found if section.type != 8]
    segments = [s for s in elf.segments_of(_PT_LOAD) if not s.flags & _PF_W]
    return [(segment.offset, segment.filesz) for segment in segments]


def _chunks(image: Image, offset: int, size: int) -> Iterator[bytes]:
    """Pieces that overlap by a mark's length, so that none is missed at an edge."""
    end = min(offset + size, image.size, offset + _MAX_SEARCHED)
    while offset < end:
        yield image.upto(offset, min(_CHUNK + 32, end - offset))
        offset += _CHUNK
