"""Asks some events of many groups what they are for, by their columns: an Event costs more than all
columns of a row."""

from __future__ import annotations

from alloctrace.columns.events import earlier
from alloctrace.columns.schema import PRESENT, SIGNED_SIZE
from . import purpose
from .facts import AROUND, BEFORE, NULL, THING
from .questions import OUTER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Set
    from typing import Any

    from alloctrace.model import Event, Purpose
    from alloctrace.columns.group_table import What
    from .examples import Examples
    from .questions import Question
    from .rules import Rule
    from .survey import Survey

_RARE = {AROUND, "args"}  # what events that are alike in all else rarely have in common
_BLOCK, _OUTER, _PTR = PRESENT["block"], PRESENT["outer"], PRESENT["ptr"]
_SIZES = PRESENT["size"] | PRESENT["nmemb"] | SIGNED_SIZE


def needed(wanted: Iterable[int], columns: dict[str, list[int]], survey: Survey) -> set[int]:
    """The events to be explained, with those that their purpose may rest on."""
    found: set[int] = set()
    waiting: list[int | None] = list(wanted)
    presents, outers = columns["present"], columns["outer"]
    while waiting:
        index = waiting.pop()
        if index is not None and index not in found:
            found.add(index)
            if presents[index] & _BLOCK:
                waiting.append(survey.index_before_seq(index))
            if presents[index] & _OUTER:
                waiting.append(earlier(index, outers[index]))
    return found


class Asker:
    """Asks events of many groups what they are for, in their order; those that differ by nothing
    that an answer rests on are asked once. An Event is made of these alone.

    `said`: {index: Purpose}."""

    def __init__(self, picked: Examples, survey: Survey) -> None:
        self._events, self._columns = picked.events, picked.events.columns
        self._groups, self._survey = picked.groups, survey
        self._known: dict[tuple[Any, ...], tuple[Purpose, str | None]] = {}
        # Of syscalls, by their group and that of the call that made them.
        self._suited: dict[tuple[int, int], list[Rule]] = {}
        self.said: dict[int, Purpose] = {}

    def thing(self, index: int) -> str | None:
        """What the event's block is known to be, or None."""
        has_block = self._columns["present"][index] & _BLOCK
        return self._survey.things.get(self._key(index)) if has_block else None

    def _key(self, index: int) -> tuple[int, int | None]:
        """Of the block of an event that has one, in survey.things."""
        return self._what(index).image, self._columns["block"][index]

    def ask(self, question: Question, index: int) -> None:
        """As purpose.explain. `question`: of the event's group."""
        what, columns, said = self._what(index), self._columns, self.said
        present = columns["present"][index]
        if question.answer:
            answer = question.answer
        elif present & _OUTER:
            outer = earlier(index, columns["outer"][index])
            said[index] = said.get(outer, purpose.UNKNOWN)
            return
        elif what.kind != "call" or question is OUTER:
            event = self._events[index]
            answer = purpose.by_rules(self._rules(index, event), index, event, self._survey)
        else:
            answer = self._answer(question, index)
        said[index], thing = answer
        if question.answer and thing is None or said[index] is purpose.UNKNOWN:
            return
        if what.name != "free" and present & (_BLOCK | _OUTER) == _BLOCK:
            self._survey.things[self._key(index)] = thing

    def _what(self, index: int) -> What:
        groups = self._groups
        return groups.whats[groups.what[self._columns["group"][index] - 1]]

    def _rules(self, index: int, event: Event) -> list[Rule]:
        """A syscall's call may be missing here: by the events it is then another one's."""
        group, survey = self._columns["group"], self._survey
        call = survey.cause(event)
        key = group[index], 0 if call is None else group[call.seq]
        rules = self._suited.get(key)
        if rules is None:
            rules = self._suited[key] = list(purpose.suited(event, survey))
        return rules

    def _answer(self, question: Question, index: int) -> tuple[Purpose, str | None]:
        if not _RARE.isdisjoint(question.differ):
            return purpose.by_rules(question.rules, index, self._events[index], self._survey)
        key = question, *self._values(question.differ, index)
        answer = self._known.get(key)
        if answer is None:
            event = self._events[index]
            answer = purpose.by_rules(question.rules, index, event, self._survey)
            self._known[key] = answer
        return answer

    def _values(self, differ: Set[str], index: int) -> tuple[Any, ...]:
        """What an answer rests on."""
        columns, survey = self._columns, self._survey
        before = survey.index_before_seq(index) if BEFORE in differ else None
        present, ptr = columns["present"][index], columns["ptr"][index]
        return (
            self._sizes(index) if "size" in differ else None,
            present & _PTR and not ptr if NULL in differ else None,
            self.thing(index) if THING in differ else None,
            None if before is None else self._sizes(before),
        )

    def _sizes(self, index: int) -> tuple[int, int, int]:
        columns = self._columns
        return columns["size"][index], columns["nmemb"][index], columns["present"][index] & _SIZES
