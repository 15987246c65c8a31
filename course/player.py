"""A lesson in the terminal: five steps, each with its pages. In a pipe the whole of it, plainly."""

from __future__ import annotations

import os

from course import changing, filling, measured, places, questions, rehearsal, showing
from course import workshop
from course.lesson import Fact, Question, Show, Text, TITLES
from course.screen import Gone
from start.errors import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from course.lesson import Lesson, Section
    from course.progress import Progress
    from course.screen import Screen
    from course.workshop import Run, Workshop
    from reports.ink import Ink

KEYS = "Enter: next   b: back   q: leave"
_NO_ANSWER = "No number yet? A guess is enough: it costs nothing. (Enter once more: skip it.)"
_NOT_KEPT = "(Its runs are not kept, as this is no terminal: in one, the commands above work.)"


class Player:
    """`screen`: screen.Screen; `progress`: progress.Progress or None."""

    def __init__(
        self, lesson: Lesson, shop: Workshop, screen: Screen, progress: Progress | None = None
    ) -> None:
        self.lesson, self.shop, self.screen, self.progress = lesson, shop, screen, progress
        self.ink, self._left_out = screen.ink, ""
        self.runs: dict[str, Run] = {}
        self._why_stored: set[str] = set()
        self.values = measured.Measured(lesson, lambda name: self.run_of(name).trace)
        self.answers: dict[str, Any] = {}
        if progress:
            self.answers.update(progress.of(lesson.name).get("answers", {}))

    def play(self) -> bool:
        """All of it, or until the reader leaves: whether it was to the end."""
        with self.values:
            self._head()
            if not self._can_be_had():
                return False
            at = 0
            try:
                at = self._begin()
                while at < len(self.lesson.sections):
                    at = max(0, at + self._section(at))
            except Gone:
                self._leave(at)
                return False
            self._note(step=0, done=True)
            self.screen.line()
            self.screen.text("That was the lesson. `brkpoint learn` lists the others.")
            if not self.screen.is_terminal and not all(run.why for run in self.runs.values()):
                self.screen.text(_NOT_KEPT, self.ink.dim)
        return True

    # ---- where one is --------------------------------------------------------------------------

    def _note(self, **facts: Any) -> None:
        if self.progress:
            self.progress.note(self.lesson.name, answers=self.answers, **facts)

    def _begin(self) -> int:
        """The section to begin with: where the reader was, if they want that."""
        at = self.progress.of(self.lesson.name).get("step", 0) if self.progress else 0
        if not self.screen.is_terminal or not isinstance(at, int):
            return 0
        if not 0 < at < len(self.lesson.sections):
            return 0
        where = TITLES[self.lesson.sections[at].step].lower()
        said = "You were at: %s.   Enter: continue there   b: from the beginning   q: leave" % where
        return at if self.screen.key(said, "\nb") == "\n" else 0

    def _leave(self, at: int) -> None:
        self._note(step=at)
        said = "Nothing is lost: `brkpoint learn %s` continues here." % self.lesson.name
        self.screen.line()
        self.screen.text(said)

    def _head(self) -> None:
        self.screen.line(self.ink.bold("%d. %s" % (self.lesson.number, self.lesson.title)))
        self.screen.text(self.lesson.idea)
        self.screen.line()

    def _section(self, at: int) -> int:
        """Play one section; +1 to go on, -1 to go back."""
        section = self.lesson.sections[at]
        self._note(step=at)
        self.values.after = section.change.program.name if section.change else None
        count = "%d of %d" % (at + 1, len(self.lesson.sections))
        rule = self.ink.signs.rule * 2
        heading = self.ink.bold(section.heading)
        self.screen.line("%s %s %s %s" % (rule, heading, rule, self.ink.dim(count)))
        self.screen.line()
        if section.step == "run":
            self._run_before_eyes()
        if section.step == "explain":
            self._resolve()
        for item in section.items:
            if item not in section.of_run:
                self.item(item, section)
        if section.change and changing.play(self, section, section.change):
            for item in section.of_run:
                self.item(item, section)
        if not self.screen.is_terminal:
            return 1
        return -1 if self.screen.key(KEYS, "\n b") == "b" else 1

    # ---- runs ----------------------------------------------------------------------------------

    def run_of(self, name: str, is_readers: bool = False) -> Run:
        """The Run of that name, made where there is none yet."""
        if name not in self.runs or is_readers:
            self.runs[name] = self.shop.run(self.lesson, self.lesson.runs[name], is_readers)
            self.values.forget(name)
            self.tell_stored(self.runs[name])
        return self.runs[name]

    def forget(self, name: str) -> None:
        """The run of that name will be made anew, as the lesson has it."""
        self.runs.pop(name, None)
        self.values.forget(name)

    def tell_stored(self, run: Run) -> None:
        if run.why and run.why not in self._why_stored:
            self._why_stored.add(run.why)
            said = "This run was not made here, but taken from a stored trace: %s." % run.why
            self.screen.text(said, lambda text: self.ink.paint(text, "yellow"))

    def _can_be_had(self) -> bool:
        """Whether there is a run to tell of; without one there is no lesson."""
        try:
            self.run_of(self.lesson.first.name)
            return True
        except measured.Unmeasured as error:
            said = "The program of this lesson cannot be run here: %s. There is no stored trace of "
            said += (
                "it either: `make course` makes them where it can, and `--traces DIR` takes them."
            )
            self.screen.text(said % error)
            return False

    def _run_before_eyes(self) -> None:
        """Compile and watch the program, although a question may have needed that already."""
        program = self.lesson.first
        if self.screen.is_terminal:
            self.forget(program.name)
        try:
            self.tell_run(self.run_of(program.name))
        except measured.Unmeasured as error:
            self.left_out(error)

    def tell_run(self, run: Run) -> None:
        for words in run.typed or ():
            self.screen.line(self.ink.bold("$ " + words))
        for line in run.output.rstrip("\n").split("\n") if run.output.strip() else ():
            self.screen.line(shown(line))
        self.screen.line()

    # ---- items ---------------------------------------------------------------------------------

    def item(self, item: Text | Question | Show | Fact, section: Section) -> None:
        try:
            if isinstance(item, Text):
                self._text(item)
            elif isinstance(item, Show):
                self.screen.lines(showing.lines(item, self.values, self.ink))
                self.screen.line()
            elif isinstance(item, Fact):
                self._fact(item)
            elif isinstance(item, Question):
                self._question(item, section)
        except measured.Unmeasured as error:
            self.left_out(error)

    def left_out(self, why: measured.Unmeasured) -> None:
        said = "(Something is left out here, because it cannot be measured: %s.)" % why
        if str(why) == self._left_out:
            said = "(This is left out too, for the same reason.)"
        self._left_out = str(why)
        self.screen.text(said, self.ink.dim)
        self.screen.line()

    def _text(self, item: Text) -> None:
        said, why = filling.shown(item, self.values)
        if why:
            self.left_out(why)
        if said is None:
            return
        if item.kind == "text":
            self.screen.text(said)
        elif item.kind == "table":
            self.screen.lines(table(said, self.ink))
        else:
            self.screen.lines("    " + line for line in said.split("\n"))
        self.screen.line()

    def _fact(self, fact: Fact) -> None:
        if fact.kind == "read":
            self.screen.text("Read more:  " + fact.what, self.ink.dim)
        elif fact.kind == "prove":
            trace = rehearsal.proved(self.values, self.lesson)
            trace = workshop.near(trace) if self.screen.is_terminal else os.path.basename(trace)
            typed = rehearsal.typed(fact.what, filling.filler(self.values), trace)
            self.screen.text("Prove it:   " + typed, self.ink.bold)
        elif not self.values.holds(fact.what):
            said = "On this machine it is not as the text says: %s does not hold. The "
            said += "numbers are those of your run, and they count."
            self.screen.text(said % fact.what.text, lambda text: self.ink.paint(text, "yellow"))
            self.screen.line()

    def _question(self, question: Question, section: Section) -> None:
        self.screen.text(filling.filler(self.values)(question.text), self.ink.bold)
        for letter, text in question.choices.items():
            self.screen.text("%s) %s" % (letter, filling.filler(self.values)(text)), indent="  ")
        self.screen.line()
        if self.screen.is_terminal:
            self.answers[self._key(question)] = self._answer(question)
            self._note()
        if section.step == "check":
            self.judge(question)

    def _key(self, question: Question) -> str:
        return "%s:%d" % (self.lesson.name, question.line)

    def _answer(self, question: Question) -> str:
        """What the reader typed, once it can be read; "" where they go on without."""
        prompt = "Your answer (%s): " % ", ".join(question.choices or ["a number"])
        said = self.screen.ask(prompt)
        if not said:
            self.screen.text(_NO_ANSWER)
            said = self.screen.ask(prompt)
        while said and questions.meant(question, said) is None:
            expected = "one of %s" % ", ".join(question.choices)
            expected = expected if question.choices else "a number, such as 12 or 4 KiB"
            self.screen.text("I cannot read that. Expected: %s; Enter skips it." % expected)
            said = self.screen.ask(prompt)
        self.screen.line()
        return said

    def judge(self, question: Question) -> None:
        """What was predicted, what it was, and what to say of it."""
        asked = questions.Asked(question, self.values, filling.filler(self.values))
        said = self.answers.get(self._key(question), "")
        meant = questions.meant(question, said) if isinstance(said, str) else None
        if meant is None:
            self.screen.text("The answer: %s." % asked.answer, self.ink.bold)
            self.screen.text(asked.judge(asked.right).said)
            self.screen.line()
            return
        verdict = asked.judge(meant)
        told = meant if question.choices else places.told(meant)
        if verdict.right:
            exactly = (
                "" if question.choices or meant == asked.number else " It is %s." % asked.answer
            )
            self.screen.text("You said %s: right.%s" % (told, exactly), self._good)
            self.screen.text(verdict.said)
        else:
            self.screen.text("You said %s. It is: %s." % (told, asked.answer), self._other)
            if verdict.name:
                self.screen.text("A common idea: \u201c%s\u201d." % verdict.name, self.ink.bold)
            self.screen.text(verdict.said or asked.judge(asked.right).said)
        self.screen.line()

    def _good(self, text: str) -> str:
        return self.ink.paint(text, "bold", "green")

    def _other(self, text: str) -> str:
        return self.ink.paint(text, "bold", "yellow")

    def _resolve(self) -> None:
        """The answers to what was asked before the run."""
        for section in self.lesson.sections:
            if section.step == "predict":
                for question in (item for item in section.items if isinstance(item, Question)):
                    try:
                        self.screen.text(filling.filler(self.values)(question.text), self.ink.dim)
                        self.judge(question)
                    except measured.Unmeasured as error:
                        self.left_out(error)


def table(text: str, ink: Ink) -> Iterator[str]:
    """A table of `| a | b |` lines, its columns one beneath the other."""
    rows = [[c.strip() for c in line.strip().strip("|").split("|")] for line in text.split("\n")]
    count = max(map(len, rows))
    rows = [row + [""] * (count - len(row)) for row in rows]
    widths = [max(len(row[at]) for row in rows) for at in range(count)]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        line = ("  " + "  ".join(cells)).rstrip()
        yield ink.dim(line) if not number else line
