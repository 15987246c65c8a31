"""Answers that rest on how a stack begins: asked once for all stacks that begin alike.

A question walks outwards only as far as it must. What it looked at is the beginning that its
answer holds for, so the answer is the one that each stack by itself would get. Where it must walk
far, it may find at a node what it found there before (`Beginning.shared`).

Answers that rest on more frames than are remembered, as in a deep recursion, are remembered by the
whole stack: by a number of 61 bits that its frames have in this run and the next one. Of a million
stacks two have the same one with a chance of one in four million.
"""

from __future__ import annotations

from array import array
from functools import cached_property

from alloctrace import kernels
from . import packed_beginnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeVar

    from alloctrace.model import Frame
    from .packed_beginnings import Packed
    from .tree import StackTree

    _Answer = TypeVar("_Answer")

# A beginning that is remembered: its frames, and the tables of 232 bytes that there may be before
# it. Who has many long ones would pay for each of their frames.
LONGEST, MAX_TABLES = 16, 1 << 17
LONGER, FEWER_TABLES = 48, 1 << 14
MOST_NODES, MOST_WHOLE = 1 << 18, 1 << 16  # of a tree whose whole stacks are remembered; of these
EVERY = 4  # one node in so many remembers
AHEAD = 4  # frames are fetched together
_END = -1  # in a frame's place: the stack ends here


class Beginning:
    """A stack of a StackTree as a sequence of frames, innermost first; knows what was looked at.

    Of frames that are alike it shows the first.
    `shared`: a dict for answers over the rest of a stack, by node; `nodes`: of the frames so far.
    """

    def __init__(
        self,
        parents: array[int],
        numbers: array[int],
        alike: Sequence[Frame],
        node: int,
        shared: dict[int, Any],
    ) -> None:
        self._tree, self._next = (parents, numbers, alike), node
        self._frames: list[Frame] = []
        self.nodes: list[int] = []
        self.shared = shared
        self.looked = 0  # frames, and the end

    def __getitem__(self, index: int) -> Frame:
        if index < 0:
            raise IndexError(index)
        frames = self._frames
        if index >= len(frames):
            self._fetch(index)
        if index >= self.looked:
            self.looked = min(index, len(frames)) + 1
        return frames[index]

    def _fetch(self, index: int) -> None:
        """Some more at once: who asks for one will ask for the next."""
        (parents, numbers, alike), frames = self._tree, self._frames
        nodes, node = self.nodes, self._next
        for _ in range(index + AHEAD - len(frames)):
            if node <= 0:
                break
            nodes.append(node)
            frames.append(alike[numbers[node]])
            node = parents[node]
        self._next = node

    def rests_on(self, count: int) -> None:
        """The answer rests on that many frames at least, looked at for it or for another one."""
        self.looked = max(self.looked, count)


class Beginnings:
    """Remembers answers by the frames that they rest on: a tree of dicts, from inside outwards.

    `numbers`: by node, the same of frames that are alike: of StackTree.alike, their addresses say
    nothing; `alike`: by number, a frame. `roots`, `answers`: what was remembered before.
    """

    def __init__(
        self,
        tree: StackTree,
        numbers: array[int] | None = None,
        alike: Sequence[Frame] | None = None,
        told: Packed = packed_beginnings.NOTHING,
        answers: Iterable[Any] = (),
        tables: int = 0,
        whole: dict[Any, dict[int, int]] | None = None,
    ) -> None:
        self._parents = tree.parents
        self._numbers = tree.alike if numbers is None else numbers
        self._alike = tree.frames if alike is None else alike
        self._told, self._is_looked_through = told, False
        self.answers = list(answers)  # by number
        self.whole: dict[Any, dict[int, int]] = {} if whole is None else whole
        # question -> number of a whole stack -> number of its answer
        self._room = MOST_WHOLE - sum(map(len, self.whole.values()))
        self._has_whole = len(self._parents) <= MOST_NODES
        self.has_more = False  # than it was given
        self.tables = tables  # that there are
        self._shared: dict[Any, dict[int, Any]] = {}

    @cached_property
    def roots(self) -> dict[Any, Any]:
        """{question: dicts of dicts, at last (number,)}"""
        return packed_beginnings.unpacked(self._told)

    def packed(self) -> Packed:
        """What is known of beginnings by now."""
        if not self.has_more:
            return self._told
        if self._is_looked_through:
            all_ = packed_beginnings.unpacked(self._told)
            self.tables += packed_beginnings.merge(all_, self.roots)
            self._is_looked_through, self.roots = False, all_
        return packed_beginnings.packed(self.roots)

    def known(
        self, questions: Sequence[Any], of: array[int], nodes: array[int], within: array[int]
    ) -> tuple[array[int], array[int]] | None:
        """Of many stacks at once the numbers of those answers that were remembered before, as
        packed_beginnings.known says. Whoever is asked about from then on is looked for among what
        is new alone."""
        has_whole = self._has_whole and any(self.whole.get(question) for question in questions)
        wholes, tree = self._wholes if has_whole else None, (self._parents, self._numbers)
        asked = questions, of, nodes, within
        found = packed_beginnings.known(self._told, self.whole, wholes, tree, asked)
        if found is not None:
            self._is_looked_through, self.roots = True, {}
        return found

    def answer(self, question: Any, node: int, ask: Callable[[Beginning], _Answer]) -> _Answer:
        """`ask(Beginning)`'s answer for the stack at `node`. `question`: all else it rests on."""
        parents, frame_of = self._parents, self._numbers
        found, at = self.roots.get(question), node
        while type(found) is dict:
            found = found.get(frame_of[at] if at > 0 else _END)
            at = parents[at] if at > 0 else 0
        if found is not None:
            known: _Answer = self.answers[found[0]]
            return known
        whole = self.whole.get(question) if self._has_whole and node > 0 else None
        number = None if whole is None else whole.get(self._wholes[node])
        if number is not None:
            known = self.answers[number]
            return known
        shared = self._shared.setdefault(question, {})
        beginning = Beginning(parents, frame_of, self._alike, node, shared)
        answer = ask(beginning)
        is_long = beginning.looked > LONGEST
        if beginning.looked <= LONGER and self.tables < (FEWER_TABLES if is_long else MAX_TABLES):
            table = self.roots.setdefault(question, {})
            self._remember(table, node, max(beginning.looked, 1), answer)
        elif self._has_whole and self._room > 0 and node > 0:
            self._room -= 1
            self.whole.setdefault(question, {})[self._wholes[node]] = self._number(answer)
        return answer

    @cached_property
    def _wholes(self) -> array[int]:
        """By node, the number of its whole stack."""
        parents, numbers = self._parents, self._numbers
        found = array("q", bytes(8 * len(parents)))
        if len(parents) >= kernels.FEWEST:
            if kernels.run("wholes", parents, numbers, len(parents), found) == 0:
                return found
        for node in range(1, len(parents)):
            parent = parents[node]
            outer = found[parent] if parent > 0 else parent  # the reason why it was cut
            found[node] = hash((outer, numbers[node]))
        return found

    def _number(self, answer: Any) -> int:
        self.answers.append(answer)
        self.has_more = True
        return len(self.answers) - 1

    def _remember(self, table: dict[Any, Any], node: int, length: int, answer: Any) -> None:
        parents, frame_of = self._parents, self._numbers
        for _ in range(length - 1):
            key = frame_of[node] if node > 0 else _END
            if key not in table:
                table[key] = {}
                self.tables += 1
            table, node = table[key], parents[node]
        table[frame_of[node] if node > 0 else _END] = (self._number(answer),)
