"""Verdicts over the stacks of a run, each distinct question asked once, and kept for the next run
of the program.

A verdict rests on how a stack begins, and of a frame on what TOLD says of it: not on its address,
its line or its file's build. So what one run was answered is the answer to the same words in the
next one, whatever has changed on disk meanwhile, as long as rules and code are the same.
"""

from __future__ import annotations

from array import array
from operator import attrgetter

from alloctrace import globs, kept, model, tables, words
from alloctrace.model import Verdict
from alloctrace.stacks import beginnings
from alloctrace.symbols import function_names, mangled_names

from . import facts, origin, table, via, walk

# All of a frame that origin.decide looks at; and whether it has a file.
TOLD = attrgetter("function", "module", "role", "known", "inlined")
_CODE = (facts, origin, table, via, walk, globs, model, tables, words, beginnings)
_CODE += (function_names, mangled_names)
MOST_KEPT = 1 << 15  # tables of beginnings of one program: some 400 KiB


class Verdicts:
    """Over a StackTree; `program`: a name under which they are kept."""

    def __init__(self, tree, program):
        self._name = "verdicts of " + program
        self._sources = [table.PATH, __file__, *(module.__file__ for module in _CODE)]
        found = kept.load(self._name, self._sources)
        told, roots, tables_, rows, of = found or ([], {}, 0, [], [])
        self._numbers = {what: number for number, what in enumerate(told)}
        numbers, alike = self._numbered(tree.frames)
        by_node = array("I", map((numbers or [0]).__getitem__, tree.frame_of))
        made = [Verdict(*row) for row in rows]
        self._same = dict(zip(rows, made))  # equal ones are one
        answers = map(made.__getitem__, of)
        self._known = beginnings.Beginnings(tree, by_node, alike, roots, answers, tables_)
        self._seen = {}  # program's facts -> what origin.decide remembers of its frames

    def _numbered(self, frames):
        """(by frame its number, by number the first such frame)"""
        number = self._numbers.setdefault
        told = [(*TOLD(frame), frame.file is not None) for frame in frames]
        found = [number(what, len(self._numbers)) for what in told]
        alike = [None] * len(self._numbers)  # of those that this run has not, nobody asks
        for at, frame in zip(reversed(found), reversed(frames)):
            alike[at] = frame
        return found, alike

    def asker(self, about):
        """A function: the verdict over the stack at a node; `about`: its origin.Facts."""
        program = about.libc, (*sorted(about.holds),), about.executable_mixed
        question = (*program, about.phase, about.name)
        seen, answer = self._seen.setdefault(program, {}), self._known.answer
        return lambda node: answer(question, node, lambda stack: self._decide(stack, about, seen))

    def _decide(self, stack, about, seen):
        verdict = origin.decide(stack, about, seen=seen)
        return self._same.setdefault((*vars(verdict).values(),), verdict)

    def keep(self):
        """For the next run, where there is anything new; of too many none."""
        known = self._known
        if known.has_more and known.tables <= MOST_KEPT:
            number = {id(verdict): at for at, verdict in enumerate(self._same.values())}
            of = [number[id(verdict)] for verdict in known.answers]
            value = list(self._numbers), known.roots, known.tables, list(self._same), of
            kept.store(self._name, self._sources, value)
