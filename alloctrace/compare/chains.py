"""Stacks as chains of function names, numbered so that equal chains of all runs are one number.

A chain is a function and the chain of its caller. It begins at the user's main, or where the code
of the program begins: what the C library has outside of it differs from one library to the next.
"""

from __future__ import annotations

from array import array

from alloctrace.columns.schema import MAX_DEPTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Union

    from alloctrace.compare.names import Functions
    from alloctrace.model import Frame
    from alloctrace.stacks.tree import StackTree

    Bytes = Union[bytes, bytearray]

_OUTSIDE = frozenset("_start _start_c _dl_start_user __libc_start_main clone clone3".split())
MAINS = ("main", "user_main")
NAMELESS = -1  # no chain is equal to one that holds a function without a name


class Chains:
    """Numbers of chains; 0 is the empty one. One for all runs that are compared."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str], int] = {}

    def number(self, name: str | None, outer: int) -> int:
        """Of the function `name` called by the chain `outer`; NAMELESS with one without a name."""
        if name is None or outer == NAMELESS:
            return NAMELESS
        return self._numbers.setdefault((outer, name), len(self._numbers) + 1)


class RunChains:
    """The chains of one run, by node of its StackTree.

    `expanded`: with inlined functions; `physical`: without; `cut(node, until)`: the innermost part.
    """

    def __init__(self, tree: StackTree, functions: Functions, chains: Chains) -> None:
        self._tree, self._chains = tree, chains
        self.plain: list[str | None] = []
        self._detailed: list[str | None] = []
        is_main, is_outside, is_inlined = bytearray(), bytearray(), bytearray()
        for frame in tree.frames:
            self._detailed.append(functions.name(frame, True))
            self.plain.append(functions.name(frame))
            is_main.append(frame.known in MAINS)
            is_outside.append(_is_outside(frame))
            is_inlined.append(frame.inlined)
        self.expanded = self._all(is_main, is_outside, bytes(len(is_main)))
        has_inlined = any(is_inlined)
        self.physical = self._all(is_main, is_outside, is_inlined) if has_inlined else self.expanded

    def _all(self, is_main: Bytes, is_outside: Bytes, is_left_out: Bytes) -> array[int]:
        """Of each node. What is said of frames, by number: outermost ones, those of the C library
        or the like, those that are no part of a chain."""
        names, number = self._detailed, self._chains.number
        found = array("q", [0])
        nodes = zip(self._tree.parents, self._tree.frame_of)
        next(nodes)  # the node 0 is none
        for parent, at in nodes:
            outer = found[parent] if parent > 0 else 0
            if is_main[at]:
                found.append(number("main", 0))
            elif is_left_out[at] or (not outer and is_outside[at]):
                found.append(outer)
            else:
                found.append(number(names[at], outer))
        return found

    def cut(self, node: int, until: int) -> tuple[str | None, ...]:
        """From `node` to the function at `until`, included; without the numbers of closures."""
        last = (self.plain[self._tree.frame_of[until]],) if until > 0 else ()
        return tuple(name for name, _ in self.between(node, until)) + last

    def between(self, node: int, until: int) -> Iterator[tuple[str | None, Frame]]:
        """Yield (name, frame) from `node` on, without that at `until`."""
        tree = self._tree
        for _ in range(MAX_DEPTH):
            if node <= 0 or node == until:
                return
            at = tree.frame_of[node]
            yield self.plain[at], tree.frames[at]
            node = tree.parents[node]


def _is_outside(frame: Frame) -> bool:
    return frame.role in ("system", "loader") or frame.function in _OUTSIDE
