"""What each event of a run is for: as purpose.explain says, asked as seldom as can be.

Events of a group have stack, verdict and phase in common. A rule that rests on no more says the
same of all of them; one that rests on their sizes, the same of those of one size.
"""

from __future__ import annotations

from itertools import compress

from alloctrace.columns.schema import PRESENT, SIGNED_SIZE
from . import purpose, questions as purpose_questions
from .facts import AROUND, BEFORE, NULL, THING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Set
    from typing import Optional

    from alloctrace.columns.few_events import FewEvents
    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Purpose
    from alloctrace.origin.facts import Facts
    from alloctrace.purpose.questions import Question
    from alloctrace.purpose.rules import Rule
    from alloctrace.purpose.survey import Survey

    # What is said of the events of a group already, as _ask says it; and where they differ in no
    # more than _QUICK, what is known by these.
    _Kind = tuple[
        Optional[tuple[int, Optional[str]]],
        Optional[dict[tuple[bool, Optional[str]], tuple[int, Optional[str]]]],
    ]

_BLOCK, _ERRNO, _PTR = PRESENT["block"], PRESENT["errno"], PRESENT["ptr"]
_SIZES = PRESENT["size"] | PRESENT["nmemb"] | SIGNED_SIZE
_QUICK = {NULL, THING}  # most of all that is asked: what is freed


class Explained:
    """`numbers`: for each event the number of its Purpose; `purposes`: those, 0 is unknown.

    `events`: few_events.FewEvents; `groups`: their GroupTable, with verdicts; `survey`: a
    purpose.Survey of them; `facts_of(image, phase, name)`: origin.Facts.
    """

    def __init__(
        self,
        events: FewEvents,
        groups: GroupTable,
        survey: Survey,
        facts_of: Callable[[int, str, str], Facts],
    ) -> None:
        self._events, self._columns, self._groups = events, events.columns, groups
        self._survey = survey
        self._known: dict[tuple[str | None, str], int] = {}
        self.purposes: list[Purpose] = []
        self._number(purpose.UNKNOWN)
        self.numbers = self._all(list(purpose_questions.of_groups(groups, survey, facts_of)))

    def _number(self, found: Purpose) -> int:
        number = self._known.setdefault((found.text, found.rule), len(self.purposes))
        if number == len(self.purposes):
            self.purposes.append(found)
        return number

    def _all(self, questions: list[Question]) -> list[int]:
        """In the order of the events: what a block is was said when it was made."""
        columns, survey = self._columns, self._survey
        found: list[int] = []
        last: dict[tuple[int, int], int] = {}
        things, before = survey.things, survey.before
        kinds = {q: self._kind(q) for q in dict.fromkeys(questions)}
        of_group = list(map(kinds.__getitem__, questions))
        keyed, looked_back = self._images_of_blocks(), self._looked_back(of_group)
        names = "group", "outer", "present", "block", "ptr"
        rows = zip(*map(columns.__getitem__, names))
        for index, (id_, outer, present, block, ptr) in enumerate(rows):
            if outer:  # a nested call is for what the call around it is for
                found.append(found[index - outer])
                continue
            key, (answer, known) = None, of_group[id_]
            image = keyed[id_]
            if present & _BLOCK and image is not None:
                key = image, block
                if block in looked_back:
                    if key in last:
                        before[index] = last[key]
                    if not present & _ERRNO:  # else the block is as it was
                        last[key] = index
            if known is not None:
                values = present & _PTR and not ptr, things.get(key) if key else None
                answer = known.get(values)
                if answer is None:
                    answer = known[values] = self._answer(
                        questions[id_], index, questions[id_].rules
                    )
            number, thing = answer or self._ask(questions[id_], index, key)
            found.append(number)
            if thing is not None and key:
                things[key] = thing
        return found

    def _kind(self, question: Question) -> _Kind:
        if question.answer:
            return self._numbered(question.answer), None
        return None, {} if question.differ and question.differ <= _QUICK else None

    def _looked_back(self, of_group: list[_Kind]) -> set[int]:
        """The blocks of whose past more may be asked than what they are for."""
        is_other = [kind == (None, None) for kind in of_group]
        group, block = self._columns["group"], self._columns["block"]
        return set(compress(block, map(is_other.__getitem__, group)))

    def _images_of_blocks(self) -> list[int | None]:
        """By id of a group: the image in which its calls' blocks are; None of syscalls."""
        of_what = [what.image if what.kind == "call" else None for what in self._groups.whats]
        return [None, *map(of_what.__getitem__, self._groups.what)]

    def _ask(
        self, question: Question, index: int, key: tuple[int, int] | None
    ) -> tuple[int, str | None]:
        values = self._values(question.differ, index, key)
        answer = question.known.get(values)
        if answer is not None:
            return answer
        rules = question.rules
        if AROUND in question.differ:
            left = question.left.get(values)
            if left is None:
                left = purpose.may_hold(rules, index, self._events[index], self._survey)
                question.left[values] = left
            rules = left
            if rules and purpose.is_about_others(rules[0]):
                return self._answer(question, index, rules)
        answer = question.known[values] = self._answer(question, index, rules)
        return answer

    def _answer(
        self, question: Question, index: int, rules: Sequence[Rule]
    ) -> tuple[int, str | None]:
        """(number of the Purpose, what the block is from then on or None)."""
        event, survey = self._events[index], self._survey
        found, thing = purpose.by_rules(rules, index, event, survey)
        return self._number(found), thing if question.remembers else None

    def _numbered(self, answer: tuple[Purpose, str | None]) -> tuple[int, str | None]:
        found, thing = answer
        return self._number(found), thing

    def _values(
        self, differ: Set[str], index: int, key: tuple[int, int] | None
    ) -> tuple[object, ...]:
        """What an answer rests on, but for the events around."""
        columns = self._columns
        size, nmemb, present = columns["size"], columns["nmemb"], columns["present"]
        before = self._survey.before.get(index) if BEFORE in differ else None
        return (
            (size[index], nmemb[index], present[index] & _SIZES) if "size" in differ else None,
            columns["args"][index] if "args" in differ else None,
            present[index] & _PTR and not columns["ptr"][index] if NULL in differ else None,
            self._survey.things.get(key) if THING in differ and key else None,
            None if before is None else (size[before], nmemb[before], present[before] & _SIZES),
        )
