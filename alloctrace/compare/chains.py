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

    from alloctrace.compare.names import Functions
    from alloctrace.model import Frame
    from alloctrace.stacks.tree import StackTree

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
        self._detailed = [functions.name(frame, True) for frame in tree.frames]
        self.plain = [functions.name(frame) for frame in tree.frames]
        self._is_outside = [_is_outside(frame) for frame in tree.frames]
        self.expanded = self._all(with_inlined=True)
        self.physical = self._all(with_inlined=False)

    def _all(self, with_inlined: bool) -> array[int]:
        frames, frame_of, number = self._tree.frames, self._tree.frame_of, self._chains.number
        found = array("q", [0])
        for node, parent in enumerate(self._tree.parents):
            if not node:
                continue
            at = frame_of[node]
            outer = found[parent] if parent > 0 else 0
            if frames[at].known in MAINS:
                found.append(number("main", 0))
            elif (frames[at].inlined and not with_inlined) or (not outer and self._is_outside[at]):
                found.append(outer)
            else:
                found.append(number(self._detailed[at], outer))
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
