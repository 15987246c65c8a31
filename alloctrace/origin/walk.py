"""The walk outwards over a stack: frames are looked at when they are asked for, and what a long
walk found is shared by the stacks that lead through the same nodes (stack_beginnings.Beginning)."""

from __future__ import annotations

from alloctrace.plain import replace
from alloctrace.symbols.function_names import plain
from .facts import is_interpreter, places
from .via import word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Protocol

    from alloctrace.model import Frame, Verdict
    from alloctrace.origin.facts import Facts
    from alloctrace.origin.table import Row, Table
    from alloctrace.origin.via import Via, ViaState
    from alloctrace.stacks.beginnings import Beginning

    Look = tuple[Optional[str], Optional[Row], bool, tuple[str, bool], str, bool]  # Walk._look
    Passed = list[tuple[tuple[int, ViaState, int, int], int]]  # (key of what is shared, index)

    class Stack(Protocol):
        """Frames, innermost first: asked for one after the other."""

        def __getitem__(self, index: int, /) -> Frame:
            ...


FAR = 4  # frames; from there on stacks share what they lead to
_OF_NOBODY = ("system", "vdso", "")  # roles of code of which only a row could say whose it is
MAX_SHARED = 1 << 18  # answers, of some 350 bytes


class Walk:
    """Over one stack, by `facts` of its event and the `table` of functions."""

    def __init__(
        self,
        stack: Stack,
        facts: Facts,
        table: Table,
        seen: dict[int, Look],
    ) -> None:
        self.stack = stack
        self.facts = facts
        self.table = table
        self._further: dict[int, Verdict] = {}  # by a frame: over the stack from there on
        self._seen = seen
        self._looks: list[Look] = []
        # Of a beginnings.Beginning.
        self._shared: dict[Any, Any] | None = getattr(stack, "shared", None)

    def has(self, at: int) -> bool:
        """Whether the stack is so deep. Nothing outside the last index asked for is looked at."""
        looks = self._looks
        while at >= len(looks):
            try:
                frame = self.stack[len(looks)]
            except IndexError:
                return False
            looks.append(self._seen.get(id(frame)) or self._remember(frame))
        return True

    def look(self, at: int) -> Look:
        """What is known of frame `at`, as `_look` tells it."""
        self.has(at)
        return self._looks[at]

    def row(self, at: int) -> Row | None:
        """The row of frame `at`; None also behind the end."""
        return self._looks[at][1] if self.has(at) else None

    def _remember(self, frame: Frame) -> Look:
        return self._seen.setdefault(id(frame), self._look(frame))

    def _look(self, frame: Frame) -> Look:
        """(name, row, whether it only acts for its caller, unless that calls it back, its word, its
        module, whether it is inlined)."""
        name = plain(frame.function)
        row = self.table.find(name, places(frame, self.facts))
        rest = word(frame, name, row), frame.module, frame.inlined
        if row is not None:
            return name, row, row.kind == "pass" and not frame.known, *rest
        acts = frame.role in _OF_NOBODY or is_interpreter(frame, self.facts)
        return name, None, acts and frame.role != "loader" and not frame.known, *rest

    def known_from(
        self,
        at: int,
        via: Via,
        passed: Passed,
    ) -> tuple[Verdict, int, int] | None:
        """(Verdict, index, on how many frames it rests) over the stack from `at` on, where another
        one met this with the same behind it; `passed`: what is to be remembered later."""
        if TYPE_CHECKING:
            assert isinstance(self.stack, Beginning) and self._shared is not None
        key = self.stack.nodes[at], via.state(), id(self.stack[at - 1]), len(self._further)
        passed.append((key, at))
        known: tuple[Verdict, int, int] | None = self._shared.get(key)
        return known

    def remembered(
        self,
        passed: Passed,
        verdict: Verdict,
        at: int | None = None,
        before: int = 0,
        beyond: int = 0,
    ) -> Verdict:
        """The Verdict; `at`: it is one that was remembered: from the index `before` on it
        held, and it rests on `beyond` frames."""
        if TYPE_CHECKING:
            assert isinstance(self.stack, Beginning) and self._shared is not None
        if at is not None:
            self.stack.rests_on(at + beyond)
            if verdict.decided_by is not None and before != at:
                verdict = replace(verdict, decided_by=verdict.decided_by + at - before)
                key = (*vars(verdict).values(),)
                verdict = self._shared.setdefault(key, verdict)
        for key, index in passed if len(self._shared or ()) < MAX_SHARED else ():
            self._shared[key] = verdict, index, self.stack.looked - index
        return verdict
