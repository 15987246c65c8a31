"""Gives every event its origin and its purpose: the one place where both are asked for."""

from __future__ import annotations

from . import examples, origin, origin_table, program_facts, purpose, purpose_rules


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
    events, stands_for = examples.of(history.recorded)
    survey = purpose.Survey(events, stacks, history.modules, judge.facts)
    survey.examples = {seq for seq, group in stands_for.items() if group.count > 1}
    for index in sorted(_asked(stands_for, events, survey)):
        events[index].purpose = purpose.explain(index, events, stacks, survey)
        if index in stands_for:
            stands_for[index].purpose = events[index].purpose
    shared = {}
    for group in groups:
        group.purpose = shared.setdefault(group.purpose and group.purpose.text, group.purpose)


def _asked(stands_for, events, survey):
    """The events to be explained: examples, and those whose purpose theirs may rest on."""
    found, waiting = set(), list(stands_for)
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
