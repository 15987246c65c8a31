"""A lesson as plain values: what course/reading.py makes of its file."""

from __future__ import annotations

from alloctrace.plain import fresh, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from course.expressions import Expression

TITLES = {
    "predict": "Predict",
    "run": "Run",
    "explain": "Explain",
    "change": "Change one thing",
    "check": "Check",
}
STEPS = tuple(TITLES)  # always, in this order


@plain
class Program:
    """A program to observe: how it is made from its source, and how it is started."""

    name: str
    source: str  # a file of course/targets
    arguments: list[str] = fresh(list)
    variables: dict[str, str] = fresh(dict)
    build: list[str] = fresh(list)  # more words for the compiler
    compiler: str | None = None  # in the place of the usual one
    needs: list[str] = fresh(list)  # files of libraries without which it is left out
    replaced: list[tuple[str, str]] = fresh(list)  # [(old, new)] in the source
    theirs: bool = False  # where the reader names a program, it is that
    timed: bool = False  # the time is taken at each call, where the recorder is there
    line: int = 0


@plain
class Value:
    """Something to measure. kind: scope (a rule's, of budgets), sql, list (rows of sql), sum (an
    Expression), tool (its words, and what to pick from what it prints)."""

    kind: str
    what: Any
    line: int


@plain
class Text:
    """A paragraph, code or a table (`kind`), shown where `condition` holds."""

    text: str
    line: int
    kind: str = "text"
    condition: Expression | None = None


@plain
class Mistake:
    """A wrong idea with a name, and what is to be said of it. `low`, `high`: expressions around
    the number that shows it; `choice`: the letter; `condition`: of a change; all None: any other.
    """

    name: str
    text: str
    line: int
    choice: str | None = None
    low: Expression | None = None
    high: Expression | None = None
    condition: Expression | None = None


@plain
class Question:
    """Asked before its answer can be seen. `answers`: [(letter, Expression)], the first that holds
    is right; or `number`: an Expression, right within `share` (a part) or `factor`. `rights`:
    {letter: what is said where that is the right one}, in place of `right`."""

    text: str
    line: int
    choices: dict[str, str] = fresh(dict)
    answers: list[tuple[str, Expression]] = fresh(list)
    number: Expression | None = None
    is_bytes: bool = False
    share: float = 0.0
    factor: float = 1.0
    right: str = ""
    rights: dict[str, str] = fresh(dict)
    mistakes: list[Mistake] = fresh(list)


@plain
class Show:
    """`what` of showing.KINDS, of which run, with what chooses in it."""

    what: str
    run: str
    argument: str
    line: int


@plain
class Fact:
    """kind: holds (an Expression that the text rests on), prove (a command), read (a source)."""

    kind: str
    what: Any
    line: int


@plain
class Change:
    """One thing to change: the Program that it makes, what must then hold, and what is said."""

    program: Program
    of: str  # the run that is changed
    expect: list[Expression] = fresh(list)
    right: str = ""
    mistakes: list[Mistake] = fresh(list)


@plain
class Section:
    step: str
    title: str
    line: int
    items: list[Text | Question | Show | Fact] = fresh(list)
    change: Change | None = None

    @property
    def of_run(self) -> list[Show | Fact]:
        """Its items that are of a change's run, and stand behind it."""
        if not self.change:
            return []
        kinds = (Show, Fact)
        return [i for i in self.items if isinstance(i, kinds) and i.what != "source"]

    @property
    def heading(self) -> str:
        return TITLES[self.step] + (": " + self.title if self.title else "")


@plain
class Lesson:
    name: str
    number: int
    title: str
    idea: str
    path: str
    programs: dict[str, Program] = fresh(dict)
    values: dict[str, Value] = fresh(dict)
    sections: list[Section] = fresh(list)

    @property
    def first(self) -> Program:
        """The program that the lesson is about."""
        return next(iter(self.programs.values()))

    @property
    def changes(self) -> list[Change]:
        return [section.change for section in self.sections if section.change]

    @property
    def runs(self) -> dict[str, Program]:
        """{name of a run: Program}, those of changes as well."""
        return {**self.programs, **{change.program.name: change.program for change in self.changes}}
