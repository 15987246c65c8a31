"""Which event hangs beneath which: syscalls under the call that made them, nested calls under
theirs."""

from __future__ import annotations

from collections import defaultdict

from alloctrace import measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from alloctrace.model import Event

_DEEPEST = 100  # calls in one another: a stranger's trace may have as many as events


class Node:
    """An event and what hangs beneath it: the syscalls it made, the calls nested in it."""

    __slots__ = ("event", "children", "freed", "times", "depth")

    def __init__(self, event: Event, freed: int | None) -> None:
        self.event, self.freed, self.times = event, freed, 1
        self.children: list[Node] = []
        self.depth = 0


class Forest:
    """Hangs each event beneath the call that made it, one event after the other."""

    def __init__(self) -> None:
        self._nodes: dict[int | None, Node] = {}
        self._sizes: dict[int | None, int] = {}

    def add(self, event: Event) -> Node | None:
        """The event's node if it stands at the top, else None."""
        node = self._nodes[event.seq] = Node(event, self._sizes.get(event.block))
        if measure.hands_out(event):
            self._sizes[event.block] = measure.bytes_asked(event)
        above = self._nodes.get(event.cause if event.kind == "syscall" else event.outer)
        if above is None or above.depth >= _DEEPEST:
            return node
        node.depth = above.depth + 1
        above.children.append(node)
        return None

    def forget(self, node: Node) -> None:
        """What is shown needs no more room."""
        self._nodes.pop(node.event.seq, None)
        if node.event.name == "free":
            self._sizes.pop(node.event.block, None)
        for child in node.children:
            self.forget(child)


def grow(events: Iterable[Event]) -> defaultdict[tuple[int, str], list[Node]]:
    """{(image, phase): [Node]}: un-nested calls and syscalls without a call at the top."""
    forest, tops = Forest(), defaultdict(list)
    for event in events:
        node = forest.add(event)
        if node:
            tops[event.image, event.phase].append(node)
    return tops


def pass_through(node: Node) -> Node:
    """Leave out a nested call that only passes its outer call on: same bytes, same pointer."""
    kept = []
    for child in map(pass_through, node.children):
        kept += child.children if _same_request(node.event, child.event) else [child]
    node.children = kept
    return node


def _same_request(outer: Event, inner: Event) -> bool:
    if inner.kind != "call" or inner.failed or outer.result != inner.result:
        return False
    return inner.name != "free" and measure.bytes_asked(outer) == measure.bytes_asked(inner)
