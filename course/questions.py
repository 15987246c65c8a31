"""What a reader predicts: read as people write it, judged, and answered. Pure."""

from __future__ import annotations

import math
import re

from alloctrace.plain import plain
from course import measured, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Optional

    from course.lesson import Mistake, Question
    from course.measured import Measured

    Between = tuple[Optional[float], Optional[float]]  # None: without end

_UNITS = {"": 1, "b": 1, "byte": 1, "bytes": 1}
for _power, _letter in enumerate("kmgt", 1):
    for _ending in ("", "b", "ib"):
        _UNITS[_letter + _ending] = 1 << (10 * _power)
_NUMBER = re.compile(r"([+-]?\d[\d,_ ]*(?:\.\d+)?)\s*([a-zA-Z]*)")
_WORDS = "none no zero nothing never".split()
_COUNT = "zero one two three four five six seven eight nine ten eleven twelve".split()
MOST_CHARACTERS = 200


@plain
class Verdict:
    """`said`: what is answered; `name`: of the mistake, "" where there is none."""

    right: bool
    name: str
    said: str


class Asked:
    """A question whose answer was measured. `fill(text)` puts values into a text."""

    def __init__(self, question: Question, values: Measured, fill: Callable[[str], str]) -> None:
        """Raises Unmeasured."""
        self.question, self._fill = question, fill
        self.letter: str | None = None
        self.number: float = 0  # where there are no letters
        if question.choices:
            right = (letter for letter, holds in question.answers if values.holds(holds))
            self.letter = next(right, None)
            if self.letter is None:
                raise measured.Unmeasured("none of its answers is right on this machine")
        elif question.number is not None:
            self.number = values.value(question.number)
            if not isinstance(self.number, (int, float)) or isinstance(self.number, bool):
                raise measured.Unmeasured("%s is no number here" % question.number.text)
        self.mistakes = [(m, self._range(m, values)) for m in question.mistakes]

    def _range(self, mistake: Mistake, values: Measured) -> Between | None:
        """(low, high) of the numbers that show it; None: any."""
        if mistake.low is None and mistake.high is None:
            return None
        low = None if mistake.low is None else values.value(mistake.low)
        high = None if mistake.high is None else values.value(mistake.high)
        return low, high

    @property
    def answer(self) -> str:
        """The right one, in words."""
        if self.letter is not None:
            return self._fill(self.question.choices[self.letter])
        return places.told(self.number, "exact" if self.question.is_bytes else "")

    @property
    def said(self) -> str:
        """What is said of the right answer."""
        return self._fill(self.question.rights.get(self.letter or "", self.question.right))

    @property
    def limits(self) -> tuple[float, float]:
        """(least, most) of the numbers that are right."""
        factor, share = self.question.factor, self.question.share * abs(self.number)
        return min(self.number / factor, self.number - share), max(
            self.number * factor, self.number + share
        )

    @property
    def right(self) -> str | float:
        return self.number if self.letter is None else self.letter

    def judge(self, answer: str | float) -> Verdict:
        if self.letter is not None or isinstance(answer, str):
            return self._verdict(answer == self.letter, lambda m, _: m.choice in (None, answer))
        least, most = self.limits
        value = answer

        def fits(mistake: Mistake, between: Between | None) -> bool:
            return between is None or _within(value, *between)

        return self._verdict(least <= value <= most, fits)

    def _verdict(self, right: bool, fits: Callable[[Mistake, Between | None], bool]) -> Verdict:
        if right:
            return Verdict(True, "", self.said)
        for mistake, between in self.mistakes:
            if fits(mistake, between):
                return Verdict(False, mistake.name, self._fill(mistake.text))
        return Verdict(False, "", "")

    def samples(self) -> Iterator[tuple[str | float | None, Mistake | None]]:
        """(an answer, the Mistake that it shows or None where it is right), for rehearsals. No
        answer: none shows this mistake and neither is right nor shows an earlier one."""
        if self.letter is not None:
            rest = next((m for m, _ in self.mistakes if m.choice is None), None)
            named = {m.choice: m for m, _ in self.mistakes if m.choice}
            for letter in self.question.choices:
                yield letter, None if letter == self.letter else named.get(letter, rest)
            return
        yield self.number, None
        for at, (mistake, between) in enumerate(self.mistakes):
            taken = [self.limits, *(other for _, other in self.mistakes[:at] if other)]
            yield _sample(between, taken), mistake


def _sample(between: Between | None, taken: Sequence[Between]) -> float | None:
    """A number within a range and in none of those that are taken; None where there is none."""
    low, high = between or (None, None)
    edges = [edge for limits in [(low, high), *taken] for edge in limits if edge is not None]
    tried = [0, *(math.floor(edge) for edge in edges), *(math.ceil(edge) for edge in edges)]
    tried += [edge + 1 for edge in tried] + [edge - 1 for edge in tried]
    tried += [sum(pair) // 2 for pair in zip(sorted(tried), sorted(tried)[1:])]
    for value in tried:
        if value >= 0 and _within(value, low, high):
            if not any(_within(value, *limits) for limits in taken):
                return value
    return None


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def meant(question: Question, text: str) -> str | float | None:
    """A letter or a number; None where neither can be seen in what was typed."""
    text = text.strip()[:MOST_CHARACTERS].lower()
    if not question.choices:
        return number(text)
    first = re.match(r"\(?([a-z])\b", text)
    return first[1] if first and first[1] in question.choices else None


def number(text: str) -> float | None:
    """`19`, `1,024`, `about 2 KiB`, `none`, `three`; None: no number."""
    text = text.replace("~", " ")
    match = _NUMBER.search(text)
    if match:
        plain_number = re.sub(r"[,_ ]", "", match[1])
        value = float(plain_number) * _UNITS.get(match[2].lower(), 1)
        return int(value) if value == int(value) else value
    words = re.findall(r"[a-z]+", text)
    if any(word in _WORDS for word in words):
        return 0
    return next((_COUNT.index(word) for word in words if word in _COUNT), None)
