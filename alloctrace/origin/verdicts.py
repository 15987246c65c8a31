"""Verdicts over the stacks of a run, each distinct question asked once, and kept for the next run
of the program.

A verdict rests on how a stack begins, and of a frame on what TOLD says of it: not on its address,
its line or its file's build. So what one run was answered is the answer to the same words in the
next one, whatever has changed on disk meanwhile, as long as rules and code are the same.
"""

from __future__ import annotations

from operator import attrgetter

from alloctrace import globs, kept, kernels, model, tables, words
from alloctrace.model import Frame, Verdict
from alloctrace.stacks import beginnings, packed_beginnings
from alloctrace.symbols import function_names, mangled_names

from . import facts, origin, table, via, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from alloctrace.origin.facts import Facts
    from alloctrace.origin.walk import Look
    from alloctrace.stacks.beginnings import Beginning
    from alloctrace.stacks.tree import StackTree

# All of a frame that origin.decide looks at; and whether it has a file.
TOLD = attrgetter("function", "module", "role", "known", "inlined")
_CODE = [facts, origin, table, via, walk, globs, model, tables, words, beginnings]
_CODE += [function_names, mangled_names, packed_beginnings]
MOST_KEPT = 1 << 15  # tables of beginnings of one program: some 400 KiB
MANY, LITTLE = 1000, 64  # answers; of so many one part in so many that is new is little


class Verdicts:
    """Over a StackTree; `program`: a name under which they are kept."""

    def __init__(self, tree: StackTree, program: str) -> None:
        self._name = "verdicts of " + program
        self._sources = [table.PATH, __file__, *(str(module.__file__) for module in _CODE)]
        self._sources += kernels.paths()
        nothing: Any = [], packed_beginnings.NOTHING, 0, {}, [], []
        found: Any = kept.load(self._name, self._sources) or nothing
        told, packed, tables_, whole, rows, of = found
        self._numbers = {what: number for number, what in enumerate(told)}
        numbers, alike = self._numbered(tree.frames)
        by_node = tree.by_node(numbers)
        made = [Verdict(*row) for row in rows]
        self._same = dict(zip(rows, made))  # equal ones are one
        answers = map(made.__getitem__, of)
        self._known = beginnings.Beginnings(tree, by_node, alike, packed, answers, tables_, whole)
        self._before = len(of)  # answers
        # By a program's facts: what origin.decide remembers of its frames.
        self._seen: dict[tuple[Any, ...], dict[int, Look]] = {}

    def _numbered(self, frames: Sequence[Frame]) -> tuple[list[int], list[Frame]]:
        """(by frame its number, by number the first such frame)"""
        number = self._numbers.setdefault
        told = [(*TOLD(frame), frame.file is not None) for frame in frames]
        found = [number(what, len(self._numbers)) for what in told]
        nobody = Frame(0)  # of those that this run has not, nobody asks
        alike = [nobody] * len(self._numbers)
        for at, frame in zip(reversed(found), reversed(frames)):
            alike[at] = frame
        return found, alike

    def asker(self, about: Facts) -> Callable[[int], Verdict]:
        """A function: the verdict over the stack at a node; `about`: its origin.Facts."""
        program, question = _program(about), _question(about)
        seen, answer = self._seen.setdefault(program, {}), self._known.answer
        return lambda node: answer(question, node, lambda stack: self._decide(stack, about, seen))

    def known(
        self, abouts: Iterable[Facts], of: array[int], nodes: array[int], within: array[int]
    ) -> tuple[array[int], array[int]] | None:
        """Of many stacks at once the verdicts of earlier runs, as numbers of `answers`; `abouts`:
        by kind. As packed_beginnings.known says it."""
        return self._known.known(list(map(_question, abouts)), of, nodes, within)

    @property
    def answers(self) -> list[Verdict]:
        return self._known.answers

    def _decide(
        self,
        stack: Beginning,
        about: Facts,
        seen: dict[int, Look],
    ) -> Verdict:
        verdict = origin.decide(stack, about, seen=seen)
        same: Verdict = self._same.setdefault((*vars(verdict).values(),), verdict)
        return same

    def keep(self) -> None:
        """For the next run, where there is anything new that is worth it; of too many none."""
        known = self._known
        packed = known.packed() if self._is_worth_it() else None
        if packed is not None and known.tables <= MOST_KEPT:
            number = {id(verdict): at for at, verdict in enumerate(self._same.values())}
            of = [number[id(verdict)] for verdict in known.answers]
            remembered = packed, known.tables, known.whole
            value = list(self._numbers), *remembered, list(self._same), of
            kept.store(self._name, self._sources, value)

    def _is_worth_it(self) -> bool:
        """Each run of a large program has a few stacks that no other one has: to keep those costs
        more than to judge as many in the next run."""
        count = len(self._known.answers)
        return count > self._before and (count < MANY or count - self._before >= count // LITTLE)


def _program(about: Facts) -> tuple[Any, ...]:
    return about.libc, (*sorted(about.holds),), about.executable_mixed


def _question(about: Facts) -> tuple[Any, ...]:
    return (*_program(about), about.phase, about.name)
