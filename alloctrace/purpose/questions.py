"""What is asked of the events of a group: the rules that may hold, and by what answers differ.

Events of a group have stack, verdict and phase in common. A rule that rests on no more says the
same of all of them, whatever their sizes are; there may be as many groups as events, but what is
asked of them is soon the same.
"""

from __future__ import annotations

from . import purpose, rules as purpose_rules
from .facts import FACTS, FIELDS, LASTING, rests_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Set
    from typing import Optional

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Event, Purpose
    from alloctrace.origin.facts import Facts
    from alloctrace.purpose.rules import Rule
    from alloctrace.purpose.survey import Survey

    Key = tuple[object, ...]  # what two groups must share for one question to be asked of both
    Answer = tuple[Purpose, Optional[str]]

_BY_STACK = {"inlining-known", "stack_user"}  # rest on the whole stack
_ON_FRAMES = _BY_STACK | {"asker"}  # that, on the frame that decided


class Question:
    """`rules`: those that may hold; `differ`: what decides between them, of purpose_facts; where
    that is nothing, `answer` is (Purpose, what their blocks are from then on or None)."""

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        differ: Set[str] = frozenset(),
        answer: Answer | None = None,
        is_free: bool = False,
    ) -> None:
        self.rules, self.differ, self.answer = rules, differ, answer
        self.remembers = not is_free
        self.known: dict[Key, tuple[int, str | None]] = {}  # what they differ by -> answer

    @property
    def is_closed(self) -> bool:
        """Whether no event needs to be looked at."""
        return self.answer is not None or self is OUTER


NOTHING = Question(answer=(purpose.UNKNOWN, None))
OUTER = Question()  # a nested call: what the call around it is for


def of_groups(
    groups: GroupTable, survey: Survey, facts_of: Callable[[int, str, str], Facts]
) -> list[Question]:
    """A Question by id of a group; there is no group 0. `groups`: a GroupTable with verdicts."""
    return _Questions(groups, survey, facts_of).all()


class _ByAsker:
    """Rules that rest on no more than the frame that decided. `known`: its number -> Question."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        self.known: dict[int | None, Question] = {}


class _Questions:
    def __init__(
        self, groups: GroupTable, survey: Survey, facts_of: Callable[[int, str, str], Facts]
    ) -> None:
        self._groups, self._survey, self._rules = groups, survey, purpose_rules.default()
        self._facts = [facts_of(what.image, what.phase, what.name) for what in groups.whats]
        self._nodes = survey.tree.nodes(groups.stack)
        self._known: dict[Key, Question | _ByAsker | None] = {}
        self._walked: dict[Key, Question] = {}
        self._names: dict[int, set[str]] = {}

    def all(self) -> list[Question]:
        groups, steps, known = self._groups, self._survey.steps.all(), self._known
        found = [OUTER]  # there is no group 0
        who = [v and (v.origin, v.owner, v.direct) for v in groups.verdicts]
        is_call = [what.kind == "call" for what in groups.whats]
        alike = self._alike()
        rows = zip(groups.what, groups.verdict, groups.within, self._nodes)
        for at, (what, verdict, within, node) in enumerate(rows):
            if within and is_call[what]:
                found.append(OUTER)
                continue
            call = _outermost(groups, within)
            around = "" if call is None else groups.whats[groups.what[call]].name
            there = steps[node] if node > 0 else 0
            key = alike[what], who[verdict], there, around
            if key not in known:
                known[key] = self._new(at, there, around)
            question = known[key]
            if isinstance(question, _ByAsker):
                question = self._by_asker(at, question)
            found.append(question or self._by_stack(at, what, around, key))
        return found

    def _alike(self) -> list[int]:
        """Of each of groups.whats the first that differs in process and image alone: no rule asks
        for these, and a shell's hundred children are of a few kinds."""
        known: dict[tuple[str, str, str | None, str, int], int] = {}
        return [
            known.setdefault((kind, name, impl, phase, id(facts)), number)
            for number, ((kind, name, impl, _, phase, _), facts) in enumerate(
                zip(self._groups.whats, self._facts)
            )
        ]

    def _new(self, at: int, there: int, around: str) -> Question | _ByAsker | None:
        """None: that rests on more of the stack; or a _ByAsker."""
        event = self._groups.example(at)
        rules = self._rules.candidates(event.name, there)
        rules = [rule for rule in rules if purpose.is_equal(rule, event, around or "none")]
        names = set().union(*[rule.asks for rule in rules])
        if names & _BY_STACK or any(rule.steps or rule.file for rule in rules):
            return None
        return _ByAsker(rules) if "asker" in names else self._made(rules, event)

    def _by_asker(self, at: int, asked: _ByAsker) -> Question:
        frame = self._decided(at)
        if frame not in asked.known:
            asked.known[frame] = self._made(asked.rules, self._groups.example(at))
        return asked.known[frame]

    def _decided(self, at: int) -> int | None:
        """The number of the frame that decided whose they are, the same for all that are alike."""
        tree, verdict = self._survey.tree, self._groups.verdicts[self._groups.verdict[at]]
        index = verdict.decided_by if verdict is not None else None
        node = tree.outer(self._nodes[at], index) if index is not None else 0
        return tree.alike[node] if node > 0 else None

    def _by_stack(self, at: int, what: int, around: str, key: Key) -> Question:
        groups, survey = self._groups, self._survey
        event, facts, linked = self._groups.example(at), self._facts[what], ""
        if facts.libc == "static":
            call = _outermost(groups, groups.within[at])
            outer = () if call is None else (groups.stack[call],)
            linked = survey.libc_of(facts, event.stack, *outer)
        rules = purpose.fitting_stack(survey, event.name, event.kind, event.stack, facts, linked)
        names = self._names.get(id(rules))
        if names is None:
            names = self._names[id(rules)] = (
                set().union(*[rule.asks for rule in rules]) & _ON_FRAMES
            )
        key += (id(rules),)
        if names:
            key += (self._decided(at),)
        if names & _BY_STACK:
            key += (self._nodes[at],)
        if key not in self._walked:
            fit = [rule for rule in rules if purpose.is_equal(rule, event, around or "none")]
            self._walked[key] = self._made(fit, event)
        return self._walked[key]

    def _made(self, rules: list[Rule], event: Event) -> Question:
        """Behind a rule that holds for all of them, none is asked."""
        may_hold: list[Rule] = []
        differ: set[str] = set()
        answer: Answer | None = None
        for rule in rules:
            if not _lasts(rule, self._survey, event):
                continue
            rests = rests_on(rule)
            differ |= rests
            may_hold.append(rule)
            if not rests:
                answer = purpose.said(rule, self._survey, event)
                break
        if not may_hold:
            return NOTHING
        is_free = event.name == "free"
        return Question(
            may_hold, differ, None if differ or not answer else _kept(answer, is_free), is_free
        )


def _kept(answer: Answer, is_free: bool) -> Answer:
    found, thing = answer
    return found, None if is_free else thing


def _lasts(rule: Rule, survey: Survey, event: Event) -> bool:
    """Whether what the events have in common lets the rule hold."""
    if rule.asks.isdisjoint(LASTING):
        return True
    for name, wanted in rule.facts:
        if name in LASTING and bool(FACTS[name](survey, 0, event)) != wanted:
            return False
    fields = LASTING.intersection(rule.fields)
    return all(FIELDS[name](survey, 0, event) is not None for name in fields)


def _outermost(groups: GroupTable, within: int) -> int | None:
    """The index of the un-nested call around a group; None where there is none."""
    at = None
    while within:
        at = within - 1
        within = groups.within[at]
    return at
