"""The files mapped as code, and where: from the mappings and from the program headers in memory.

A loader maps a file's segments as its program headers say, and these are mapped too. So what lies
where is never guessed from offsets alone: linkers that do not pad (lld, mold) have one page of the
file in two segments, mapped twice. recorder/host/modules/code_files.c has the same rules.
"""

from __future__ import annotations

import bisect
import struct
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import NamedTuple

    from .maps import Mapping

    # `first` is the lowest mapping and `code` an executable one. `bias`: address - vaddr; None
    # where memory does not hold the program headers: ask the file's own (`bias_of`).
    class CodeFile(NamedTuple):
        path: bytes
        start: int
        end: int
        bias: int | None
        first: Mapping
        code: Mapping

    class Load(NamedTuple):
        flags: int
        offset: int
        vaddr: int
        filesz: int
        memsz: int

    _Read = Callable[[int, int], bytes]
else:
    CodeFile = namedtuple("CodeFile", "path start end bias first code")
    Load = namedtuple("Load", "flags offset vaddr filesz memsz")

_PAGE, _WORD = 4096, (1 << 64) - 1
_MAX_HEADERS = 128  # the kernel runs no program with more than 73, one page of them
_MAX_STEPS = 64  # mappings that are looked at before and behind one, for what belongs to it
_HEADER, _PHDR = struct.Struct("<16sHHIQQQIHHH"), struct.Struct("<IIQQQQQQ")
_PT_LOAD, _PF_X = 1, 1


def code_files(
    mappings: Sequence[Mapping], read: _Read, known: Iterable[CodeFile] = ()
) -> list[CodeFile]:
    """[CodeFile] of maps.Mapping rows. `read(address, size)` gives memory, fewer bytes at its end.

    Text that the program has moved to anonymous memory, at the same place, is still its file's.
    `known` is what came out before: a file whose code is mapped as it was is not read again.
    """
    seen = _Seen(mappings, read)
    found: list[CodeFile] = []
    before = {file.code: file for file in known}
    for index, mapping in enumerate(mappings):
        if "x" not in mapping.perms or (found and seen.holds(found[-1], mapping)):
            continue
        if mapping in before:
            found.append(before[mapping])
            continue
        piece = seen.piece_of(index)
        if piece is not None:
            file = seen.placed(piece, mapping)
            if file is None and _is_named(mapping):
                file = seen.side_by_side(piece)
            found += [file] if file is not None else []
    return found


def bias_of(loads: Iterable[Load], code: Mapping) -> int | None:
    """The bias that an executable mapping of a file gives it; None where no segment is so."""
    fitting = [load for load in loads if load.flags & _PF_X and _may_hold(load, code)]
    return _bias(fitting[0], code) if len(fitting) == 1 else None


