"""Raw stacks -> a tree of symbolised ones: first which places they lead through, then their frames.

A recorder tells a tree of nodes, of which each is looked at once however many stacks it is in; the
breakpoint engine tells single stacks.
"""

from __future__ import annotations

from array import array

from alloctrace import words
from alloctrace.stacks.nodes import NodeStacks
from alloctrace.stacks.tree import Grower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.history import History
    from alloctrace.model import Frame
    from alloctrace.spool.spool import Stack
    from alloctrace.stacks.tree import StackTree
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
                    pieces[id(place)] = _numbers(grower, frames_at(place))
            numbers = (pieces[id(place)] for place in reversed(found))
            grower.node_of[id_] = grower.shared(node, numbers)
        return grower.tree(grower.node_of, list(grower.node_of))


class _OfNodes:
    def __init__(self, stacks: NodeStacks, groups: GroupTable, places: Places) -> None:
        self._stacks, self._places = stacks, places
        self._marks = bytearray(len(stacks.parents))
        self._at = array("I", bytes(4 * len(stacks.parents)))  # numbers of places.found
        self._first = array("i", bytes(4 * len(stacks.parents)))  # index of its first group
        self._groups = groups
        for index in range(len(groups) - 1, -1, -1):
            if groups.stack[index] > 0:
                self._first[groups.stack[index]] = index
                self._marks[groups.stack[index]] = _BEGINS
        self._walk()

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
        for mark, number in set(zip(self._marks, self._at)):
            if mark:
                exact, caller, _ = self._places.found[number]
                if mark & _BEGINS:
                    found[id(exact)] = exact
                if mark & _CALLS:
                    found[id(caller)] = caller
        return list(found.values())

    def tree(self, frames_at: Callable[[Place], Sequence[Frame]]) -> StackTree:
        """`frames_at(place)`: the frames there, innermost first."""
        grower, stacks = Grower(), self._stacks
        pieces, found = self._pieces(grower, frames_at), self._places.found
        begins, called = array("i", bytes(4 * len(self._marks))), self._first  # room to use again
        add, cuts = grower.adder(), words.CUTS
        for node, (mark, parent, number) in enumerate(zip(self._marks, stacks.parents, self._at)):
            if not mark:
                continue
            if parent > 0:
                outer = called[parent] if found[number][2] else begins[parent]
            else:
                outer = parent if -parent in cuts else 0
            if mark & _BEGINS:
                begins[node] = add(outer, pieces[number][0])
            if mark & _CALLS:
                called[node] = add(outer, pieces[number][1])
        made = grower.tree(begins, stacks.used)
        made.is_of_nodes = not grower.has_cut
        return made

    def _pieces(
        self, grower: Grower, frames_at: Callable[[Place], Sequence[Frame]]
    ) -> list[list[tuple[int, ...]]]:
        """By number of a place: the numbers of its frames where a stack begins, and as a caller."""
        pieces: list[list[tuple[int, ...]]] = [[(), ()] for _ in self._places.found]
        for mark, number in set(zip(self._marks, self._at)):
            places = self._places.found[number][:2] if mark else ()
            for side, (bit, place) in enumerate(zip((_BEGINS, _CALLS), places)):
                if mark & bit:
                    pieces[number][side] = _numbers(grower, frames_at(place))
        return pieces


def _numbers(grower: Grower, frames: Sequence[Frame]) -> tuple[int, ...]:
    """Of the frames at one place, outermost first."""
    return tuple(grower.number(frame) for frame in reversed(frames))


def _first_uses(history: History) -> dict[int, tuple[int, int]]:
    """{stack id: (t_ns, image)} of the first event with it."""
    found = {}
    for event in getattr(history, "events", ()):
        if event.stack and event.stack not in found:
            found[event.stack] = (event.t_ns, event.image)
    return found
