"""Gives every event its origin and its purpose: the one place where both are asked for."""

from __future__ import annotations

from . import examples, origin, origin_table, program_facts
from . import purpose, purpose_groups, purpose_rules


ROUNDS = 2  # a block may go on to a group that began before the one that it comes from


def prepare():
    """Read the tables that `classify` will need: for who has time to spare before."""
    origin_table.default()
    purpose_rules.default()


def classify(history, stacks):
    """Set `verdict` and `purpose` of history.events. `stacks`: {stack id: (Frame, …)}.

    What lies inside a call, a nested call or a memory syscall, has the call's origin.
    Of a recorder's many events those that are alike are asked for once.
    """
    judge = _Judge(history, stacks)
    if history.has_many():
        _classify_groups(history, stacks, judge)
        return
    for event in history.events:
        within = event.cause if event.kind == "syscall" else event.outer
        outer = history.events[within] if within is not None else None
        event.verdict = outer.verdict if outer else judge.verdict(event)
    survey = purpose.Survey(history.events, stacks, history.modules, judge.facts)
    for index, event in enumerate(history.events):
        event.purpose = purpose.explain(index, history.events, stacks, survey)


def _classify_groups(history, stacks, judge):
    groups = history.recorded.sums.groups
    for group in groups:
        outer = groups[group.within - 1] if group.within else None
        group.verdict = outer.verdict if outer else judge.verdict(group)
    picked = examples.of(history.recorded)
    survey = purpose.Survey(picked.events, stacks, history.modules, judge.facts)
    survey.part = picked
    _explain_groups(groups, picked, stacks, survey)
    shared = {}
    for group in groups:
        what = group.purpose and (group.purpose.text, group.purpose.rule)
        group.purpose = shared.setdefault(what, group.purpose)


def _explain_groups(groups, picked, stacks, survey):
    """A group whose events are all here is for what each of them is for; of others it is asked what
    holds for all that they differ in."""
    things, whole = purpose_groups.Things(), list(filter(picked.are_all, groups))
    _explain_whole(whole, picked, stacks, survey, things)
    example = {group.id: index for index, group in picked.stands_for.items()}
    for _ in range(ROUNDS):
        for group in groups:
            if group.within and group.kind == "call":
                group.purpose = groups[group.within - 1].purpose
            elif group.id in example and group.purpose in (None, purpose.UNKNOWN):
                index = example[group.id]
                group.purpose = purpose_groups.explain(group, index, picked.events, survey, things)


def _explain_whole(groups, picked, stacks, survey, things):
    events, seen = picked.events, {}  # seen: index -> what the event's block was then
    members = {index for group in groups for index in picked.members[group.id]}
    for index in sorted(_asked(members, events, survey)):
        events[index].purpose = purpose.explain(index, events, stacks, survey)
        seen[index] = survey.thing(events[index])
    for group in groups:
        mine = picked.members[group.id]
        group.purpose = purpose_groups.agreed([events[index].purpose for index in mine])
        things.remember(group, {seen[index] for index in mine})


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
    """Asks once for each distinct question: a stack, in a phase, of a function."""

    def __init__(self, history, stacks):
        self._stacks = stacks
        self._programs = program_facts.of_images(history, stacks)
        self._facts, self._verdicts = {}, {}
        self._seen = {}  # image -> what origin.decide remembers of its frames

    def facts(self, event):
        key = (event.image, event.phase, event.name)
        if key not in self._facts:
            program = self._programs[event.image]
            self._facts[key] = origin.Facts(phase=event.phase, name=event.name, **program)
        return self._facts[key]

    def first_program(self):
        """Facts of the program that brkpoint started, whatever it became by exec."""
        return origin.Facts(**self._programs.get(0, {}))

    def verdict(self, event):
        key = (event.stack, event.image, event.phase, event.name)
        if key not in self._verdicts:
            stack = self._stacks.get(event.stack, ())
            seen = self._seen.setdefault(event.image, {})
            self._verdicts[key] = origin.decide(stack, self.facts(event), seen=seen)
        return self._verdicts[key]