class _Seen:
    def __init__(self, mappings: Sequence[Mapping], read: _Read) -> None:
        self._mappings, self._read = mappings, read
        self._starts = [mapping.start for mapping in mappings]

    def at(self, address: int) -> Mapping | None:
        index = bisect.bisect_right(self._starts, address) - 1
        mapping = self._mappings[index] if index >= 0 else None
        return mapping if mapping is not None and address < mapping.end else None

    def holds(self, file: CodeFile, mapping: Mapping) -> bool:
        """Whether an executable mapping is a further one of `file`."""
        if not file.start <= mapping.start < file.end:
            return False
        return mapping.path == file.path if _is_named(mapping) else not mapping.path

    def piece_of(self, index: int) -> int | None:
        """The number of the file's mapping: this one, or the one that anonymous memory follows."""
        if _is_named(self._mappings[index]):
            return index
        before = self._mappings[index - 1] if index else None
        if before is None or before.end != self._mappings[index].start:
            return None
        if self._mappings[index].path or not _is_named(before):
            return None
        return index - 1

    def placed(self, piece: int, code: Mapping) -> CodeFile | None:
        """By the program headers: the bias with which most segments lie where they belong."""
        loads, mapping = self._loads(piece), self._mappings[piece]
        biases = [_bias(load, mapping) for load in loads if _may_hold(load, mapping)]
        best = max(biases, key=lambda bias: self._score(loads, bias, mapping.path), default=0)
        held = [self._part(load, best, mapping.path) for load in loads]
        parts = [part for part in held if part is not None]
        if not parts or not any(_covers(load, best, code) for load in loads):
            return None
        low, high = min(parts), max(parts, key=lambda part: part.end)
        return CodeFile(mapping.path, low.start, high.end, best, low, code)

    def _part(self, load: Load, bias: int, path: bytes) -> Mapping | None:
        """The mapping that holds the begin of a segment, where it is the file's own."""
        part = self.at(load.vaddr + bias & _WORD & -_PAGE)
        if part is None or part.path != path:
            return None
        return part if _bias(load, part) == bias else None

    def _score(self, loads: Iterable[Load], bias: int, path: bytes) -> int:
        parts = [(load, self._part(load, bias, path)) for load in loads]
        return sum(
            2 + (("x" in part.perms) == bool(load.flags & _PF_X)) for load, part in parts if part
        )

    def _loads(self, piece: int) -> list[Load]:
        """The loaded segments of the file, [] where memory does not show them."""
        header = self._file_bytes(piece, 0, _HEADER.size)
        if header[:6] != b"\x7fELF\x02\x01" or len(header) < _HEADER.size:
            return []
        row = _HEADER.unpack(header)
        offset, size, count = row[5], row[9], row[10]
        if size != _PHDR.size or not 0 < count <= _MAX_HEADERS:
            return []
        data = self._file_bytes(piece, offset, size * count)
        rows = _PHDR.iter_unpack(data[: len(data) // size * size])
        loads = [Load(r[1], r[2], r[3], r[5], r[6]) for r in rows if r[0] == _PT_LOAD and r[5]]
        return loads if len(data) == size * count else []

    def _file_bytes(self, piece: int, offset: int, size: int) -> bytes:
        """Bytes of the file at `offset`, from the nearest mapping of it that has them."""
        path = self._mappings[piece].path
        below = range(piece, max(piece - _MAX_STEPS, -1), -1)
        above = range(piece + 1, min(piece + _MAX_STEPS, len(self._mappings)))
        for index in (*below, *above):
            mapping = self._mappings[index]
            skip = offset - mapping.offset
            if mapping.path == path and 0 <= skip and skip + size <= mapping.end - mapping.start:
                return self._read(mapping.start + skip, size)
        return b""

    def side_by_side(self, piece: int) -> CodeFile:
        """Without headers: from the file's begin up to where it begins again, or another file."""
        first = last = piece
        while self._continues(first - 1, piece) and self._mappings[first].offset:
            first -= 1
        while self._continues(last + 1, piece) and self._mappings[last + 1].offset:
            last += 1
        low, high, code = (self._mappings[i] for i in (first, last, piece))
        return CodeFile(code.path, low.start, high.end, None, low, code)

    def _continues(self, index: int, piece: int) -> bool:
        near = 0 <= index < len(self._mappings) and abs(index - piece) < _MAX_STEPS
        return near and self._mappings[index].path == self._mappings[piece].path


def _is_named(mapping: Mapping) -> bool:
    return mapping.path.startswith(b"/") or mapping.path == b"[vdso]"


def _may_hold(load: Load, mapping: Mapping) -> bool:
    return load.offset & -_PAGE <= mapping.offset < load.offset + load.filesz & _WORD


def _bias(load: Load, mapping: Mapping) -> int:
    """Negative where a file's addresses lie above those that it is mapped at."""
    bias = mapping.start - mapping.offset + load.offset - load.vaddr & _WORD
    return bias - (bias >> 63 << 64)


def _covers(load: Load, bias: int, code: Mapping) -> bool:
    """Whether this is a segment of code, and `code` lies where it belongs."""
    low, high = load.vaddr + bias & _WORD & -_PAGE, load.vaddr + load.memsz + bias & _WORD
    return bool(load.flags & _PF_X) and low < code.end and code.start < high
