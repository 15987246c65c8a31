"""What for, of a whole group: only what is so for each of its events.

They differ in time, size and address. A rule that may hold for some of them only is not taken;
unknown is said as unknown.
"""

from __future__ import annotations

from array import array
from collections import namedtuple
from operator import itemgetter

from alloctrace import kernels
from alloctrace.model import Purpose
from alloctrace.summary.sites import ANY, in_common, lettered
from . import purpose
from .facts import FACTS, FIELDS, LASTING, NULL, STRING, THING, VEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Set
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.columns.members import Members
    from alloctrace.model import Event, Group
    from alloctrace.purpose.questions import Question, Questions
    from alloctrace.purpose.rules import Rule
    from alloctrace.purpose.survey import Survey

_Brief = namedtuple(
    "_Brief", "id kind name pid phase image is_call verdict first_seq first_t before count"
)
MOST = 4  # things that are told of one group
DIFFERENT = Purpose(None, "its events are for several things")
_COUNTED = {"null": "nulls", "growing": "grew", "shrinking": "shrank"}
_KNOWN_THINGS = {"known-vec": VEC, "known-string": STRING}


def briefs(groups: GroupTable, indexes: Sequence[int]) -> list[Group]:
    """The Groups at many indexes, of which only what is asked of examples is there: for a fifth of
    their price."""
    if len(indexes) < 2:  # of one, what picks gives no tuple
        return [groups.bare(at) for at in indexes]
    picked = itemgetter(*indexes)  # for an array it is faster than map
    of_what = itemgetter(*picked(groups.what))
    told = [(what.kind, what.name, what.pid, what.phase, what.image) for what in groups.whats]
    kinds, *rest = map(of_what, zip(*told))
    rows: Any = zip(
        [at + 1 for at in indexes],
        kinds,
        *rest,
        [kind == "call" and not within for kind, within in zip(kinds, picked(groups.within))],
        itemgetter(*picked(groups.verdict))(groups.verdicts),
        picked(groups.first_seq),
        picked(groups.first_t),
        [None if before < 0 else before for before in picked(groups.before)],
        picked(groups.sums["count"]),
    )
    return list(map(_Brief._make, rows))  # type: ignore[arg-type]


def agreed(purposes: list[Purpose]) -> Purpose:
    """What these purposes, of all events of a group, have in common: `…: code or …: data`."""
    first = purposes[0]
    if len(purposes) == 1:
        return first
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
    """What the blocks of each group are, as far as it is one thing. `questions`: some have their
    answer already."""

    def __init__(self, questions: Questions) -> None:
        self._texts: list[str | None] = [None, None]
        self._ids: dict[str, int] = {}
        kinds = zip(questions.known, questions.makes)
        told = [self._number(question, makes) for question, makes in kinds]
        # By id of a group: a number of `_texts`, 0: it is not known; 1: nothing that could be told.
        self.numbers = array("I", map(told.__getitem__, questions.numbers))

    def _number(self, question: Question, makes: int) -> int:
        if question.answer is None:
            return 0
        thing = question.answer[1]
        return makes if thing is None else self._id(thing)

    def _id(self, thing: str) -> int:
        number = self._ids.setdefault(thing, len(self._texts))
        if number == len(self._texts):
            self._texts.append(thing)
        return number

    def remember(self, id_: int, things: Set[str | None]) -> None:
        """What the blocks of a group are from then on."""
        thing = next(iter(things)) if len(things) == 1 else None
        self.numbers[id_] = 1 if thing is None else self._id(thing)

    def before(self, members: Members | None) -> set[str]:
        """What the blocks were that the events of a group end or move; none: not known of all."""
        if members is None or members.makers is None or not members.all("known"):
            return set()
        things = {self._of(id_) for id_ in members.makers}
        if not things.isdisjoint((0, 1)):
            return set()
        return {text for text in map(self._texts.__getitem__, things) if text is not None}

    def all_before(self, members: Members) -> set[str | None] | None:
        """The same, with None for blocks of which it is known that they are for nothing that could
        be told; None: there may be others."""
        if members.makers is None:
            return None
        things = {self._of(id_) for id_ in members.makers}
        if 0 in things:
            return None
        if members.known + members.nulls < members.count:
            things.add(1)
        return {self._texts[number] for number in things}

    def _of(self, id_: int) -> int:
        return self.numbers[id_] if id_ < len(self.numbers) else 0


