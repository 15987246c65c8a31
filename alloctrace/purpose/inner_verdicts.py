"""Verdicts of what lies inside a call: the call's, with the deciding frame's place in the stack of
the nested call or memory syscall, which has more frames than the call's own."""

from __future__ import annotations

from alloctrace.plain import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from alloctrace.model import Verdict
    from alloctrace.stacks.tree import StackTree


MOST_FRAMES = 200  # that are looked through for the deciding one


class InnerVerdicts:
    """Over one StackTree; asked for stacks by their nodes."""

    def __init__(self, tree: StackTree) -> None:
        self._tree = tree
        self._places: dict[tuple[int, int, int], int | None] = {}
        self._made: dict[tuple[int, int | None], tuple[Verdict, ...]] = {}

    def of(self, verdict: Verdict, outer: int, node: int) -> Verdict:
        """Of the stack that begins at `node`; `verdict`: of the call, whose stack is `outer`."""
        if verdict is None or verdict.decided_by is None:
            return verdict
        question = verdict.decided_by, outer, node
        if question not in self._places:
            self._places[question] = self._place(*question)
        return self._with(verdict, self._places[question])

    def _with(self, verdict: Verdict, place: int | None) -> Verdict:
        if place == verdict.decided_by:
            return verdict
        key = id(verdict), place
        if key not in self._made:  # the old one is kept: or its identity would be used again
            self._made[key] = verdict, replace(verdict, decided_by=place)
        return self._made[key][1]

    def _place(self, index: int, outer: int, node: int) -> int | None:
        """None where the stack was cut before that frame."""
        wanted = self._tree.outer(outer, index)
        inner = list(self._begin(node))
        if wanted in inner:
            return inner.index(wanted)
        frame_of = self._tree.frame_of
        frames = [frame_of[at] for at in inner]
        frame = frame_of[wanted] if wanted > 0 else None
        return frames.index(frame) if frame in frames else None

    def _begin(self, node: int) -> Iterator[int]:
        for _ in range(MOST_FRAMES):
            if node <= 0:
                return
            yield node
            node = self._tree.parents[node]
