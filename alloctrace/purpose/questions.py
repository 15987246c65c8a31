"""What is asked of the events of a group: the rules that may hold, and by what answers differ.

Events of a group have stack, verdict and phase in common. A rule that rests on no more says the
same of all of them, whatever their sizes are; there may be as many groups as events, but what is
asked of them is soon the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from itertools import compress, count
from operator import add

from alloctrace import kernels, words
from alloctrace.stacks.tree import picked
from . import purpose, rules as purpose_rules
from .facts import FACTS, FIELDS, LASTING, rests_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set
    from typing import Any, Optional

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Event, Purpose
    from alloctrace.origin.facts import Facts
    from alloctrace.purpose.rules import Rule
    from alloctrace.purpose.survey import Survey

    Key = tuple[object, ...]  # what two groups must share for one question to be asked of both
    Answer = tuple[Purpose, Optional[str]]

MAKE = {name for name, given in words.SIGNATURES.items() if "ptr" not in given}  # new blocks
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
        # The same, where that also rests on events around -> the rules that are left to be asked.
        self.left: dict[Key, Sequence[Rule]] = {}

    @property
    def is_closed(self) -> bool:
        """Whether no event needs to be looked at."""
        return self.answer is not None or self is OUTER


NOTHING = Question(answer=(purpose.UNKNOWN, None))
OUTER = Question()  # a nested call: what the call around it is for


class Questions(Sequence[Question]):
    """A Question by id of a group; there is no group 0.

    `numbers`: by id, which one of `known` that is; who asks of many asks each of those once. All
    groups of a number are calls, or none (`is_call`), and make new blocks, or none does (`makes`).
    """

    def __init__(self, groups: GroupTable) -> None:
        self.known: list[Question] = []
        self.numbers = array("I")
        self.is_call, self.makes = bytearray(), bytearray()
        self._groups = groups
        self._ids: dict[tuple[int, bool, bool], int] = {}
        self.add(OUTER, True, False)

    def number(self, question: Question, at: int) -> int:
        """Of a question that is asked of the group at index `at`."""
        what = self._groups.whats[self._groups.what[at]]
        is_call = what.kind == "call"
        return self.add(question, is_call, is_call and what.name in MAKE)

    def add(self, question: Question, is_call: bool, makes: bool) -> int:
        """Its number; 0 is OUTER."""
        number = self._ids.setdefault((id(question), is_call, makes), len(self.known))
        if number == len(self.known):
            self.known.append(question)
            self.is_call.append(is_call)
            self.makes.append(makes)
        return number

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, id_: Any) -> Any:
        return self.known[self.numbers[id_]]

    def __iter__(self) -> Iterator[Question]:
        return map(self.known.__getitem__, self.numbers)


def of_groups(
    groups: GroupTable, survey: Survey, facts_of: Callable[[int, str, str], Facts]
) -> Questions:
    """The Questions of a GroupTable with verdicts."""
    return _Questions(groups, survey, facts_of).all()


class _ByAsker:
    """Rules that rest on no more than the frame that decided."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules


class _Numbers(dict):  # type: ignore[type-arg]
    """Of whatever is asked for, numbered in the order in which it was met."""

    def __missing__(self, key: object) -> int:
        self[key] = number = len(self)
        return number


