"""The stacks of a recorder as it tells them: nodes, each a program counter and its caller's node.

A mapping {node: spool.Stack} of those that events have. A stack is unrolled when somebody asks for
it: a run may have as many stacks as events, each of hundreds of frames.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping

from alloctrace import kernels, words
from alloctrace.spool import spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class NodeStacks(Mapping[int, spool.Stack]):
    """`parents`, `pcs`: by number of the node, from 1; a parent is older, 0 or less where a stack
    ends: -N, cut for reason N. `used`: numbers of nodes where stacks begin, in their order.
    """

    def __init__(self) -> None:
        self.parents, self.pcs = array("i", [0]), array("Q", [0])
        self.used = array("i")

    def add(self, ids: array[int], parents: array[int], pcs: array[int]) -> bool:
        """Take the next nodes, as arrays; False: they are others, or damaged."""
        if not self._are_next(ids, parents):
            return False
        self.parents.extend(parents)
        self.pcs.extend(pcs)
        return True

    def _are_next(self, ids: array[int], parents: array[int]) -> bool:
        first = len(self.parents)
        if len(ids) >= kernels.FEWEST:
            found = kernels.run("are_next", ids, parents, len(ids), first)
            if found is not None:
                return found == 1
        is_next = ids == array("i", range(first, first + len(ids)))
        return is_next and not any(map(int.__ge__, parents, ids))

    @property
    def last(self) -> int:
        """The highest number of a node."""
        return len(self.parents) - 1

    def use(self, nodes: array[int]) -> None:
        """These are the stacks of all events."""
        if len(nodes) >= kernels.FEWEST:
            found = array("i", bytes(4 * len(nodes)))
            count = kernels.run("used", nodes, len(nodes), len(self.parents), found)
            if count is not None and count >= 0:
                self.used = found[:count]
                return
        self.used = array("i", sorted(node for node in set(nodes) if node > 0))

    def __getitem__(self, node: int) -> spool.Stack:
        """Slots are not kept."""
        if not 0 < node <= self.last:
            raise KeyError(node)
        frames, start = [], node
        while node > 0:
            frames.append((self.pcs[node], 0))
            node = self.parents[node]
        return spool.Stack(start, -node if -node in words.CUTS else 0, tuple(frames))

    def __iter__(self) -> Iterator[int]:
        return iter(self.used)

    def __len__(self) -> int:
        return len(self.used)

    def cuts(self) -> dict[int, int]:
        """{reason: how many of the stacks end for it}."""
        found = Counter(map(self._ends().__getitem__, self.used))
        return {-end: count for end, count in found.items() if -end in words.CUTS and end}

    def _ends(self) -> array[int]:
        """By node, what its stack ends with."""
        count = len(self.parents)
        if count >= kernels.FEWEST:
            ends = array("i", bytes(4 * count))
            if kernels.run("ends", self.parents, count, ends) == 0:
                return ends
        ends = array("i", [0])
        for parent in self.parents[1:]:
            ends.append(parent if parent <= 0 else ends[parent])
        return ends
