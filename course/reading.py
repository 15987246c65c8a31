"""The text of a lesson's file -> Lesson. docs/teaching.md, "How a lesson is written".

Every mistake is a LessonError with line and column (from 1) and what was expected.
"""

from __future__ import annotations

import os
import re

from alloctrace.budget import language
from course import clauses, places, tools
from course.items import Items, LessonError
from course.expressions import Expression, ExpressionError
from course.lesson import Change, Fact, Lesson, Mistake, Program, Question, Section, Show, STEPS
from course.lesson import Text, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn

    from course.items import Item

LARGEST = 200000  # bytes of a file
_FILE = re.compile(r"(\d+)-([a-z][a-z0-9-]*)\.lesson\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_HEADING = re.compile(r"## ([a-z]+)(?: ([a-z][a-z0-9_]*): (.*))?\Z")
_ANSWER = re.compile(r"(.*?)( in bytes)?(?:, within (?:a factor of ([\d.]+)|([\d.]+) ?%))?\Z")
_SOURCES = (".c", ".cc", ".rs", ".asm")
KINDS = ("verdict", "report", "strip", "source", "event", "events", "live", "tool")
AFTER = "after"  # the run of the change at hand


def read_file(path: str, common: dict[str, Value] | None = None) -> Lesson:
    """The Lesson in a file; `common`: values that every lesson has. Raises LessonError, OSError."""
    base = os.path.basename(path)
    match = _FILE.match(base)
    if not match:
        raise LessonError(base, 1, 1, "the file's name; expected: NUMBER-NAME.lesson")
    with open(path, encoding="utf-8") as file:
        text = file.read(LARGEST)
    return read(text, base, match[2], int(match[1]), path, common)


def read(
    text: str,
    source: str = "lesson",
    name: str = "lesson",
    number: int = 0,
    path: str = "",
    common: dict[str, Value] | None = None,
) -> Lesson:
    return _Reader(text, source).lesson(Lesson(name, number, "", "", path), dict(common or {}))


def read_values(text: str, source: str) -> dict[str, Value]:
    """{name: Value} of a file of nothing but `measure` lines."""
    reader = _Reader(text, source)
    for item in reader.items:
        if item.key != "measure":
            reader.fail(item, "expected: measure NAME: …")
    return measures(reader.items, text, source)


def measures(items: Iterable[Item], text: str, source: str) -> dict[str, Value]:
    """{name: Value} of these Items."""
    reader, lesson = _Reader(text, source), Lesson("", 0, "", "", "")
    for item in items:
        reader.measure(lesson, item)
    return lesson.values


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.items, self.source = Items(text, source), source
        # (name, line, in which change): names to be known.
        self.asked: list[tuple[str, int, Change | None]] = []
        self.section: Section | None = None
        self.question: Question | None = None
        self.change: Change | None = None
        self.before: Expression | None = None  # of an `if` right above
        self.replaced: str | None = None  # whose `with` is not yet there

    def fail(self, item: Any, message: str, column: int = 1) -> NoReturn:
        self.items.fail(item, message, column)

    # ---- items to a lesson ---------------------------------------------------------------------

    def lesson(self, lesson: Lesson, common: dict[str, Value]) -> Lesson:
        for item in self.items:
            if item.key == "#":
                self._heading(lesson, item)
            elif self.section is None:
                self._head(lesson, item)
            else:
                self._item(lesson, item)
        self._end(lesson, common)
        return lesson

    def _heading(self, lesson: Lesson, item: Item) -> None:
        self.question = self.before = None
        if item.text.startswith("# "):
            if lesson.title:
                self.fail(item, "a second title; expected: ## and a step")
            lesson.title = item.text[2:].strip()
            return
        match = _HEADING.match(item.text)
        if not match or match[1] not in STEPS:
            self.fail(item, "a heading; expected: ## and one of %s" % ", ".join(STEPS))
        if (match[2] is not None) != (match[1] == "change"):
            self.fail(item, "expected: ## change NAME: what is changed; other steps have no name")
        last = self.section.step if self.section else STEPS[0]
        if STEPS.index(match[1]) < STEPS.index(last) or (
            match[1] == last != "change" and self.section
        ):
            self.fail(item, "the steps are %s, in this order" % ", ".join(STEPS))
        self._check_replaced()
        self.section = Section(match[1], match[3] or "", item.line)
        lesson.sections.append(self.section)
        self.change = None
        if match[1] == "change":
            if match[2] in (*lesson.runs, AFTER):
                self.fail(item, "%s twice; expected: another name" % match[2])
            if not lesson.programs:
                self.fail(item, "no program; expected: program NAME: SOURCE above")
            program = clauses.copy(lesson.first, match[2], item.line)
            self.change = self.section.change = Change(program, lesson.first.name)

    def _head(self, lesson: Lesson, item: Item) -> None:
        if item.key == "idea":
            lesson.idea = item.text
        elif item.key == "program":
            self._program(lesson, item)
        elif item.key == "measure":
            self.measure(lesson, item)
        else:
            self.fail(item, "expected: idea, program, measure, or ## predict")

    def _program(self, lesson: Lesson, item: Item) -> None:
        if not _NAME.match(item.rest) or item.rest in lesson.programs or item.rest == AFTER:
            self.fail(item, "expected: program NAME: SOURCE, each name once")
        source, *more = [part.strip() for part in item.text.split(" ; ")]
        if not source.endswith(_SOURCES) or "/" in source:
            self.fail(item, "expected: a file of course/targets: %s" % " ".join(_SOURCES), item.at)
        program = Program(item.rest, source, line=item.line)
        self._clauses(program, more, item)
        lesson.programs[item.rest] = program

    def _clauses(self, program: Program, found: list[str], item: Item) -> None:
        for clause in found:
            try:
                clauses.put(program, clause)
            except ValueError as error:
                self.fail(item, str(error), item.at)

    def measure(self, lesson: Lesson, item: Item) -> None:
        if not _NAME.match(item.rest) or item.rest in lesson.values:
            self.fail(item, "expected: measure NAME: what, each name once")
        word, _, rest = item.text.partition(" ")
        if word in ("sql", "list"):
            lesson.values[item.rest] = Value(word, rest.strip(), item.line)
        elif word == "tool":
            lesson.values[item.rest] = Value(
                "tool", self._tool(tools.picked, rest, item), item.line
            )
        elif word == "=":
            lesson.values[item.rest] = Value("sum", self._expression(rest, item), item.line)
        else:
            lesson.values[item.rest] = Value("scope", self._scope(item), item.line)

    def _tool(self, read_it: Callable[[str], Any], text: str, item: Item) -> Any:
        try:
            return read_it(text)
        except ValueError as error:
            self.fail(item, str(error), item.at)

    def _scope(self, item: Item) -> language.Rule:
        try:
            return language.read(item.text + " <= 0", self.source).rules[0]
        except language.BudgetError as error:
            told = str(error).split(": ", 1)[1]
            self.fail(item, told, item.at + error.column - 1)
        except IndexError:
            self.fail(item, "expected: a scope and a metric, such as main user calls", item.at)

    def _expression(self, text: str, item: Item, column: int | None = None) -> Expression:
        try:
            found = Expression(text)
        except ExpressionError as error:
            self.fail(item, str(error), column or item.at)
        self.asked += [(name, item.line, self.change) for name in found.names]
        return found

    def _text(self, item: Item) -> str:
        """The text of an item, whose places are looked at."""
        try:
            for place in places.of(item.text):
                self._expression(place.expression, item, item.at + place.at)
                places.check_format(place.format)
        except places.PlaceError as error:
            self.fail(item, str(error), item.at)
        return item.text

    def _item(self, lesson: Lesson, item: Item) -> None:
        key = item.key
        if key is None or key in ("if", "else", "show", "prove", "read", "holds", "question"):
            self.question = None
        getattr(self, "_of_" + key if key else "_paragraph")(lesson, item)
        if key not in ("if", "else"):
            self.before = None

    def _add(self, item: Text | Question | Show | Fact) -> None:
        if self.section is not None:  # always: what is above the first one is not added
            self.section.items.append(item)

    def _paragraph(self, lesson: Lesson, item: Item) -> None:
        text = item.text if item.kind == "code" else self._text(item)
        heads = text.split("\n")[0].strip().strip("|").split("|")[1:]
        if item.kind == "table" and not all(head.strip() for head in heads):
            self.fail(item, "a column without a head; expected: | what | head | head |")
        self._add(Text(text, item.line, item.kind))

    def _of_if(self, lesson: Lesson, item: Item) -> None:
        condition = self._expression(item.rest, item, 4)
        self.before = condition
        self._add(Text(self._text(item), item.line, condition=condition))

    def _of_else(self, lesson: Lesson, item: Item) -> None:
        if self.before is None:
            self.fail(item, "else without if; expected: if EXPRESSION: before it")
        condition = self._expression("not (%s)" % self.before.text, item)
        self._add(Text(self._text(item), item.line, condition=condition))

    def _of_show(self, lesson: Lesson, item: Item) -> None:
        word, _, rest = item.text.partition(" ")
        run = item.rest or (AFTER if self.change else lesson.first.name)
        if word not in KINDS:
            self.fail(item, "unknown %s; expected: %s" % (word, ", ".join(KINDS)), item.at)
        if word == "tool":
            self._tool(tools.read, rest, item)
        if run not in lesson.runs and not (run == AFTER and self.change):
            self.fail(item, "no program is called %s; expected: one above" % run)
        self._add(Show(word, run, rest.strip(), item.line))

    def _of_prove(self, lesson: Lesson, item: Item) -> None:
        if not item.text.startswith("brkpoint "):
            self.fail(item, "expected: a command of brkpoint", item.at)
        self._add(Fact("prove", item.text, item.line))

    def _of_read(self, lesson: Lesson, item: Item) -> None:
        self._add(Fact("read", item.text, item.line))

    def _of_holds(self, lesson: Lesson, item: Item) -> None:
        self._add(Fact("holds", self._expression(item.text, item), item.line))

    # ---- questions -----------------------------------------------------------------------------

    def _of_question(self, lesson: Lesson, item: Item) -> None:
        self.question = Question(self._text(item), item.line)
        self._add(self.question)

    def _asked(self, item: Item) -> Question:
        if self.question is None:
            self.fail(item, "%s without question; expected: question: above it" % item.key)
        return self.question

    def _of_choice(self, lesson: Lesson, item: Item) -> None:
        question = self._asked(item)
        if not re.match(r"[a-z]\Z", item.rest) or item.rest in question.choices:
            self.fail(item, "expected: choice and a letter, each once")
        question.choices[item.rest] = self._text(item)

    def _of_answer(self, lesson: Lesson, item: Item) -> None:
        question = self._asked(item)
        match = re.match(r"([a-z]) if (.+)", item.text)
        if question.choices:
            if not match or match[1] not in question.choices:
                known = "a letter, and what the run must show: answer: a if calls == 0"
                self.fail(item, "expected: %s" % known, item.at)
            question.answers.append((match[1], self._expression(match[2], item)))
            return
        form = _ANSWER.match(item.text)
        if form is None:
            self.fail(item, "expected: answer: an expression", item.at)
        question.number = self._expression(form[1], item)
        question.is_bytes = bool(form[2])
        question.factor, question.share = float(form[3] or 1), float(form[4] or 0) / 100

    def _of_right(self, lesson: Lesson, item: Item) -> None:
        if self.question is not None and item.rest:
            if item.rest not in self.question.choices:
                self.fail(item, "expected: right: or right and the letter of a choice", 7)
            self.question.rights[item.rest] = self._text(item)
        elif self.question is not None:
            self.question.right = self._text(item)
        elif self.change is not None:
            self.change.right = self._text(item)
        else:
            self._asked(item)

    def _of_mistake(self, lesson: Lesson, item: Item) -> None:
        match = re.match(r'(.*?)\s*"([^"]*)"\Z', item.rest)
        if not match:
            self.fail(item, 'expected: mistake WHAT "its name": what is to be said')
        spec, mistake = match[1].strip(), Mistake(match[2], self._text(item), item.line)
        if self.question is not None:
            self._of_wrong_answer(self.question, mistake, spec, item)
            self.question.mistakes.append(mistake)
        elif self.change is not None:
            if spec != "else":
                mistake.condition = self._expression(spec, item, 9)
            self.change.mistakes.append(mistake)
        else:
            self._asked(item)

    def _of_wrong_answer(self, question: Question, mistake: Mistake, spec: str, item: Item) -> None:
        if spec == "else":
            return
        if question.choices:
            if spec not in question.choices:
                self.fail(item, "expected: the letter of a choice, or else", 9)
            mistake.choice = spec
        elif spec[:1] == "<":
            mistake.high = self._expression("(%s) - 1" % spec[1:], item, 9)
        elif spec[:1] == ">":
            mistake.low = self._expression("(%s) + 1" % spec[1:], item, 9)
        else:
            low, _, high = spec.partition(" to ")
            mistake.low = self._expression(low, item, 9)
            mistake.high = self._expression(high or low, item, 9)

    # ---- changes -------------------------------------------------------------------------------

    def _changed(self, item: Item) -> Change:
        if self.change is None:
            self.fail(item, "%s outside a change; expected: ## change NAME: … above" % item.key)
        self.question = None
        return self.change

    def _of_on(self, lesson: Lesson, item: Item) -> None:
        change = self._changed(item)
        if item.text not in lesson.programs:
            self.fail(item, "expected: a program: %s" % ", ".join(lesson.programs), item.at)
        change.program = clauses.copy(lesson.programs[item.text], change.program.name, item.line)
        change.of = item.text

    def _of_set(self, lesson: Lesson, item: Item) -> None:
        self._clauses(self._changed(item).program, item.text.split(" ; "), item)

    def _of_replace(self, lesson: Lesson, item: Item) -> None:
        self._changed(item)
        self._check_replaced()
        self.replaced = item.text

    def _of_with(self, lesson: Lesson, item: Item) -> None:
        program = self._changed(item).program
        if self.replaced is None:
            self.fail(item, "with without replace; expected: replace: above it")
        program.replaced.append((self.replaced, item.text))
        self.replaced = None

    def _check_replaced(self) -> None:
        if self.replaced is not None:
            self.fail(self.section, "replace without with; expected: with: beneath it")

    def _of_expect(self, lesson: Lesson, item: Item) -> None:
        self._changed(item).expect.append(self._expression(item.text, item))

    # ---- the whole -----------------------------------------------------------------------------

    def _end(self, lesson: Lesson, common: dict[str, Value]) -> None:
        self._check_replaced()
        last = len(self.items.lines)
        if not lesson.title or not lesson.idea or not lesson.programs:
            self.fail(last, "expected: # TITLE, idea: and program NAME: at the top")
        missing = [step for step in STEPS if step not in {s.step for s in lesson.sections}]
        if missing:
            self.fail(last, "no %s; expected: all of %s" % (missing[0], ", ".join(STEPS)))
        for section in lesson.sections:
            self._check_section(section)
        lesson.values = {**common, **lesson.values}
        for name, line, change in self.asked:
            run, _, own = name.rpartition(".")
            if own not in lesson.values:
                self.fail(line, "nothing is measured as %s; expected: measure %s: …" % (own, own))
            if run and run not in lesson.runs and not (run == AFTER and change):
                self.fail(line, "no program is called %s; expected: one above" % run)

    def _check_section(self, section: Section) -> None:
        for question in (item for item in section.items if isinstance(item, Question)):
            if not question.answers and question.number is None:
                self.fail(question, "no answer; expected: answer: …")
        change = section.change
        if section.step == "predict" and not any(isinstance(i, Question) for i in section.items):
            self.fail(section, "nothing is asked; expected: question: …")
        if change is None:
            return
        if not change.expect or not change.right:
            self.fail(section, "expected: expect: and right: of the change")