class ByMakers:
    """Frees that differ only in what their blocks were for, and in having one: what they are for.

    `numbers`: by id of a group, which one of `purposes` that is; 0: of other groups.
    """

    def __init__(
        self, groups: GroupTable, questions: Questions, things: Things, survey: Survey
    ) -> None:
        asked = [
            not question.remembers and not question.is_closed and question.differ <= {THING, NULL}
            for question in questions.known
        ]
        self.numbers, firsts = _by_makers(groups, questions.numbers, bytearray(asked), things)
        self.purposes: list[Purpose] = [purpose.UNKNOWN]
        for id_ in firsts:
            members = groups.members_of(id_)
            before = things.all_before(members) if members is not None else None
            assert members is not None and before is not None
            example, nulls = groups.example(id_ - 1), _nulls(members)
            self.purposes.append(_of_all(questions[id_], example, nulls, before, survey))


def _by_makers(
    groups: GroupTable, numbers: array[int], asked: bytearray, things: Things
) -> tuple[array[int], array[int]]:
    """(by id of a group a number of what is asked and what decides it, of each number the first
    id). `numbers`: of the question, by id; `asked`: by that number, whether it is one."""
    groups.make_room()
    rows, counts, size = groups.members_rows, groups.sums["count"], len(numbers)
    if any(asked) and rows and size >= kernels.FEWEST:
        found, firsts = (array("I", bytes(4 * size)) for _ in range(2))
        given = numbers, size, asked, len(asked), rows, len(rows), counts, things.numbers
        count = kernels.run("makers", *given, found, firsts)
        if count is not None and count >= 0:
            return found, firsts[:count]
    known: dict[object, int] = {None: 0}
    found, firsts = array("I"), array("I")
    for id_, key in enumerate(_keys_by_makers(groups, numbers, asked, things)):
        number = known.setdefault(key, len(known))
        if number > len(firsts):
            firsts.append(id_)
        found.append(number)
    return found, firsts


def _keys_by_makers(
    groups: GroupTable, numbers: array[int], asked: bytearray, things: Things
) -> Iterator[object]:
    """By id of a group: what decides what its events are for; None: more than its makers."""
    for id_, number in enumerate(numbers):
        members = groups.members_of(id_) if asked[number] else None
        before = things.all_before(members) if members is not None else None
        if members is None or before is None:
            yield None
        else:
            yield number, _nulls(members), frozenset(before)


def _nulls(members: Members) -> int:
    """0: none of the events had no pointer; 1: some; 2: all."""
    return members.nulls and (1 if members.nulls < members.count else 2)


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
    id_: int,
    members: Members | None,
    rules: Sequence[Rule],
    example: tuple[Survey, int, Event],
    things: Things,
) -> Purpose:
    """The Purpose of all events of a group; `example`: one of them, with the Survey and its index
    there; `rules` may hold."""
    for rule in rules:
        asked_of = _Asked(members, rule, example, things)
        holds = asked_of.holds()
        if holds is None:
            return purpose.UNKNOWN
        if holds:
            found, thing = asked_of.answer()
            things.remember(id_, {thing})
            return found
    return purpose.UNKNOWN


class _Asked:
    """A rule, asked of a group: True where it holds for all its events, False for none."""

    def __init__(
        self,
        members: Members | None,
        rule: Rule,
        example: tuple[Survey, int, Event],
        things: Things,
    ) -> None:
        self._of, self._rule, self._example, self._things = members, rule, example, things

    def holds(self) -> bool | None:
        survey, _, event = self._example
        if not purpose.suits(self._rule, survey, event):
            return False
        answer: bool | None = True
        for told in self._answers():
            if told is False:  # nothing else need be asked
                return False
            answer = told and answer
        return answer

    def _answers(self) -> Iterator[bool | None]:
        yield self._size()
        yield self._arguments()
        yield from map(self._fact, self._rule.when)
        for name in self._rule.fields:
            yield self._field(name)[0]

    def answer(self) -> tuple[Purpose, str]:
        """(the Purpose, what their blocks are from then on)"""
        rule = self._rule
        values = {name: self._field(name)[1] for name in rule.fields}
        found = Purpose(lettered(rule.text.format_map(values)), rule.key, rule.source)
        return found, rule.thing.format_map(values) or found.text or ""

    def _members(self, answer: Callable[[Members], bool | None]) -> bool | None:
        return None if self._of is None else answer(self._of)

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
            things, wanted_thing = self._things.before(self._of), _KNOWN_THINGS[name]
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
            things = sorted(self._things.before(self._of))
            is_none = self._members(lambda of: of.known == 0)
            return (False if is_none else bool(things) or None), " or ".join(things)
        return None, ANY

    def _only_size(self) -> object:
        members, event = self._of, self._example[2]
        if members is None or members.least != members.most or event.nmemb is not None:
            return ANY
        return members.least
