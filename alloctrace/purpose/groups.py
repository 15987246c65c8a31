"""What for, of a whole group: only what is so for each of its events.

They differ in time, size and address. A rule that may hold for some of them only is not taken;
unknown is said as unknown.
"""

from __future__ import annotations

from alloctrace import words
from alloctrace.model import Purpose
from alloctrace.summary.sites import ANY, in_common, lettered
from . import purpose
from .facts import FACTS, FIELDS, LASTING, NULL, STRING, THING, VEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Set

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.columns.members import Members
    from alloctrace.model import Event, Group
    from alloctrace.purpose.questions import Question
    from alloctrace.purpose.rules import Rule
    from alloctrace.purpose.survey import Survey

MOST = 4  # things that are told of one group
DIFFERENT = Purpose(None, "its events are for several things")
MAKE = {name for name, given in words.SIGNATURES.items() if "ptr" not in given}  # new blocks
_COUNTED = {"null": "nulls", "growing": "grew", "shrinking": "shrank"}
_KNOWN_THINGS = {"known-vec": VEC, "known-string": STRING}


def agreed(purposes: list[Purpose]) -> Purpose:
    """What these purposes, of all events of a group, have in common: `…: code or …: data`."""
    first = purposes[0]
    texts: dict[str, str | None] = {}  # rule -> its text
    for each in purposes:
        text = texts.setdefault(each.rule, each.text)
        if text is not None and each.text is not None and text != each.text:
            texts[each.rule] = in_common(text, each.text)
    if list(texts.values()) == [first.text]:
        return first
    if None in texts.values() or len(texts) > MOST:
        return DIFFERENT
    told = dict.fromkeys(text for text in texts.values() if text is not None)
    return Purpose(" or ".join(told), " or ".join(texts), first.source)


class Things:
    """What the blocks of each group are, as far as it is one thing. `questions`: by id of a group;
    some have their answer already."""

    def __init__(self, groups: GroupTable, questions: list[Question]) -> None:
        answers = [(id_, q.answer[1]) for id_, q in enumerate(questions) if q.answer]
        self._of: dict[int, str | None] = {
            id_: thing for id_, thing in answers if thing is not None
        }
        makes = [what.kind == "call" and what.name in MAKE for what in groups.whats]
        self._none = {
            id_ for id_, thing in answers if thing is None and makes[groups.what[id_ - 1]]
        }

    def remember(self, group: Group, things: Set[str | None]) -> None:
        """What its blocks are from then on."""
        self._of[group.id] = next(iter(things)) if len(things) == 1 else None

    def before(self, group: Group) -> set[str]:
        """What the blocks were that its events end or move; none: not known of all."""
        members = group.members
        if members is None or members.makers is None or not members.all("known"):
            return set()
        things = [self._of.get(id_) for id_ in members.makers]
        known = {thing for thing in things if thing is not None}
        return known if None not in things else set()

    def all_before(self, members: Members) -> set[str | None] | None:
        """The same, with None for blocks of which it is known that they are for nothing that could
        be told; None: there may be others."""
        of, none = self._of, self._none
        if members.makers is None or not all(id_ in of or id_ in none for id_ in members.makers):
            return None
        things = {self._of.get(id_) for id_ in members.makers}
        return things | {None} if members.known + members.nulls < members.count else things


def by_makers(
    groups: GroupTable, questions: list[Question], things: Things, survey: Survey
) -> dict[int, Purpose]:
    """{id: Purpose} of frees that differ only in what their blocks were for, and in having one."""
    found: dict[int, Purpose] = {}
    known: dict[tuple[Question, int, frozenset[str | None]], Purpose] = {}
    for id_, question in enumerate(questions):
        if question.remembers or not question.differ <= {THING, NULL}:
            continue
        members = None if question.is_closed else groups.members_of(id_)
        before = things.all_before(members) if members is not None else None
        if members is None or before is None:
            continue
        nulls = members.nulls and (1 if members.nulls < members.count else 2)
        key = question, nulls, frozenset(before)
        if key not in known:
            known[key] = _of_all(question, groups.example(id_ - 1), nulls, before, survey)
        found[id_] = known[key]
    return found


