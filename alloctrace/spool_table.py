"""A table of numbers as a spool tells it: the history in C writes large ones."""

from __future__ import annotations

import sys
from array import array


class Table:
    """Rows of numbers that stay as bytes until their columns are asked for, each as an array."""

    def __init__(self, payload, layout):
        if len(payload) % layout.size:
            raise ValueError("a part of a row")
        self.payload, self._layout, self._words = payload, layout, {}

    def __len__(self):
        return len(self.payload) // self._layout.size

    def __iter__(self):
        return self._layout.iter_unpack(self.payload)

    def packed(self):
        """Each row as its bytes."""
        size = self._layout.size
        return (self.payload[at : at + size] for at in range(0, len(self.payload), size))

    def column(self, code, offset):
        """The numbers of type `code` at byte `offset` of the rows."""
        if code not in self._words:
            self._words[code] = array(code, self.payload)
            if sys.byteorder == "big":
                self._words[code].byteswap()
        words = self._words[code]
        return words[offset // words.itemsize :: self._layout.size // words.itemsize]
