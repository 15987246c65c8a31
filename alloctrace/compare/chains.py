"""Stacks as chains of function names, numbered so that equal chains of all runs are one number.

A chain is a function and the chain of its caller. It begins at the user's main, or where the code
of the program begins: what the C library has outside of it differs from one library to the next.
"""

from __future__ import annotations

from array import array

from alloctrace.columns.schema import MAX_DEPTH

_OUTSIDE = frozenset("_start _start_c _dl_start_user __libc_start_main clone clone3".split())
MAINS = ("main", "user_main")
NAMELESS = -1  # no chain is equal to one that holds a function without a name


class Chains:
    """Numbers of chains; 0 is the empty one. One for all runs that are compared."""

    def __init__(self):
        self._numbers = {}

    def number(self, name, outer):
        """Of the function `name` called by the chain `outer`; NAMELESS with one without a name."""
        if name is None or outer == NAMELESS:
            return NAMELESS
        return self._numbers.setdefault((outer, name), len(self._numbers) + 1)


class RunChains:
    """The chains of one run, by node of its StackTree.

    `expanded`: with inlined functions; `physical`: without; `cut(node, until)`: the innermost part.
    """

    def __init__(self, tree, functions, chains):
        self._tree, self._chains = tree, chains
        self._detailed = [functions.name(frame, True) for frame in tree.frames]
        self.plain = [functions.name(frame) for frame in tree.frames]
        self._is_outside = [_is_outside(frame) for frame in tree.frames]
        self.expanded = self._all(with_inlined=True)
        self.physical = self._all(with_inlined=False)

    def _all(self, with_inlined):
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

    def cut(self, node, until):
        """From `node` to the function at `until`, included; without the numbers of closures."""
        return tuple(name for name, _ in self.between(node, until)) + self._last(until)

    def _last(self, until):
        return (self.plain[self._tree.frame_of[until]],) if until > 0 else ()

    def between(self, node, until):
        """Yield (name, frame) from `node` on, without that at `until`."""
        tree = self._tree
        for _ in range(MAX_DEPTH):
            if node <= 0 or node == until:
                return
            at = tree.frame_of[node]
            yield self.plain[at], tree.frames[at]
            node = tree.parents[node]


def _is_outside(frame):
    return frame.role in ("system", "loader") or frame.function in _OUTSIDE
