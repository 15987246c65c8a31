"""Raw stacks -> a tree of symbolised ones: first which places they lead through, then their frames.

A recorder tells a tree of nodes, of which each is looked at once however many stacks it is in; the
breakpoint engine tells single stacks.
"""

from __future__ import annotations

from array import array
from operator import not_

from alloctrace import kernels, words
from alloctrace.stacks.grower import Grower
from alloctrace.stacks.nodes import NodeStacks
from alloctrace.stacks.tree import StackTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.history import History
    from alloctrace.model import Frame
    from alloctrace.spool.spool import Stack
    from .places import Place, Places

_BEGINS, _CALLS = 1, 2  # a node is where a stack begins, or a caller


def plan(history: History, places: Places) -> _OfNodes | _OfStacks:
    """What of `places` the stacks of `history` need: `.wanted()`, then `.tree(frames_at)`."""
    if isinstance(history.stacks, NodeStacks) and history.packed is not None:
        return _OfNodes(history.stacks, history.packed.sums.groups, places)
    return _OfStacks(history, places)


class _OfStacks:
    def __init__(self, history: History, places: Places) -> None:
        self._places, self._uses = places, _first_uses(history)
        self._stacks = {
            id_: (stack.cut, self._resolve(stack, self._uses.get(id_)))
            for id_, stack in history.stacks.items()
        }

    def _resolve(self, stack: Stack, when: tuple[int, int] | None) -> list[Place]:
        """[Place], innermost first."""
        found, lasting, is_caller = [], self._places.lasting(when and when[1]), False
        for pc, _ in stack.frames:
            number = lasting.get(pc)
            number = self._places.find(pc, when) if number is None else number
            exact, as_caller, has_caller = self._places.found[number]
            found.append(as_caller if is_caller else exact)
            is_caller = has_caller
        return found

    def wanted(self) -> list[Place]:
        stacks = self._stacks.values()
        return list({id(place): place for _, found in stacks for place in found}.values())

    def tree(self, frames_at: Callable[[Place], Sequence[Frame]]) -> StackTree:
        """`frames_at(place)`: the frames there, innermost first."""
        grower = Grower()
        pieces: dict[int, tuple[int, ...]] = {}  # by id of a place
        for id_, (cut, found) in self._stacks.items():
            node = -cut if cut in words.CUTS else 0
            for place in reversed(found):
                if id(place) not in pieces:
                    pieces[id(place)] = grower.numbers(frames_at(place))
            numbers = (pieces[id(place)] for place in reversed(found))
            grower.node_of[id_] = grower.shared(node, numbers)
        return StackTree.grown(grower, grower.node_of, list(grower.node_of))


