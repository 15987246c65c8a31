"""What all frames of a stack say together: of each node once, as a number of bits."""

from __future__ import annotations

from array import array
from functools import cached_property

from alloctrace import kernels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from alloctrace.model import Frame
    from .tree import StackTree

MOST = 1 << 13  # rows of bits that are told apart at once


class Unions:
    """Bits of all frames of a stack together: of each node once, for those further out are shared.

    `bits_of(frames)`: of each frame a whole number.
    """

    def __init__(
        self, tree: StackTree, bits_of: Callable[[Sequence[Frame]], Iterable[int]]
    ) -> None:
        self._tree, self._bits_of = tree, bits_of

    def of(self, node: int) -> int:
        """Of the stack that begins at `node`."""
        if node <= 0:
            return 0
        numbers, bits = self.numbered
        return bits[numbers[node]]

    def all(self) -> list[int]:
        """By node."""
        numbers, bits = self.numbered
        return list(map(bits.__getitem__, numbers))

    @cached_property
    def numbered(self) -> tuple[array[int], list[int]]:
        """(by node the number of its bits, by number the bits)"""
        found = self._at_once()
        if found is not None:
            return found
        known: dict[int, int] = {}
        numbers = array("I", [known.setdefault(bits, len(known)) for bits in self._all()])
        return numbers, list(known)

    def _at_once(self) -> tuple[array[int], list[int]] | None:
        """The same; None: too few or too many."""
        tree, count = self._tree, len(self._tree.parents)
        if count < kernels.FEWEST:
            return None
        own: dict[int, int] = {}
        of_frame = array("I", [own.setdefault(bits, len(own)) for bits in self._bits()])
        width = 8 * (max(own, default=0).bit_length() // 64 + 1)
        rows, found = bytearray(MOST * width), array("I", bytes(4 * count))
        flat = bytearray(b"".join(bits.to_bytes(width, "little") for bits in own))
        known = tree.parents, tree.frame_of, count, of_frame, len(of_frame), flat, len(own)
        made = kernels.run("unions", *known, width // 8, found, rows, MOST)
        if made is None or made < 0:
            return None
        ends = range(width, width * made + 1, width)
        return found, [int.from_bytes(rows[at - width : at], "little") for at in ends]

    def _bits(self) -> list[int]:
        """By frame."""
        return list(self._bits_of(self._tree.frames))

    def _all(self) -> list[int]:
        own, found = self._bits(), [0]
        shared: dict[int, int] = {}
        rows = zip(self._tree.parents, self._tree.frame_of)
        next(rows)
        for parent, frame in rows:
            bits, more = found[parent] if parent > 0 else 0, own[frame]
            if more & ~bits:
                bits |= more
                bits = shared.setdefault(bits, bits)
            found.append(bits)
        return found
