"""Symbolised stacks as a tree: a node is a frame and its caller's node.

Nodes are numbered from 1, a caller's before those of what it called; a node without a caller has
0 in its place, or -N where the stack was cut for reason N (words.CUTS). A run may have as many
stacks as events, so what is asked of many stacks is answered once for each node.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from functools import cached_property
from itertools import compress
from operator import attrgetter

from alloctrace import kernels, measure, words
from alloctrace.columns.schema import MAX_DEPTH
from alloctrace.model import Frame
from .grower import Grower

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
MOST_SAID = 1 << 24  # answers at once: keys by words
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
        return cls.grown(grower, grower.node_of, list(grower.node_of))

    @classmethod
    def grown(cls, grower: Grower, node_of: NodeOf | None, ids: Collection[int]) -> StackTree:
        return cls(grower.frames, grower.parents, grower.frame_of, node_of, ids)

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
        if len(found) >= kernels.FEWEST:
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

    def how_to_decide(self, furthest: int) -> tuple[array[int], int, tuple[bytearray, ...]]:
        """What a pass in C needs where `furthest` is the furthest frame that decided: the nodes
        LEAP callers outwards, LEAP (0: no way is so long), and by frame what `_traits` says."""
        is_far = furthest > 2 * LEAP
        return (self._leaps, LEAP, self._traits) if is_far else (array("i"), 0, self._traits)

    @property
    def _silent(self) -> bytearray:
        return self._traits[0]

    @property
    def _in_loader(self) -> bytearray:
        return self._traits[1]

    @cached_property
    def _named(self) -> array[int]:
        """By node: the first node outwards, itself included, whose frame has a name; 0: none."""
        has_name, count = self._traits[2], len(self.parents)
        if count >= kernels.FEWEST:
            found = array("i", bytes(4 * count))
            known = self.parents, self.frame_of, count, has_name, len(has_name)
            if kernels.run("named", *known, found) == 0:
                return found
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
        return self.by_node(numbers)

    def by_node(self, of_frame: Sequence[int]) -> array[int]:
        """By node the number of its frame."""
        return picked(array("I", of_frame or [0]), self.frame_of)

    def said(
        self,
        keys: Iterable[_Key],
        nodes: Sequence[int],
        of_frame: Callable[[Frame], _Said | None],
        kinds: Sequence[int] | None = None,
    ) -> dict[_Key, set[_Said]]:
        """{key: {what `of_frame` says of the frames of its stacks}}; None is nothing.

        `nodes`: where stacks begin, all that there are; `keys`: whose each of them is. Many have
        few keys: then `kinds` says which of `keys` is each one's.
        """
        numbers: dict[_Key, int] = {}
        if kinds is None:
            kinds = [numbers.setdefault(key, len(numbers)) for key in keys]
            number_of: Sequence[int] = range(len(numbers))
        else:
            keys = list(keys)
            for kind in dict.fromkeys(kinds):
                numbers.setdefault(keys[kind], len(numbers))
            number_of = [numbers.get(key, 0) for key in keys]
        if self.is_of_nodes and len(numbers) == 1:
            said: set[Any] = set(map(of_frame, self.frames)) - {None}
            return {key: said for key in numbers}
        words: dict[_Said | None, int] = {}
        says = [words.setdefault(said, len(words)) for said in map(of_frame, self.frames)]
        found = self._said_at_once(len(numbers), len(words), says, number_of, kinds, nodes)
        if found is None:
            found = self._said(len(numbers), says, map(number_of.__getitem__, kinds), nodes)
        told: list[Any] = list(words)
        return {key: {told[at] for at in at_key} - {None} for key, at_key in zip(numbers, found)}

    def _said_at_once(
        self,
        keyed: int,
        words: int,
        says: list[int],
        number_of: Sequence[int],
        kinds: Sequence[int],
        nodes: Sequence[int],
    ) -> list[set[int]] | None:
        """As _said; None: it is still to be asked."""
        count = len(self.parents)
        if count < kernels.FEWEST or not 0 < keyed * words <= MOST_SAID:
            return None
        found, kinds, starts = bytearray(keyed * words), wide("I", kinds), wide("i", nodes)
        known = self.parents, self.frame_of, count, array("I", says), len(says)
        rows = array("I", number_of), len(number_of), kinds, starts, len(starts)
        if kernels.run("said", *known, *rows, keyed, words, found) != 0:
            return None
        parts = (found[at : at + words] for at in range(0, len(found), words))
        return [set(compress(range(words), part)) for part in parts]

    def _said(
        self, keyed: int, says: list[int], keys: Iterable[int], nodes: Iterable[int]
    ) -> list[set[int]]:
        """By number of a key what its stacks say, as numbers."""
        begun = [array("i") for _ in range(keyed)]
        for key, node in zip(keys, nodes):
            begun[key].append(node)
        met = array("I", bytes(4 * len(self.parents)))  # by node: the last key that led to it
        return [self._said_from(starts, met, at, says) for at, starts in enumerate(begun, 1)]

    def _said_from(
        self, starts: Iterable[int], met: array[int], number: int, says: list[int]
    ) -> set[int]:
        parents, frame_of, found = self.parents, self.frame_of, set()
        for node in starts:
            while node > 0 and met[node] != number:
                met[node] = number
                found.add(says[frame_of[node]])
                node = parents[node]
        return found


def picked(values: array[int], at: array[int]) -> array[int]:
    """`values[number]` of each number of `at`; of 32 bits each."""
    if len(at) >= kernels.FEWEST:
        found = array("I", bytes(4 * len(at)))
        if kernels.run("picked", values, len(values), at, len(at), found) == 0:
            return found
    return array("I", map(values.__getitem__, at))


def wide(code: str, numbers: Sequence[int]) -> array[int]:
    """In an array as a pass wants them: columns of a trace are narrower."""
    if isinstance(numbers, array) and numbers.typecode == code:
        return numbers
    return array(code, numbers)
