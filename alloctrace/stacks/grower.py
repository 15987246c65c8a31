"""Makes the arrays of a StackTree."""

from __future__ import annotations

from array import array
from itertools import accumulate, chain

from alloctrace import kernels, words
from alloctrace.columns.schema import MAX_DEPTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from alloctrace.model import Frame


class Grower:
    """Takes frames and stacks of them, callers first."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._numbers: dict[int, int] = {}
        self.has_cut = False
        self.parents, self.frame_of = array("i", [0]), array("I", [0])
        self._depths = array("H", [0])
        self.node_of: dict[int, int] = {}
        self._nodes: dict[tuple[int, tuple[int, ...]], int] = {}

    def number(self, frame: Frame) -> int:
        """Of a frame that is kept; by identity, for comparing them is slow."""
        number = self._numbers.get(id(frame))
        if number is None:
            number = self._numbers[id(frame)] = len(self.frames)
            self.frames.append(frame)
        return number

    def numbers(self, frames: Sequence[Frame]) -> tuple[int, ...]:
        """Of the frames at one place, outermost first."""
        if len(frames) == 1:
            return (self.number(frames[0]),)
        return tuple([self.number(frame) for frame in reversed(frames)])

    def adder(self) -> Callable[[int, Sequence[int]], int]:
        """`add`, for who calls it for each of a million nodes: most are of one frame."""
        depths, add_any = self._depths, self.add
        push_parent, push_frame = self.parents.append, self.frame_of.append
        push_depth = depths.append

        def add(parent: int, numbers: Sequence[int]) -> int:
            if len(numbers) == 1:
                depth = depths[parent] if parent > 0 else 0
                if depth < MAX_DEPTH:
                    push_parent(parent)
                    push_frame(numbers[0])
                    push_depth(depth + 1)
                    return len(depths) - 1
            return add_any(parent, numbers)

        return add

    def add(self, parent: int, numbers: Sequence[int]) -> int:
        """New nodes of the frames with these numbers, outermost first; the innermost node."""
        parents, depths = self.parents, self._depths
        for number in numbers:
            depth = depths[parent] + 1 if parent > 0 else 1
            if depth > MAX_DEPTH:
                parent, depth, self.has_cut = -words.CUT_DEEP, 1, True
            parents.append(parent)
            self.frame_of.append(number)
            depths.append(depth)
            parent = len(parents) - 1
        return parent

    def shared(self, parent: int, pieces: Iterable[tuple[int, ...]]) -> int:
        """As `add`, of several tuples of numbers; nodes that are there already are taken."""
        for numbers in pieces:
            key = parent, numbers
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = self.add(parent, numbers)
            parent = node
        return parent

    def of_nodes(
        self,
        parents: array[int],
        marks: bytearray,
        at: array[int],
        calls: bytearray,
        pieces: Sequence[tuple[int, ...]],
        begins: array[int],
        called: array[int],
    ) -> bool:
        """What symbols/stacks.py adds for the nodes of a recorder, one after the other, at once;
        False: that is still to be done. `at`, `marks`: by node the number of a place, and whether
        it is where a stack begins (1) or a caller (2); `begins`, `called`: room for its new nodes.
        By place `calls`, whether its caller is one; `pieces`: the numbers of its frames where a
        stack begins, and behind them those as a caller."""
        if len(parents) < kernels.FEWEST:
            return False
        starts = array("I", accumulate(map(len, pieces), initial=0))
        flat = array("I", chain.from_iterable(pieces))
        cuts = sum(1 << cut for cut in words.CUTS)
        known = parents, marks, at, len(parents), calls, starts, flat, len(calls)
        ends = cuts, words.CUT_DEEP, MAX_DEPTH
        none, has_cut = array("i"), bytearray(1)
        made = kernels.run("grown", *known, *ends, 0, none, none, none, none, has_cut)
        if made is None or made <= 0:
            return False
        outer, frame_of = array("i", bytes(4 * (made + 1))), array("I", bytes(4 * (made + 1)))
        rooms = begins, called, outer, frame_of, has_cut
        if kernels.run("grown", *known, *ends, made, *rooms) != made:
            return False
        self.parents, self.frame_of, self.has_cut = outer, frame_of, bool(has_cut[0])
        return True