def _of_all(
    question: Question, made: Event, nulls: int, before: set[str | None], survey: Survey
) -> Purpose:
    """`made`: an example; `nulls`: 0 none, 1 some, 2 all of its events had no pointer."""
    made.ptr = made.block = 1
    told = sorted(thing for thing in before if thing is not None)
    things: list[str | None] = [None] * (None in before)
    things += [" or ".join(told)] * bool(told)
    answers = []
    for thing in things if nulls < 2 else ():
        survey.things[made.image, made.block] = thing
        answers.append(purpose.by_rules(question.rules, 0, made, survey)[0])
    if nulls:
        made.ptr, made.block = 0, None
        answers.append(purpose.by_rules(question.rules, 0, made, survey)[0])
    survey.things.pop((made.image, 1), None)
    return agreed(answers)


def explain(
    group: Group,
    rules: Sequence[Rule],
    index: int,
    events: Sequence[Event],
    survey: Survey,
    things: Things,
) -> Purpose:
    """The Purpose of all events of `group`; events[index] is one of them, `rules` may hold."""
    event = events[index]
    for rule in rules:
        asked_of = _Asked(group, rule, (survey, index, event), things)
        holds = asked_of.holds()
        if holds is None:
            return purpose.UNKNOWN
        if holds:
            return asked_of.purpose()
    return purpose.UNKNOWN


class _Asked:
    """A rule, asked of a group: True where it holds for all its events, False for none."""

    def __init__(
        self, group: Group, rule: Rule, example: tuple[Survey, int, Event], things: Things
    ) -> None:
        self._group, self._rule, self._example, self._things = group, rule, example, things

    def holds(self) -> bool | None:
        survey, _, event = self._example
        if not purpose.suits(self._rule, survey, event):
            return False
        answers = [self._size(), self._arguments()]
        answers += map(self._fact, self._rule.when)
        answers += [self._field(name)[0] for name in self._rule.fields]
        return False if False in answers else None if None in answers else True

    def purpose(self) -> Purpose:
        rule = self._rule
        values = {name: self._field(name)[1] for name in rule.fields}
        found = Purpose(lettered(rule.text.format_map(values)), rule.key, rule.source)
        self._things.remember(self._group, {rule.thing.format_map(values) or found.text})
        return found

    def _members(self, answer: Callable[[Members], bool | None]) -> bool | None:
        return None if self._group.members is None else answer(self._group.members)

    def _size(self) -> bool | None:
        limits = self._rule.sizes
        found = [self._members(lambda of: of.within(*limit)) for limit in limits]
        return True if not limits or True in found else None if None in found else False

    def _arguments(self) -> bool | None:
        """Flags and paths differ from event to event."""
        return None if self._rule.flags or self._rule.path is not None else True

    def _fact(self, name: str) -> bool | None:
        wanted, name = not name.startswith("!"), name.lstrip("!")
        answer: bool | None
        if name in LASTING:
            answer = bool(FACTS[name](*self._example))
        elif name in _COUNTED:
            answer = self._members(lambda of: of.all(_COUNTED[name]))
        elif name in _KNOWN_THINGS:
            things, wanted_thing = self._things.before(self._group), _KNOWN_THINGS[name]
            answer = things == {wanted_thing} or (
                None if wanted_thing in things or not things else False
            )
        else:
            answer = None
        return answer if answer is None or wanted else not answer

    def _field(self, name: str) -> tuple[bool | None, object]:
        """(whether it is known, its value: ANY where that differs)."""
        event = self._example[2]
        if name in LASTING:
            value = FIELDS[name](*self._example)
            return value is not None, value
        if name == "size":
            return self._members(lambda of: of.sized == of.count or None), self._only_size()
        if name == "count":
            return event.nmemb is not None, ANY
        if name == "old_size":
            return self._members(lambda of: of.all("known")), ANY
        if name == "thing":
            things = sorted(self._things.before(self._group))
            is_none = self._members(lambda of: of.known == 0)
            return (False if is_none else bool(things) or None), " or ".join(things)
        return None, ANY

    def _only_size(self) -> object:
        members, event = self._group.members, self._example[2]
        if members is None or members.least != members.most or event.nmemb is not None:
            return ANY
        return members.least
