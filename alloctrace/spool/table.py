"""A table of numbers as a spool tells it: the history in C writes large ones."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator

TYPE_CHECKING = False  # to import typing would take longer than all of this file
if TYPE_CHECKING:
    from typing import Any


class Table:
    """Rows of numbers that stay as bytes until their columns are asked for, each as an array."""

    def __init__(self, payload: bytes, layout: struct.Struct) -> None:
        if len(payload) % layout.size:
            raise ValueError("a part of a row")
        self.payload, self._layout = payload, layout
        self._words: dict[str, array[Any]] = {}

    def __len__(self) -> int:
        return len(self.payload) // self._layout.size

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._layout.iter_unpack(self.payload)

    def packed(self) -> Iterator[bytes]:
        """Each row as its bytes."""
        size = self._layout.size
        return (self.payload[at : at + size] for at in range(0, len(self.payload), size))

    def column(self, code: str, offset: int) -> array[Any]:
        """The numbers of type `code` at byte `offset` of the rows."""
        if code not in self._words:
            self._words[code] = array(code, self.payload)
            if sys.byteorder == "big":
                self._words[code].byteswap()
        words = self._words[code]
        return words[offset // words.itemsize :: self._layout.size // words.itemsize]
