"""Gives every event its origin and its purpose: the one place where both are asked for."""

from __future__ import annotations

from array import array

from alloctrace.columns.group_table import Indexed
from alloctrace.origin import origin, program_facts, table as origin_table
from alloctrace.origin.verdicts import Verdicts
from alloctrace.stacks.tree import StackTree, picked
from . import events as purpose_events, examples, groups as purpose_groups, purpose
from . import questions as purpose_questions, rules as purpose_rules, split
from .facts import AROUND, THING
from .inner_verdicts import InnerVerdicts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.history import History
    from alloctrace.history.packed import PackedHistory
    from alloctrace.model import Event, Frame, Group, Purpose, Verdict
    from alloctrace.origin.facts import Facts
    from .examples import Examples
    from .groups import Things
    from .questions import Question
    from .survey import Survey

MAX_ASKED = 20000  # groups of which each one's purpose is asked for by an example
ROUNDS = 2  # a block may go on to a group that began before the one that it comes from


def prepare() -> None:
    """Read the tables that `classify` will need: for who has time to spare before."""
    origin_table.default()
    purpose_rules.default()


def classify(history: History, stacks: Mapping[int, Sequence[Frame]]) -> None:
    """Set `verdict` and `purpose` of history.events. `stacks`: a StackTree, or {id: (Frame, …)}.

    What lies inside a call, a nested call or a memory syscall, has the call's verdict.
    A recorder's groups are asked for once; of many events also what they are for.
    """
    tree = StackTree.of(stacks)
    judge, packed = _Judge(history, tree), history.packed
    if packed is not None:
        _judge_groups(packed.sums.groups, judge)
        judge.keep()
        explain = _explain_groups if history.has_many() else _explain_events
        explain(history, packed, tree, judge)
        return
    inner = InnerVerdicts(tree)
    for event in history.events:
        within = event.cause if event.kind == "syscall" else event.outer
        outer = history.events[within] if within is not None else None
        if outer is None:
            event.verdict = judge.verdict(event)
        else:
            nodes = tree.node(outer.stack), tree.node(event.stack)
            assert outer.verdict is not None  # it is an older one
            event.verdict = inner.of(outer.verdict, *nodes)
    judge.keep()
    survey = purpose.Survey(history.events, tree, history.modules, judge.facts)
    for index, event in enumerate(history.events):
        event.purpose = purpose.explain(index, history.events, tree, survey)


def _judge_groups(groups: GroupTable, judge: _Judge) -> None:
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


def _explain_events(
    history: History, packed: PackedHistory, tree: StackTree, judge: _Judge
) -> None:
    """Each event; a group whose events are for several things becomes several."""
    groups, events = packed.sums.groups, history.events
    survey = purpose.Survey(events, tree, history.modules, judge.facts)
    survey.before = {}
    explained = purpose_events.Explained(events, groups, survey, judge.facts_of)
    groups.purposes = [None, *explained.purposes]
    groups.forget_members()
    split.by_purpose(packed, explained.numbers)


def _explain_groups(
    history: History, packed: PackedHistory, tree: StackTree, judge: _Judge
) -> None:
    """What can be said of all events of a group at once is; of the others the most telling and
    the frequent ones are asked by some of their events."""
    groups = packed.sums.groups
    survey = purpose.Survey([], tree, history.modules, judge.facts)
    questions = purpose_questions.of_groups(groups, survey, judge.facts_of)
    things = purpose_groups.Things(groups, questions)
    found = purpose_groups.by_makers(groups, questions, things, survey)
    is_call = [what[0] == "call" for what in groups.whats]
    rows = enumerate(zip(questions[1:], groups.what), 1)
    open_ = [
        id_ for id_, (q, what) in rows if not is_call[what] or not (q.is_closed or id_ in found)
    ]
    asked = [groups[at] for at in groups.most_telling(MAX_ASKED, [id_ - 1 for id_ in open_])]
    picked = examples.of(packed, _with_makers(groups, asked, questions))
    survey.events, survey.part = picked.events, picked
    found.update(_explained(asked, picked, tree, questions, survey, things))
    known = Indexed()
    same: dict[tuple[str | None, str], Purpose] = {}
    numbers: dict[int, int] = {}
    for index, (question, within) in enumerate(zip(questions[1:], groups.within)):
        if question is purpose_questions.OUTER:
            groups.purpose[index] = groups.purpose[within - 1]
            continue
        answer = question.answer[0] if question.answer else found.get(index + 1, purpose.UNKNOWN)
        number = numbers.get(id(answer))
        if number is None:
            first = same.setdefault((answer.text, answer.rule), answer)
            number = numbers[id(answer)] = known.of(first)
        groups.purpose[index] = number
    groups.purposes = known.values
    groups.forget_members()


