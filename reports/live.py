"""`--live`: the lines of the run view while the run goes on, as strace does it.

A call is shown once it has returned, for only then is known what it made; order is that of their
beginnings. What waits behind a call that never returns is shown by `finish`.
"""

from __future__ import annotations

from collections import deque

from reports import event_tree, run_view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alloctrace.model import Event, Frame
    from reports.event_tree import Node
    from reports.ink import Ink


class Follower:
    """Feed it events as they come; they may still lack their return when they do.

    `stack_of(id)`: the frames as far as they are known by now; `meaning(event)`: fills in verdict
    and purpose just before an event is shown, or does nothing.
    """

    def __init__(
        self,
        stack_of: Callable[[int], tuple[Frame, ...]],
        ink: Ink,
        meaning: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._stack_of, self._ink, self._meaning = stack_of, ink, meaning
        self._forest = event_tree.Forest()
        self._waiting: deque[Node] = deque()
        self._phase: tuple[int, str] | None = None
        self._widths = run_view.usual_widths(ink)

    def feed(self, events: list[Event]) -> Iterator[str]:
        """Yield lines for what has ended by now."""
        for event in events:
            node = self._forest.add(event)
            if node:
                self._waiting.append(node)
        while self._waiting and self._waiting[0].event.dur_ns is not None:
            yield from self._show(self._waiting.popleft())

    def finish(self) -> Iterator[str]:
        """Yield lines for the rest."""
        while self._waiting:
            yield from self._show(self._waiting.popleft())

    def _show(self, node: Node) -> Iterator[str]:
        yield from self._border(node.event)
        self._explain(node)
        for row in run_view.rows([node], self._stack_of, self._ink):
            yield run_view.line(row, self._widths, self._ink)
        self._forest.forget(node)

    def _explain(self, node: Node) -> None:
        self._meaning(node.event)
        for child in node.children:
            self._explain(child)

    def _border(self, event: Event) -> Iterator[str]:
        if self._phase is None:
            yield from run_view.head(self._widths, self._ink)
        if (event.image, event.phase) != self._phase:
            self._phase = event.image, event.phase
            yield ""
            yield self._ink.bold(event.phase)
