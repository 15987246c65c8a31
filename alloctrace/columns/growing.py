"""Numbers in an array that is as narrow as they allow, however many there are."""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES = ("B", "H", "I", "q")


class Growing:
    """`values`: the array, to be read."""

    def __init__(self) -> None:
        self.values = array(_CODES[0])

    def append(self, value: int) -> None:
        try:
            self.values.append(value)
        except OverflowError:
            self._widen(value, value)
            self.values.append(value)

    def extend(self, values: Sequence[int]) -> None:
        """`values`: a list or a tuple."""
        try:
            more = array(self.values.typecode, values)
        except OverflowError:
            self._widen(min(values), max(values))
            more = array(self.values.typecode, values)
        self.values.extend(more)

    def _widen(self, least: int, most: int) -> None:
        for code in _CODES[_CODES.index(self.values.typecode) + 1 :]:
            if code == "q" or (least >= 0 and most < 1 << 8 * array(code).itemsize):
                self.values = array(code, self.values)
                return
        raise OverflowError("a number of more than 64 bits")
