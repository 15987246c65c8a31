"""Gives every group of a recorder's events its origin; who asked is known before what for."""

from __future__ import annotations

from array import array
from functools import cached_property

from alloctrace.columns.group_table import Indexed
from alloctrace.origin import origin, program_facts, table as origin_table
from alloctrace.origin.verdicts import Verdicts
from alloctrace.stacks.tree import picked
from .inner_verdicts import InnerVerdicts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.history import History
    from alloctrace.model import Event, Verdict
    from alloctrace.origin.facts import Facts
    from alloctrace.stacks.tree import StackTree

    Programs = dict[int, dict[str, Any]]  # as program_facts.of_images has them


def prepare() -> None:
    """Read the table that `judge` will need: for who has time to spare before."""
    origin_table.default()


def judge(history: History, tree: StackTree) -> Programs:
    """Set who asked, of all groups of a recorder's history; what `explain` needs to know more."""
    made = Judge(history, tree)
    assert history.packed is not None
    _judge_groups(history.packed.sums.groups, made)
    made.keep()
    return made.programs


def _judge_groups(groups: GroupTable, judge: Judge) -> None:
    """A group lies in an older one, so that one's verdict is there. What the verdicts of earlier
    runs say is looked up for all at once."""
    ask = [judge.asker(image, phase, name) for _, name, _, _, phase, image in groups.whats]
    nodes, inner = judge.tree.nodes(groups.stack), InnerVerdicts(judge.tree)
    known, looked_up = Indexed(), judge.known(groups, nodes)
    if looked_up is None:
        verdicts, rows = groups.verdict, zip(groups.what, nodes, groups.within)
        for index, (what, node, within) in enumerate(rows):
            if within:
                outer = known.values[verdicts[within - 1]]
                verdicts[index] = known.of(inner.of(outer, nodes[within - 1], node))
            else:
                verdicts[index] = known.of(ask[what](node))
        groups.verdicts = known.values
        return
    found, todo = looked_up
    number_of = array("I", bytes(4 * len(judge.answers)))
    for index in todo:
        number, within = found[index], groups.within[index]
        if number >= 0:
            number_of[number] = known.of(judge.answers[number])
            continue
        if within:
            outer = known.values[number_of[found[within - 1]]]
            verdict = inner.of(outer, nodes[within - 1], nodes[index])
        else:
            verdict = ask[groups.what[index]](nodes[index])
        found[index] = len(number_of)
        number_of.append(known.of(verdict))
    groups.verdict = picked(number_of, found)
    groups.verdicts = known.values


class Judge:
    """Asks once for each distinct question: how a stack begins, in a phase, of a function."""

    def __init__(self, history: History, tree: StackTree, programs: Programs | None = None) -> None:
        """`programs`: what program_facts.of_images says of the history, if that is known."""
        self.tree = tree
        if programs is None:
            programs = program_facts.of_images(history, tree)
        self.programs = programs
        same: dict[
            tuple[Any, ...], dict[str, Any]
        ] = {}  # images of the same facts are judged as one
        self._program = {
            image: same.setdefault(tuple(told.values()), told) for image, told in programs.items()
        }
        self._facts: dict[tuple[int, str, str], Facts] = {}
        self._askers: dict[tuple[int, str, str], Callable[[int], Verdict]] = {}
        self._modules = history.modules

    @cached_property
    def _verdicts(self) -> Verdicts:
        path = next((module.path for module in self._modules if module.role == "executable"), "")
        return Verdicts(self.tree, path)

    def facts(self, event: Event) -> Facts:
        return self.facts_of(event.image, event.phase, event.name)

    def facts_of(self, image: int, phase: str, name: str) -> Facts:
        program = self._program[image]
        key = id(program), phase, name
        if key not in self._facts:
            self._facts[key] = origin.Facts(phase=phase, name=name, **program)
        return self._facts[key]

    def verdict(self, event: Event) -> Verdict:
        key = event.image, event.phase, event.name
        ask = self._askers.get(key) or self._askers.setdefault(key, self.asker(*key))
        return ask(self.tree.node(event.stack))

    def asker(self, image: int, phase: str, name: str) -> Callable[[int], Verdict]:
        """A function: the verdict over the stack at a node."""
        return self._verdicts.asker(self.facts_of(image, phase, name))

    @property
    def answers(self) -> list[Verdict]:
        return self._verdicts.answers

    def known(self, groups: GroupTable, nodes: array[int]) -> tuple[array[int], array[int]] | None:
        """(by group the number of its verdict in `answers`, -1 where that is not known; the groups
        that are to be looked at, one after the other); None: nothing is known."""
        abouts = [self.facts_of(what.image, what.phase, what.name) for what in groups.whats]
        return self._verdicts.known(abouts, groups.what, nodes, groups.within)

    def keep(self) -> None:
        self._verdicts.keep()
