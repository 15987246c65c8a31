"""The bytes of an ELF file, read in bounded ranges and never mapped.

A file that shrinks under a mapping kills its reader by SIGBUS; a short read is only an error.
Offsets and sizes are bytes and come from the file itself: nothing here trusts them.
"""

from __future__ import annotations

import os
import stat

MAX_READ = 1 << 28  # bytes of one section or table; real string tables stay far below
_PAGE, _MAX_PAGES = 1 << 12, 1 << 12  # of a file, kept in memory


class ElfError(Exception):
    """The file is no ELF file, of another machine, cut off or damaged. One line, for people."""


class Image:
    """A regular file opened for reading at offsets."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.size = 0
        self.identity: tuple[int, int] | None = None
        self._pages: dict[int, bytes] = {}
        try:
            # O_NONBLOCK: opening a FIFO that stands in for a library must not wait for a writer
            self._file = open(self.path, "rb", buffering=0, opener=_open_without_waiting)
        except (OSError, ValueError) as error:
            raise ElfError("%r: %s" % (self.path, _why(error))) from None
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise ElfError("%r is not a regular file" % (self.path,))
        self.size = status.st_size
        self.identity = (status.st_dev, status.st_ino)
        self.status = status

    def close(self) -> None:
        self._file.close()
        self._pages.clear()

    def _read(self, offset: int, size: int) -> bytes:
        """Small pieces by pages: of code that ran many are wanted, a few bytes each."""
        page, skip = divmod(offset, _PAGE)
        if skip + size > _PAGE:
            return _read_fully(self._file.fileno(), offset, size)
        if page not in self._pages:
            if len(self._pages) >= _MAX_PAGES:
                self._pages.clear()
            self._pages[page] = _read_fully(self._file.fileno(), page * _PAGE, _PAGE)
        return self._pages[page][skip : skip + size]

    def upto(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer where the file ends."""
        if offset < 0 or size < 0 or offset >= self.size:
            return b""
        size = min(size, self.size - offset)
        if size > MAX_READ:
            raise self.error("a table of %d bytes" % size)
        try:
            return self._read(offset, size)
        except (OSError, ValueError) as error:
            raise self.error(_why(error)) from None

    def at(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset`, or ElfError."""
        data = self.upto(offset, size)
        if len(data) != size:
            raise self.error("cut off: %d bytes wanted at %#x" % (size, offset))
        return data

    def error(self, what: str) -> ElfError:
        return ElfError("damaged ELF file %r: %s" % (self.path, what))


class Unpacked(Image):
    """Bytes that stood packed in a file: an ELF file of its own."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path, self._data, self.size, self.identity = path, data, len(data), None

    def close(self) -> None:
        self._data, self.size = b"", 0

    def _read(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)


def _read_fully(descriptor: int, offset: int, size: int) -> bytes:
    data = os.pread(descriptor, size, offset)
    while len(data) < size:
        more = os.pread(descriptor, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


MAX_STRING = 1 << 15  # bytes


def c_string(data: bytes, offset: int, limit: int = MAX_STRING) -> str:
    """The text at `offset` up to its zero byte; "" where it has none within `limit` bytes."""
    if offset < 0 or offset >= len(data):
        return ""
    end = data.find(b"\0", offset, offset + limit)
    return "" if end < 0 else data[offset:end].decode("utf-8", "surrogateescape")