def _with_makers(groups: GroupTable, asked: list[Group], questions: list[Question]) -> list[Group]:
    """These groups with those that made the blocks of their events, if that decides what they are
    for; where some have too many makers to be told, the most telling of all."""
    wanted = {group.id - 1 for group in asked}
    for group in asked:
        if THING in questions[group.id].differ and group.members is not None:
            if group.members.makers is None:
                wanted.update(groups.most_telling(MAX_ASKED, list(range(len(groups)))))
                break
            wanted.update(id_ - 1 for id_ in group.members.makers)
    made = {group.id - 1: group for group in asked}
    return [made.get(at) or groups.bare(at) for at in sorted(wanted)]


def _explained(
    groups: list[Group],
    picked: Examples,
    tree: StackTree,
    questions: list[Question],
    survey: Survey,
    things: Things,
) -> dict[int, Purpose]:
    """{id: Purpose}: a group whose events are all here is for what each of them is for; of others
    it is asked what holds for all that they differ in."""
    groups = [group for group in groups if not questions[group.id].is_closed]
    whole = [group for group in groups if _is_whole(group, picked, questions)]
    found = _explain_whole(whole, picked, tree, questions, survey, things)
    example = {group.id: index for index, group in picked.stands_for.items()}
    known: dict[
        int, set[str]
    ] = {}  # id -> what its blocks were when it was asked about: all that a round may change
    for _ in range(ROUNDS):
        for group in groups:
            id_ = group.id
            if id_ in example and found.get(id_) in (None, purpose.UNKNOWN):
                before = things.before(group)
                if known.get(id_) != before:
                    known[id_], asked = before, (questions[id_].rules, example[id_])
                    found[id_] = purpose_groups.explain(
                        group, *asked, picked.events, survey, things
                    )
    return found


def _is_whole(group: Group, picked: Examples, questions: list[Question]) -> bool:
    """Whether its events can be asked one by one."""
    if not picked.are_all(group):
        return False
    return AROUND not in questions[group.id].differ or picked.have_neighbours(group)


def _explain_whole(
    groups: list[Group],
    picked: Examples,
    tree: StackTree,
    questions: list[Question],
    survey: Survey,
    things: Things,
) -> dict[int, Purpose]:
    events = picked.events
    found: dict[int, Purpose] = {}
    seen: dict[int, str | None] = {}  # by index: what the event's block was then
    members = {index for group in groups for index in picked.members[group.id]}
    answers = ((at, questions[id_].answer) for id_, mine in picked.members.items() for at in mine)
    said = {at: answer for at, answer in answers if answer}
    for index in sorted(_asked(members, events, survey) | said.keys()):
        event = events[index]
        if index in said:
            event.purpose, thing = said[index]
            if thing is not None:
                survey.remember(event, thing)
        else:
            event.purpose = purpose.explain(index, events, tree, survey)
        seen[index] = survey.thing(event)
    for group in groups:
        mine = picked.members[group.id]
        found[group.id] = purpose_groups.agreed(
            [events[index].purpose or purpose.UNKNOWN for index in mine]
        )
        things.remember(group, {seen[index] for index in mine})
    return found


def _asked(wanted: Iterable[int], events: Sequence[Event], survey: Survey) -> set[int]:
    """The events to be explained, with those that their purpose may rest on."""
    found: set[int] = set()
    waiting: list[int | None] = list(wanted)
    while waiting:
        index = waiting.pop()
        if index is not None and index not in found:
            found.add(index)
            waiting += [events[index].outer, survey.index_before(events[index])]
    return found


class _Judge:
    """Asks once for each distinct question: how a stack begins, in a phase, of a function."""

    def __init__(self, history: History, tree: StackTree) -> None:
        self.tree = tree
        programs = program_facts.of_images(history, tree)
        same: dict[
            tuple[Any, ...], dict[str, Any]
        ] = {}  # images of the same facts are judged as one
        self._program = {
            image: same.setdefault(tuple(told.values()), told) for image, told in programs.items()
        }
        self._facts: dict[tuple[int, str, str], Facts] = {}
        self._askers: dict[tuple[int, str, str], Callable[[int], Verdict]] = {}
        path = next((module.path for module in history.modules if module.role == "executable"), "")
        self._verdicts = Verdicts(tree, path)

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
