"""Symbolised stacks as a tree: a node is a frame and its caller's node.

Nodes are numbered from 1, a caller's before those of what it called; a node without a caller has
0 in its place, or -N where the stack was cut for reason N (words.CUTS). A run may have as many
stacks as events, so what is asked of many stacks is answered once for each node.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate, chain
from operator import attrgetter

from alloctrace import kernels, measure, words
from alloctrace.columns.schema import MAX_DEPTH
from alloctrace.model import Frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from alloctrace.model import Verdict
    from alloctrace.spool.spool import Stack
    from typing import Any, TypeVar, Union

    NodeOf = Union[dict[int, int], array[int]]
    _Key = TypeVar("_Key")
    _Said = TypeVar("_Said")

LEAP = 16  # callers, a power of 2: long ways outwards are gone in leaps
_but_address = attrgetter(*(name for name in Frame.__annotations__ if name != "pc"))


class StackTree(Mapping[int, "tuple[Frame, ...]"]):
    """{stack id: (Frame, …)}, innermost first; a tuple is made when it is asked for.

    `frames`: a list of Frame; `parents`, `frame_of`: by node, index 0 unused; `node_of`: a dict or
    an array, by stack id, None where ids are nodes; `ids`: the stacks.
    """

    def __init__(
        self,
        frames: Sequence[Frame] = (),
        parents: array[int] | None = None,
        frame_of: array[int] | None = None,
        node_of: NodeOf | None = None,
        ids: Collection[int] = (),
    ) -> None:
        self.frames = frames
        self.parents = array("i", [0]) if parents is None else parents
        self.frame_of = array("I", [0]) if frame_of is None else frame_of
        self.node_of, self.ids = node_of, ids
        self.is_of_nodes = False  # whether each node is of a stack that some event has
        self._asked: tuple[Sequence[int] | None, array[int]] = None, array("i")
        # the last ids that `nodes` was asked about, and its answer

    @classmethod
    def of(
        cls, stacks: Mapping[int, Sequence[Frame]], raw: Mapping[int, Stack] | None = None
    ) -> StackTree:
        """The same of {id: frames}; `raw`: {id: spool.Stack}, which tells why stacks were cut."""
        if isinstance(stacks, cls):
            return stacks
        grower, raw = Grower(), raw or {}
        for id_ in dict.fromkeys([*raw, *stacks]):
            cut = raw[id_].cut if id_ in raw else 0
            numbers = [(grower.number(frame),) for frame in reversed(stacks.get(id_, ()))]
            grower.node_of[id_] = grower.shared(-cut if cut in words.CUTS else 0, numbers)
        return grower.tree(grower.node_of, list(grower.node_of))

    def node(self, id_: int) -> int:
        """The node of a stack; 0 or less where it has no frames."""
        if id_ <= 0:
            return id_
        if self.node_of is None:
            return id_ if id_ < len(self.parents) else 0
        return self.node_of[id_] if not isinstance(self.node_of, dict) else self.node_of.get(id_, 0)

    def nodes(self, ids: Sequence[int]) -> array[int]:
        """The nodes of many stacks, as an array. Whose they are does not change meanwhile."""
        asked, found = self._asked
        if asked is not ids or len(found) != len(ids):
            found = self._nodes(ids)
            self._asked = ids, found
        return found

    def _nodes(self, ids: Sequence[int]) -> array[int]:
        if isinstance(self.node_of, array):
            of = self.node_of
            if min(ids, default=0) > 0:
                return array("i", map(of.__getitem__, ids))
            return array("i", [of[id_] if id_ > 0 else id_ for id_ in ids])
        return array("i", map(self.node, ids))

    def __getitem__(self, id_: int) -> tuple[Frame, ...]:
        node = self.node(id_)
        if node <= 0 and id_ not in self.ids:
            raise KeyError(id_)
        return tuple(self.outwards(node))

    def stack(self, id_: int) -> tuple[Frame, ...]:
        """The frames of a stack, innermost first; () where there is none."""
        return self.get(id_, ())

    def outwards(self, node: int) -> Iterator[Frame]:
        """Yield the frames from a node on."""
        parents, frame_of, frames = self.parents, self.frame_of, self.frames
        for _ in range(MAX_DEPTH):
            if node <= 0:
                return
            yield frames[frame_of[node]]
            node = parents[node]

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def frame(self, id_: int, index: int) -> Frame | None:
        """Frame `index` of a stack, or None."""
        node = self.outer(self.node(id_), index)
        return self.frames[self.frame_of[node]] if node > 0 and index >= 0 else None

    def outer(self, node: int, index: int) -> int:
        """The node `index` callers outwards; 0 or less where the stack ends before."""
        parents = self.parents
        if index >= len(parents):  # more than there can be: of a damaged trace
            return 0
        if index > 2 * LEAP:
            leaps, index = divmod(index, LEAP)
            for _ in range(leaps):
                node = self._leaps[node] if node > 0 else 0
        while index > 0 and node > 0:
            node = parents[node]
            index -= 1
        return node

    @cached_property
    def _leaps(self) -> array[int]:
        """By node: the one LEAP callers outwards, 0 where the stack ends before."""
        found = array("i", bytes(4 * len(self.parents)))
        if kernels.run("leaps", self.parents, found, len(found), LEAP) == 0:
            return found
        found = array("i", [parent if parent > 0 else 0 for parent in self.parents])
        for _ in range(LEAP.bit_length() - 1):
            found = array("i", map(found.__getitem__, found))
        return found

    def deciding_node(self, node: int, index: int | None) -> int:
        """The node of measure.deciding_frame, 0: none. `index`: of the frame that decided."""
        if index is None:
            return self._named[node] or node if node > 0 else 0
        parents, at = self.parents, self.outer(node, index)
        if at <= 0 or index < 0:
            return self.deciding_node(node, None)
        if not self._silent[self.frame_of[at]]:
            return at
        while self._silent[self.frame_of[at]]:
            outer = parents[at]
            if outer <= 0 or not self._in_loader[self.frame_of[outer]]:
                break
            at = outer
        return at

    def deciding_frame(self, id_: int, verdict: Verdict | None) -> Frame | None:
        """The one meaningful frame of a stack, or None."""
        node = self.deciding_node(self.node(id_), verdict.decided_by if verdict else None)
        return self.frames[self.frame_of[node]] if node > 0 else None

    @cached_property
    def _traits(self) -> tuple[bytearray, bytearray, bytearray]:
        """By frame, three bytearrays: it is the loader's, and says nothing about why it was called;
        it is the loader's, and has a name; it has a name. All of one look at each."""
        silent, in_loader, named = bytearray(), bytearray(), bytearray()
        for frame in self.frames:
            silent.append(measure.is_silent(frame))
            in_loader.append(frame.role == "loader" and frame.function is not None)
            named.append(bool(frame.function))
        return silent, in_loader, named

    @property
    def _silent(self) -> bytearray:
        return self._traits[0]

    @property
    def _in_loader(self) -> bytearray:
        return self._traits[1]

    @cached_property
    def _named(self) -> array[int]:
        """By node: the first node outwards, itself included, whose frame has a name; 0: none."""
        has_name = self._traits[2]
        found = array("i", [0])
        for node, (parent, frame) in enumerate(zip(self.parents, self.frame_of)):
            if node:
                found.append(node if has_name[frame] else found[parent] if parent > 0 else 0)
        return found

    @cached_property
    def alike(self) -> array[int]:
        """By node: the first frame that differs from its own in the address alone, as those of one
        program's processes do."""
        first: dict[Any, int] = {}
        numbers = [
            first.setdefault(_but_address(frame), number)
            for number, frame in enumerate(self.frames)
        ]
        return array("I", map((numbers or [0]).__getitem__, self.frame_of))

    def said(
        self, keys: Iterable[_Key], nodes: Iterable[int], of_frame: Callable[[Frame], _Said | None]
    ) -> dict[_Key, set[_Said]]:
        """{key: {what `of_frame` says of the frames of its stacks}}; None is nothing.

        `nodes`: where stacks begin, all that there are; `keys`: whose each of them is.
        """
        keys = list(keys)
        if self.is_of_nodes and keys and keys.count(keys[0]) == len(keys):
            frames = set(self.frame_of[1:])
            said: set[Any] = {of_frame(self.frames[frame]) for frame in frames} - {None}
            return {keys[0]: said}
        begun: dict[_Key, array[int]] = {}
        for key, node in zip(keys, nodes):
            begun.setdefault(key, array("i")).append(node)
        same: dict[_Said | None, _Said | None] = {}
        says = [same.setdefault(said, said) for said in map(of_frame, self.frames)]
        met = array("I", bytes(4 * len(self.parents)))  # by node: the last key that led to it
        found: dict[_Key, set[Any]] = {}
        for number, (key, starts) in enumerate(begun.items(), 1):
            found[key] = self._said_from(starts, met, number, says) - {None}
        return found

    def _said_from(
        self, starts: Iterable[int], met: array[int], number: int, says: list[_Said | None]
    ) -> set[_Said | None]:
        parents, frame_of, found = self.parents, self.frame_of, set()
        for node in starts:
            while node > 0 and met[node] != number:
                met[node] = number
                found.add(says[frame_of[node]])
                node = parents[node]
        return found


