"""`brkpoint learn --check`: a lesson played by nobody, with right and wrong answers. It is how a
lesson is tested: each expectation must hold, each text have its values, each mistake its answer."""

from __future__ import annotations

import os
import shlex
import subprocess

from course import filling, measured, questions, showing
from course.lesson import Fact, Question, Show, Text
from reports.ink import Ink
from start import scripts
from start.errors import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from course.lesson import Change, Lesson, Section
    from course.measured import Measured
    from course.workshop import Workshop

_proved: set[str] = set()  # commands that worked already, of one trace or another


class Rehearsal:
    """`faults`: sentences; `notes`: what was left out, and why."""

    def __init__(self, lesson: Lesson, workshop: Workshop, prove: bool = True) -> None:
        self.lesson, self.workshop, self.prove = lesson, workshop, prove
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.traces: dict[str, str | measured.Unmeasured] = {}
        self.values = measured.Measured(lesson, self._trace)

    def go(self) -> Rehearsal:
        """Returns itself."""
        with self.values:
            try:
                self.values.run(self.lesson.first.name)
            except measured.Unmeasured as error:
                self.faults.append("%s cannot be run: %s" % (self.lesson.first.source, error))
                return self
            for section in self.lesson.sections:
                self.values.after = section.change.program.name if section.change else None
                if section.change and not self._can_be_had(section):
                    continue
                for item in section.items:
                    self._item(item)
                if section.change:
                    self._change(section.change)
        return self

    def _trace(self, name: str) -> str:
        if name not in self.traces:
            program = self.lesson.runs[name]
            try:
                self.traces[name] = self.workshop.run(self.lesson, program).trace
            except measured.Unmeasured as error:
                self.traces[name] = error
        found = self.traces[name]
        if isinstance(found, measured.Unmeasured):
            raise found
        return found

    def _can_be_had(self, section: Section) -> bool:
        try:
            self.values.run("after")
            return True
        except measured.Unmeasured as error:
            self._left_out(section.line, error)
            return False

    def _left_out(self, line: int, why: measured.Unmeasured) -> None:
        """A tool that is missing here is a note; a value that nobody can measure is a fault."""
        missing = isinstance(why, measured.Missing)
        (self.notes if missing else self.faults).append("line %d: %s" % (line, why))

    def _fault(self, item: Any, text: str, *values: object) -> None:
        self.faults.append("line %d: %s" % (item.line, text % values if values else text))

    def _item(self, item: Text | Question | Show | Fact) -> None:
        try:
            if isinstance(item, Question):
                self._question(item)
            elif isinstance(item, Text):
                _, why = filling.shown(item, self.values)
                if why:
                    self._left_out(item.line, why)
            elif isinstance(item, Show):
                showing.lines(item, self.values, Ink())
            elif isinstance(item, Fact):
                self._fact(item)
        except measured.Unmeasured as error:
            self._left_out(item.line, error)

    def _question(self, question: Question) -> None:
        fill = filling.filler(self.values)
        fill(question.text)
        for text in question.choices.values():
            fill(text)
        asked = questions.Asked(question, self.values, fill)
        for answer, mistake in asked.samples():
            if answer is None:
                name = mistake.name if mistake else ""
                self._fault(mistake, "no answer shows the mistake %s", name)
                continue
            meant = questions.meant(question, str(answer))
            verdict = asked.judge(answer)
            if meant != answer:
                self._fault(question, "the answer %s is read as %s", answer, meant)
            if mistake is None and not verdict.right:
                self._fault(question, "the right answer %s is told to be wrong", answer)
            if mistake is not None and verdict.right:
                self._fault(question, "the wrong answer %s is told to be right", answer)
            if mistake is not None and verdict.name != mistake.name:
                said = "%s does not show the mistake %s, but %s"
                self._fault(mistake, said, answer, mistake.name, verdict.name or "none")
            if mistake is None and not verdict.said:
                self._fault(question, "nothing is said of the right answer; expected: right: …")
        for text in [*question.rights.values(), *(m.text for m in question.mistakes)]:
            fill(text)
        if question.choices:
            self._check_choices(asked)

    def _check_choices(self, asked: questions.Asked) -> None:
        for letter in asked.question.choices:
            if letter != asked.letter and not asked.judge(letter).said:
                self._fault(asked.question, "nothing is said of the wrong answer %s", letter)

    def _fact(self, fact: Fact) -> None:
        if fact.kind == "holds" and not self.values.holds(fact.what):
            told = ", ".join(
                "%s is %s" % (name, self.values.lookup(name)) for name in fact.what.names
            )
            self._fault(fact, "%s does not hold here: %s", fact.what.text, told)
        if fact.kind == "prove" and self.prove:
            self._prove(fact)

    def _prove(self, fact: Fact) -> None:
        words = command(fact.what, self.values, self.lesson)
        key = " ".join(words[:1] + words[2:])
        if key in _proved:
            return
        done = subprocess.run(
            [os.path.join(scripts.TOP, "brkpoint"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode == 0 and done.stdout.strip():
            _proved.add(key)
        else:
            said = done.stdout.decode("utf-8", "replace").strip().split("\n")[-1]
            self._fault(fact, "%s: status %d: %s", fact.what, done.returncode, shown(said))

    def _change(self, change: Change) -> None:
        fill = filling.filler(self.values)
        try:
            for expected in change.expect:
                if not self.values.holds(expected):
                    told = ", ".join(
                        "%s is %s" % (name, self.values.lookup(name)) for name in expected.names
                    )
                    self._fault(change.program, "%s does not hold: %s", expected.text, told)
            fill(change.right)
            for mistake in change.mistakes:
                fill(mistake.text)
            self._unchanged(change)
        except measured.Unmeasured as error:
            self._left_out(change.program.line, error)

    def _unchanged(self, change: Change) -> None:
        """Who changes nothing must not be told that the change did what it should."""
        before, self.values.after = self.values.after, change.of
        try:
            if all(self.values.holds(expected) for expected in change.expect):
                self._fault(change.program, "all that is expected holds without the change as well")
        finally:
            self.values.after = before


def proved(values: Measured, lesson: Lesson) -> str:
    """The path of the trace that a `prove:` is about."""
    return values.run("after" if values.after else lesson.first.name).path


def typed(text: str, fill: Callable[[str], str], trace: str) -> str:
    """A `prove:` as a reader types it: quoted as its lesson has it, `trace` and values in place."""
    return fill(text.replace("{trace}", "\0")).replace("\0", shlex.quote(trace))


def command(text: str, values: Measured, lesson: Lesson) -> list[str]:
    """The words of a `prove:`, with `{trace}` and values in their places, without `brkpoint`."""
    path = proved(values, lesson)
    parts = shlex.split(text.replace("{trace}", "\0"))[1:]
    fill = filling.filler(values)
    return [fill(part).replace("\0", path) for part in parts]