class _OfNodes:
    def __init__(self, stacks: NodeStacks, groups: GroupTable, places: Places) -> None:
        self._stacks, self._groups, self._places = stacks, groups, places
        self._make_room()
        if len(stacks.parents) < kernels.FEWEST or not self._walk_at_once():
            self._make_room()
            self._walk()
            self._kinds = set(zip(self._marks, self._at))

    def _make_room(self) -> None:
        """By node: its marks, its number of places.found, the index of its first group."""
        count = len(self._stacks.parents)
        self._marks = bytearray(count)
        self._at, self._first = array("I", bytes(4 * count)), array("i", bytes(4 * count))

    def _walk_at_once(self) -> bool:
        """As `_walk`: first which program counters there are in which image, then what they are."""
        parents, marks, at, groups = self._stacks.parents, self._marks, self._at, self._groups
        images = array("I", _numbered(what.image for what in groups.whats))
        met = array("i", bytes(4 * len(parents)))
        known = parents, self._stacks.pcs, marks, self._first, at, met, len(parents)
        of = groups.stack, groups.what, len(groups), images, len(images)
        pairs = kernels.run("walked", *known, *of)
        if pairs is None or pairs < 0:
            return False
        numbers = self._numbers_of(met[:pairs])
        del met
        found = self._places.found
        kinds = array("I", bytes(16 * (len(found) + 1)))
        calls = bytearray([has_caller for _, _, has_caller in found])
        rest = numbers, len(numbers), calls, len(calls), kinds
        count = kernels.run("placed", parents, marks, at, len(parents), *rest)
        if count is None or count < 0:
            return False
        self._kinds = {(kind & 3, kind >> 2) for kind in kinds[:count]}
        return True

    def _numbers_of(self, met: array[int]) -> array[int]:
        """Numbers of places by number of a pair; `met`: by this a node of it, the highest. A node
        whose place is another one at other times gets a pair of its own."""
        places, groups, first = self._places, self._groups, self._first
        image_of = [what.image for what in groups.whats]
        begun = array("I", map(first.__getitem__, met))  # by pair the group of its node
        images = list(map(image_of.__getitem__, map(groups.what.__getitem__, begun)))
        pcs = list(map(self._stacks.pcs.__getitem__, met))
        if all(map(places.never_changes, set(images))):
            return array("I", places.find_all(pcs, images))
        changes = bytearray(map(not_, map(places.lasts, pcs, images)))
        numbers, marks, at = array("I", bytes(4 * len(met))), self._marks, self._at
        nodes = {node for node, pair in enumerate(at) if changes[pair] and marks[node]}
        for node in sorted(nodes.union(met), reverse=True):
            when = groups.first_t[first[node]], image_of[groups.what[first[node]]]
            number = places.find(self._stacks.pcs[node], when)
            if node in nodes:
                at[node] = len(numbers)
                numbers.append(number)
            else:
                numbers[at[node]] = number
        return numbers

    def _walk(self) -> None:
        """From what was called to its callers: a parent is older than its children."""
        parents, pcs, marks, first = (
            self._stacks.parents,
            self._stacks.pcs,
            self._marks,
            self._first,
        )
        found, find, at = self._places.found, self._places.find, self._at
        images, whats = [what.image for what in self._groups.whats], self._groups.what
        times, lasting = self._groups.first_t, {}
        image: int | None = None
        for index in range(len(whats) - 1, -1, -1):
            if self._groups.stack[index] > 0:
                first[self._groups.stack[index]] = index
                marks[self._groups.stack[index]] = _BEGINS
        for node in range(len(parents) - 1, 0, -1):
            if not marks[node]:
                continue
            group = first[node]
            if images[whats[group]] != image:
                image = images[whats[group]]
                lasting = self._places.lasting(image)
            number = lasting.get(pcs[node])
            if number is None:
                number = find(pcs[node], (times[group], image))
            at[node] = number
            parent = parents[node]
            if parent > 0:
                if not marks[parent] or group < first[parent]:
                    first[parent] = group
                marks[parent] |= _CALLS if found[number][2] else _BEGINS

    def wanted(self) -> list[Place]:
        found: dict[int, Place] = {}
        for mark, number in self._kinds:
            if mark:
                exact, caller, _ = self._places.found[number]
                if mark & _BEGINS:
                    found[id(exact)] = exact
                if mark & _CALLS:
                    found[id(caller)] = caller
        return list(found.values())

    def tree(self, frames_at: Callable[[Place], Sequence[Frame]]) -> StackTree:
        """`frames_at(place)`: the frames there, innermost first."""
        grower = Grower()
        pieces = self._pieces(grower, frames_at)
        begins = array("i", bytes(4 * len(self._marks)))
        calls = bytearray([has_caller for _, _, has_caller in self._places.found])
        nodes = self._stacks.parents, self._marks, self._at
        if not grower.of_nodes(*nodes, calls, pieces, begins, self._first):
            self._grow(grower, begins, pieces)
        made = StackTree.grown(grower, begins, self._stacks.used)
        made.is_of_nodes = not grower.has_cut
        return made

    def _grow(self, grower: Grower, begins: array[int], pieces: list[tuple[int, ...]]) -> None:
        stacks, found = self._stacks, self._places.found
        called = self._first  # room to use again
        add, cuts = grower.adder(), words.CUTS
        for node, (mark, parent, number) in enumerate(zip(self._marks, stacks.parents, self._at)):
            if not mark:
                continue
            if parent > 0:
                outer = called[parent] if found[number][2] else begins[parent]
            else:
                outer = parent if -parent in cuts else 0
            if mark & _BEGINS:
                begins[node] = add(outer, pieces[2 * number])
            if mark & _CALLS:
                called[node] = add(outer, pieces[2 * number + 1])

    def _pieces(
        self, grower: Grower, frames_at: Callable[[Place], Sequence[Frame]]
    ) -> list[tuple[int, ...]]:
        """By twice the number of a place: the numbers of its frames where a stack begins, and
        behind them those as a caller."""
        places, numbers = self._places.found, grower.numbers
        pieces: list[tuple[int, ...]] = [()] * (2 * len(places))
        for mark, number in self._kinds:
            if mark & _BEGINS:
                pieces[2 * number] = numbers(frames_at(places[number][0]))
            if mark & _CALLS:
                pieces[2 * number + 1] = numbers(frames_at(places[number][1]))
        return pieces


def _numbered(values: Iterable[Hashable]) -> list[int]:
    """Those that are equal have the same number."""
    known: dict[Hashable, int] = {}
    return [known.setdefault(value, len(known)) for value in values]


def _first_uses(history: History) -> dict[int, tuple[int, int]]:
    """{stack id: (t_ns, image)} of the first event with it."""
    found = {}
    for event in getattr(history, "events", ()):
        if event.stack and event.stack not in found:
            found[event.stack] = (event.t_ns, event.image)
    return found