class Unions:
    """Bits of all frames of a stack together: of each node once, for those further out are shared.

    `bits_of(frame)`: a whole number.
    """

    def __init__(self, tree: StackTree, bits_of: Callable[[Frame], int]) -> None:
        self._tree, self._bits_of = tree, bits_of
        self._known: list[int] | None = None

    def of(self, node: int) -> int:
        """Of the stack that begins at `node`."""
        return self.all()[node] if node > 0 else 0

    def all(self) -> list[int]:
        """By node."""
        if self._known is None:
            own = list(map(self._bits_of, self._tree.frames))
            found = [0]
            shared: dict[int, int] = {}
            rows = zip(self._tree.parents, self._tree.frame_of)
            next(rows)
            for parent, frame in rows:
                bits, more = found[parent] if parent > 0 else 0, own[frame]
                if more & ~bits:
                    bits |= more
                    bits = shared.setdefault(bits, bits)
                found.append(bits)
            self._known = found
        return self._known


class Grower:
    """Makes a tree, callers first."""

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
        pieces: Sequence[Sequence[tuple[int, ...]]],
        begins: array[int],
        called: array[int],
    ) -> bool:
        """What symbols/stacks.py adds for the nodes of a recorder, one after the other, at once;
        False: that is still to be done. `at`, `marks`: by node the number of a place, and whether
        it is where a stack begins (1) or a caller (2); `begins`, `called`: room for its new nodes.
        By place `calls`, whether its caller is one, and `pieces`, the numbers of its frames."""
        if len(parents) < kernels.FEWEST:
            return False
        sides = list(chain.from_iterable(pieces))
        starts = array("I", accumulate(map(len, sides), initial=0))
        flat = array("I", chain.from_iterable(sides))
        cuts = sum(1 << cut for cut in words.CUTS)
        known = parents, marks, at, len(parents), calls, starts, flat, len(pieces)
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

    def tree(self, node_of: NodeOf | None, ids: Collection[int]) -> StackTree:
        return StackTree(self.frames, self.parents, self.frame_of, node_of, ids)
