"""The stacks of all allocations as one tree of functions, from the program's start inwards, by any
measure; pruned, for a run may have as many stacks as events. And the stacks of single places."""

from __future__ import annotations

import heapq
from array import array
from collections import defaultdict

from alloctrace import measure
from . import sites

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from alloctrace.model import Frame, Group
    from alloctrace.stacks.tree import StackTree
    from alloctrace.trace.read import Trace

FEWEST = 0.01  # of the whole: what has less is not shown by itself


class Node:
    """A function with all that it called. `rest`: (how many, value) of callees not shown."""

    __slots__ = ("frame", "value", "nodes", "below", "rest")

    def __init__(self, frame: Frame | None, value: int, nodes: list[int]) -> None:
        self.frame, self.value, self.nodes = frame, value, nodes  # nodes: of the StackTree
        self.rest = (0, 0)
        self.below: list[Any] = []


def of_groups(
    trace: Trace, wanted: Callable[[Group], bool] | None, value: Callable[[Group], int]
) -> defaultdict[int, int]:
    """{node of the StackTree: the sum of `value(group)`}, of all allocations; 0 or less: no stack.

    `wanted(group)`: whether it counts; None: all do.
    """
    tree = trace.tree
    found: defaultdict[int, int] = defaultdict(int)
    for group in trace.sums().groups:
        if group.allocations and (wanted is None or wanted(group)):
            found[max(0, tree.node(group.stack))] += value(group)
    return found


def grow(
    tree: StackTree,
    values: dict[int, int],
    most: int,
    fewest: float = FEWEST,
) -> Node:
    """The root, a Node without frame, and below it the `most` largest functions."""
    totals, children = _totals(tree, values), _Children(tree)
    root = Node(None, sum(values.values()), [0])
    waiting = [(-root.value, 0, root)]
    shown = number = 0
    while waiting and shown <= most:
        _, _, node = heapq.heappop(waiting)
        shown += 1
        for child in _merged(tree, totals, children, node):
            if child.value >= fewest * root.value and child.value > 0:
                number += 1
                node.below.append(child)
                heapq.heappush(waiting, (-child.value, number, child))
            elif child.value > 0:
                node.rest = node.rest[0] + 1, node.rest[1] + child.value
    _cut(root, {id(node) for _, _, node in waiting})
    return root


def _totals(tree: StackTree, values: dict[int, int]) -> array[int]:
    """By node: of all stacks that go through it. Callers have smaller numbers."""
    totals = array("q", bytes(8 * len(tree.parents)))
    for node, value in values.items():
        totals[node] += value
    for node in range(len(totals) - 1, 0, -1):
        parent = tree.parents[node]
        if parent > 0:
            totals[parent] += totals[node]
    return totals


class _Children:
    """By node, the nodes that it called: as two arrays, for there may be millions."""

    def __init__(self, tree: StackTree) -> None:
        count = len(tree.parents)
        self._first, self._next = array("i", bytes(4 * count)), array("i", bytes(4 * count))
        for node in range(count - 1, 0, -1):
            parent = max(0, tree.parents[node])
            self._next[node], self._first[parent] = self._first[parent], node

    def of(self, node: int) -> Iterator[int]:
        child = self._first[node]
        while child:
            yield child
            child = self._next[child]


def _merged(tree: StackTree, totals: array[int], children: _Children, node: Node) -> list[Node]:
    """What a function called: by function, whatever the line; the largest first."""
    found: dict[tuple[str, str | int], Node] = {}
    for above in node.nodes:
        for at in children.of(above):
            if not totals[at]:
                continue
            frame = tree.frames[tree.frame_of[at]]
            key = frame.module, frame.function or frame.offset
            child = found.get(key)
            if child is None:
                found[key] = Node(frame, totals[at], [at])
            else:
                child.value += totals[at]
                child.nodes.append(at)
    return sorted(found.values(), key=lambda child: -child.value)


def _cut(root: Node, unopened: set[int]) -> None:
    """What was not opened any more is no node of its own, but a rest of its caller's."""
    stack = [root]
    while stack:
        node = stack.pop()
        kept = [child for child in node.below if id(child) not in unopened]
        gone = [child for child in node.below if id(child) in unopened]
        node.rest = node.rest[0] + len(gone), node.rest[1] + sum(child.value for child in gone)
        node.below = kept
        stack += kept


def stacks_of_places(
    trace: Any,
    wanted: Callable[[Group], bool] | None,
    value: Callable[[Group], int],
    rows: list[dict[str, Any]],
) -> list[list[tuple[int, int]]]:
    """For each of `rows`, sites of a summary: {stack: value}, the largest first."""
    keys = {sites.key_of(row): number for number, row in enumerate(rows)}
    found: list[defaultdict[int, int]] = [defaultdict(int) for _ in rows]
    for group in trace.sums().groups:
        if group.allocations and (wanted is None or wanted(group)):
            frame = trace.tree.deciding_frame(group.stack, group.verdict)
            number = keys.get(sites.place(frame, measure.origin(group)))
            if number is not None and value(group) > 0:
                found[number][group.stack] += value(group)
    return [sorted(stacks.items(), key=lambda item: -item[1]) for stacks in found]