class _Questions:
    def __init__(
        self, groups: GroupTable, survey: Survey, facts_of: Callable[[int, str, str], Facts]
    ) -> None:
        self._groups, self._survey, self._rules = groups, survey, purpose_rules.default()
        self._facts = [facts_of(what.image, what.phase, what.name) for what in groups.whats]
        self._nodes = survey.tree.nodes(groups.stack)
        self._fitting: dict[tuple[int, str], Callable[[int], tuple[Rule, ...]]] = {}
        self._walked: dict[Key, int] = {}
        self._names: dict[int, set[str]] = {}

    def all(self) -> Questions:
        """Groups of a kind are asked the same, but for what rests on more of their stacks."""
        found = Questions(self._groups)
        kinds, firsts = self._kinds()
        asked = [OUTER, *map(self._new, firsts)]
        of_kind = [0]  # a list: its __getitem__ is much faster than an array's
        for question, at in zip(asked[1:], firsts):
            of_kind.append(found.number(question, at) if isinstance(question, Question) else 0)
        numbers = array("I", map(of_kind.__getitem__, kinds))
        is_asker = bytearray(isinstance(question, _ByAsker) for question in asked)
        if any(is_asker):
            askers, firsts = self._askers(kinds, is_asker)
            of_asker = [0]
            for at in firsts:
                made = self._made(asked[kinds[at]].rules, self._groups.example(at))
                of_asker.append(found.number(made, at))
            numbers = array("I", map(add, numbers, map(of_asker.__getitem__, askers)))
        rests_on_stack = [question is None for question in asked]
        for at in compress(count(), map(rests_on_stack.__getitem__, kinds)):
            numbers[at] = self._by_stack(at, kinds[at], found)
        found.numbers = array("I", [0])
        found.numbers.extend(numbers)
        return found

    def _kinds(self) -> tuple[array[int], array[int]]:
        """(by index of a group the number of its kind, 0: a nested call; of each kind its first)"""
        groups = self._groups
        who = _Numbers()
        whose = [who[v and (v.origin, v.owner, v.direct)] for v in groups.verdicts]
        names = _Numbers()
        tables = self._alike(), whose, [names[what.name] + 1 for what in groups.whats]
        is_call = bytearray(what.kind == "call" for what in groups.whats)
        columns = groups.what, groups.verdict, groups.within, self._there()
        if len(groups) >= kernels.FEWEST:
            numbers, firsts = _room(len(groups)), _room(len(groups))
            given: Any = (*columns, len(groups), *[array("I", table) for table in tables], is_call)
            sizes = len(groups.whats), len(groups.verdicts)
            number = kernels.run("asking_alike", *given, *sizes, numbers, firsts)
            if number is not None and number >= 0:
                return numbers, firsts[:number]
        return _numbered(_keys_of_kinds(columns, tables, is_call))

    def _there(self) -> array[int]:
        """By index of a group, a number of the steps that its stack has."""
        numbers, nodes = self._survey.steps.numbered[0], self._nodes
        if min(nodes, default=0) < 0:
            nodes = array("i", [max(node, 0) for node in nodes])
        return picked(numbers, nodes)

    def _askers(self, kinds: array[int], is_asker: bytearray) -> tuple[array[int], array[int]]:
        """(by index of a group the number of its kind and the frame that decided, 0: its kind does
        not rest on that frame; of each number the first group)"""
        groups, tree = self._groups, self._survey.tree
        if len(groups) >= kernels.FEWEST:
            told = [v.decided_by if v is not None else None for v in groups.verdicts]
            decided = array("I", [0 if at is None else at + 1 for at in told])
            numbers, firsts = _room(len(groups)), _room(len(groups))
            rows = kinds, groups.verdict, self._nodes, len(groups), is_asker, len(is_asker)
            given = decided, len(decided), tree.parents, tree.alike, len(tree.parents)
            number = kernels.run("askers", *rows, *given, numbers, firsts)
            if number is not None and number >= 0:
                return numbers, firsts[:number]
        return _numbered(
            (kind, self._decided(at)) if is_asker[kind] else None for at, kind in enumerate(kinds)
        )

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

    def _new(self, at: int) -> Any:
        """A Question; None: that rests on more of the stack; or a _ByAsker."""
        event = self._groups.example(at)
        rules = self._rules.candidates(event.name, self._survey.steps.of(self._nodes[at]))
        around = self._around(at)
        rules = [rule for rule in rules if purpose.is_equal(rule, event, around)]
        names = set().union(*[rule.asks for rule in rules])
        if names & _BY_STACK or any(rule.steps or rule.file for rule in rules):
            return None
        return _ByAsker(rules) if "asker" in names else self._made(rules, event)

    @cached_property
    def _roots(self) -> array[int]:
        """Of each group the un-nested call around it, or itself: a stranger's may lie in each other
        without end."""
        within = self._groups.within
        found = array("I", range(len(within)))
        for at in compress(count(), within):
            found[at] = found[within[at] - 1]
        return found

    def _outermost(self, at: int) -> int | None:
        """The index of the un-nested call around a group; None where there is none."""
        return self._roots[at] if self._groups.within[at] else None

    def _around(self, at: int) -> str:
        """The name of the un-nested call around a group, or none."""
        call = self._outermost(at)
        return "none" if call is None else self._groups.whats[self._groups.what[call]].name

    def _decided(self, at: int) -> int | None:
        """The number of the frame that decided whose they are, the same for all that are alike."""
        tree, verdict = self._survey.tree, self._groups.verdicts[self._groups.verdict[at]]
        index = verdict.decided_by if verdict is not None else None
        node = tree.outer(self._nodes[at], index) if index is not None else 0
        return tree.alike[node] if node > 0 else None

    def _by_stack(self, at: int, kind: int, found: Questions) -> int:
        """The number of what a group of that kind is asked."""
        groups, linked = self._groups, ""
        facts = self._facts[groups.what[at]]
        if facts.libc == "static":
            call = self._outermost(at)
            outer = () if call is None else (groups.stack[call],)
            linked = self._survey.libc_of(facts, groups.stack[at], *outer)
        fitting = self._fitting.get((kind, linked))
        if fitting is None:
            asked, there = groups.whats[groups.what[at]], self._survey.steps.of(self._nodes[at])
            told = asked.name, asked.kind, there, facts, linked
            fitting = self._fitting[kind, linked] = purpose.fitting_by_steps(self._survey, *told)
        rules = fitting(self._nodes[at])
        names = self._names.get(id(rules))
        if names is None:
            names = self._names[id(rules)] = (
                set().union(*[rule.asks for rule in rules]) & _ON_FRAMES
            )
        key: Key = kind, id(rules)
        if names:
            key += (self._decided(at),)
        if names & _BY_STACK:
            key += (self._nodes[at],)
        number = self._walked.get(key)
        if number is None:
            event, around = groups.example(at), self._around(at)
            fit = [rule for rule in rules if purpose.is_equal(rule, event, around)]
            number = self._walked[key] = found.number(self._made(fit, event), at)
        return number

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


def _keys_of_kinds(
    columns: tuple[array[int], ...], tables: tuple[Sequence[int], ...], is_call: bytearray
) -> Iterator[tuple[int, ...] | None]:
    """What decides of which kind a group is; None: it is a nested call."""
    alike, whose, names = tables
    of_call = array("I")  # by index: of the un-nested call around it, or of itself, its name
    for what, verdict, within, there in zip(*columns):
        of_call.append(of_call[within - 1] if within else names[what])
        if within and is_call[what]:
            yield None
        else:
            yield alike[what], whose[verdict], there, of_call[-1] if within else 0


def _numbered(keys: Iterable[object]) -> tuple[array[int], array[int]]:
    """(the number of each key from 1 on, 0 of None; where each number is met first)"""
    known: dict[object, int] = {None: 0}
    numbers, firsts = array("I"), array("I")
    for at, key in enumerate(keys):
        number = known.setdefault(key, len(known))
        if number > len(firsts):
            firsts.append(at)
        numbers.append(number)
    return numbers, firsts


def _room(count: int) -> array[int]:
    return array("I", bytes(4 * count))
