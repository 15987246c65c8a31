"""Gives every event its origin and its purpose: the one place where both are asked for."""

from __future__ import annotations

from . import examples, origin, origin_table, program_facts
from . import purpose, purpose_events, purpose_groups, purpose_rules, split
from .group_table import Indexed
from .inner_verdicts import InnerVerdicts
from .stack_beginnings import Beginnings
from .stack_tree import StackTree

MAX_ASKED = 20000  # groups of which each one's purpose is asked for by an example
ROUNDS = 2  # a block may go on to a group that began before the one that it comes from


def prepare():
    """Read the tables that `classify` will need: for who has time to spare before."""
    origin_table.default()
    purpose_rules.default()


def classify(history, stacks):
    """Set `verdict` and `purpose` of history.events. `stacks`: a StackTree, or {id: (Frame, …)}.

    What lies inside a call, a nested call or a memory syscall, has the call's verdict.
    A recorder's groups are asked for once; of many events also what they are for.
    """
    tree = StackTree.of(stacks)
    judge = _Judge(history, tree)
    if history.recorded is not None:
        _judge_groups(history.recorded.sums.groups, judge)
        explain = _explain_groups if history.has_many() else _explain_events
        explain(history, tree, judge)
        return
    inner = InnerVerdicts(tree)
    for event in history.events:
        within = event.cause if event.kind == "syscall" else event.outer
        outer = history.events[within] if within is not None else None
        if outer is None:
            event.verdict = judge.verdict(event)
        else:
            stacks = tree.node(outer.stack), tree.node(event.stack)
            event.verdict = inner.of(outer.verdict, *stacks)
    survey = purpose.Survey(history.events, tree, history.modules, judge.facts)
    for index, event in enumerate(history.events):
        event.purpose = purpose.explain(index, history.events, tree, survey)


def _judge_groups(groups, judge):
    """A group lies in an older one, so that one's verdict is there."""
    ask = [judge.asker(image, phase, name) for _, name, _, _, phase, image in groups.whats]
    known, verdict, inner = Indexed(), groups.verdict, InnerVerdicts(judge.tree)
    nodes = judge.tree.nodes(groups.stack)
    for index, (what, node, within) in enumerate(zip(groups.what, nodes, groups.within)):
        if within:
            outer = known.values[verdict[within - 1]]
            verdict[index] = known.of(inner.of(outer, nodes[within - 1], node))
        else:
            verdict[index] = known.of(ask[what](node))
    groups.verdicts = known.values


def _explain_events(history, tree, judge):
    """Each event; a group whose events are for several things becomes several."""
    recorded, events = history.recorded, history.events
    groups = recorded.sums.groups
    survey = purpose.Survey(events, tree, history.modules, judge.facts)
    survey.before = {}
    explained = purpose_events.Explained(events, groups, survey, judge.facts_of)
    groups.purposes = [None, *explained.purposes]
    groups.forget_members()
    split.by_purpose(recorded, explained.numbers)


def _explain_groups(history, tree, judge):
    """By events of each group; of too many groups the frequent ones have examples, and what the
    others are for is said where their stacks alone tell."""
    groups = history.recorded.sums.groups
    asked = [groups[index] for index in groups.most_telling(MAX_ASKED)]
    picked = examples.of(history.recorded, asked)
    survey = purpose.Survey(picked.events, tree, history.modules, judge.facts)
    survey.part = picked
    found = _explained(asked, picked, tree, survey)
    for id_, answer in purpose.by_stacks(groups, survey, found, judge.facts_of):
        found[id_] = answer
    shared, known, numbers = {}, Indexed(), {}  # numbers: by identity, of those that say the same
    for index in range(len(groups)):
        answer = found[index + 1]
        if id(answer) not in numbers:
            numbers[id(answer)] = known.of(shared.setdefault((answer.text, answer.rule), answer))
        groups.purpose[index] = numbers[id(answer)]
    groups.purposes = known.values
    groups.forget_members()


def _explained(groups, picked, tree, survey):
    """{id: Purpose}: a group whose events are all here is for what each of them is for; of others
    it is asked what holds for all that they differ in."""
    things, whole = purpose_groups.Things(), list(filter(picked.are_all, groups))
    found = _explain_whole(whole, picked, tree, survey, things)
    example = {group.id: index for index, group in picked.stands_for.items()}
    known = {}  # id -> what its blocks were when it was asked about: all that a round may change
    for _ in range(ROUNDS):
        for group in groups:
            id_ = group.id
            if group.within and group.kind == "call":
                _take_over(found, id_, group.within)
            elif id_ in example and found.get(id_) in (None, purpose.UNKNOWN):
                before = things.before(group)
                if known.get(id_) != before:
                    known[id_], index = before, example[id_]
                    found[id_] = purpose_groups.explain(group, index, picked.events, survey, things)
    return found


def _take_over(found, id_, outer):
    """A nested call is for what the call around it is for; that may be asked of its stack later."""
    if outer in found:
        found[id_] = found[outer]
    else:
        found.pop(id_, None)


def _explain_whole(groups, picked, tree, survey, things):
    events, seen, found = picked.events, {}, {}  # seen: index -> what the event's block was then
    members = {index for group in groups for index in picked.members[group.id]}
    for index in sorted(_asked(members, events, survey)):
        events[index].purpose = purpose.explain(index, events, tree, survey)
        seen[index] = survey.thing(events[index])
    for group in groups:
        mine = picked.members[group.id]
        found[group.id] = purpose_groups.agreed([events[index].purpose for index in mine])
        things.remember(group, {seen[index] for index in mine})
    return found


def _asked(wanted, events, survey):
    """The events to be explained, with those that their purpose may rest on."""
    found, waiting = set(), list(wanted)
    while waiting:
        index = waiting.pop()
        if index is not None and index not in found:
            found.add(index)
            waiting += [events[index].outer, survey.index_before(events[index])]
    return found


class _Judge:
    """Asks once for each distinct question: how a stack begins, in a phase, of a function."""

    def __init__(self, history, tree):
        self.tree = tree
        programs = program_facts.of_images(history, tree)
        same = {}  # images of the same facts are judged as one
        self._program = {
            image: same.setdefault(tuple(told.values()), told) for image, told in programs.items()
        }
        self._facts, self._askers = {}, {}
        self._seen = {}  # program -> what origin.decide remembers of its frames
        self._answers = Beginnings(tree)

    def facts(self, event):
        return self.facts_of(event.image, event.phase, event.name)

    def facts_of(self, image, phase, name):
        program = self._program[image]
        key = id(program), phase, name
        if key not in self._facts:
            self._facts[key] = origin.Facts(phase=phase, name=name, **program)
        return self._facts[key]

    def verdict(self, event):
        key = event.image, event.phase, event.name
        ask = self._askers.get(key) or self._askers.setdefault(key, self.asker(*key))
        return ask(self.tree.node(event.stack))

    def asker(self, image, phase, name):
        """A function: the verdict over the stack at a node."""
        program = id(self._program[image])
        facts, seen = self.facts_of(image, phase, name), self._seen.setdefault(program, {})
        answer, question = self._answers.answer, (program, phase, name)
        return lambda node: answer(
            question, node, lambda stack: origin.decide(stack, facts, seen=seen)
        )
