"""A lesson as a page: one file of HTML that needs nothing else and reaches for nothing.

It is made as the run's page is: the same styles and words, one script and one style, each known to
the page's policy by its hash. Without its script everything is there, and the answers are folded.
"""

from __future__ import annotations

import os
from html import escape

from course import filling, measured, questions, rehearsal
from course.lesson import Fact, Question, Show, Text
from course.page import parts
from reports.page import document
from start.errors import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from course.lesson import Change, Lesson, Mistake, Section
    from course.measured import Measured, Unmeasured
    from course.questions import Between
    from course.workshop import Run

_HERE = os.path.dirname(os.path.abspath(__file__))


def page(title: str, body: str, data: dict[str, Any] | None = None) -> str:
    """A whole page. `data`: what the script is told; None: no script."""
    style = document.joined(("page.css", "panels.css")) + _own("lesson.css")
    words = document.joined(("words.js",)) if data is not None else ""
    script = words.replace("})();\n", _own("lesson.js") + "})();\n") if words else ""
    told = '<script type="application/json" id="data">%s</script>\n<script>%s</script>\n'
    more = [told % (document.as_data(data), script)] if script else []
    text = document.whole(title, style, [body, *more], script or None)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _own(name: str) -> str:
    with open(os.path.join(_HERE, name), encoding="utf-8") as file:
        return file.read()


class Page:
    """A lesson with the values of its runs. `runs`: {name: workshop.Run} of those that could be
    had; `links`: what stands beside it, [(href, text)]."""

    def __init__(
        self,
        lesson: Lesson,
        values: Measured,
        runs: dict[str, Run],
        links: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.lesson, self.values, self.runs, self.links = lesson, values, runs, links
        self.fill = filling.filler(values)
        self.tables = 0
        self.asked: list[dict[str, Any]] = []  # what the script is told of each question

    def render(self) -> str:
        """The page as text."""
        sections = "".join(self._section(number) for number in range(len(self.lesson.sections)))
        lesson = self.lesson
        body = (
            '<a class="skip" href="#step-0">Skip to the lesson</a>\n<header>'
            '<p class="kicker">brkpoint learn %s</p><h1>%d. %s</h1><p class="lead">%s</p>%s%s'
            '</header>\n<main>\n%s<p class="go" id="go"></p></main>\n'
            % (
                escape(lesson.name),
                lesson.number,
                escape(lesson.title),
                parts.inline(lesson.idea),
                self._stored(),
                self._nav(),
                sections,
            )
        )
        return page(lesson.title, body, {"questions": self.asked})

    def _stored(self) -> str:
        first = self.runs.get(self.lesson.first.name)
        run = self.values.run(self.lesson.first.name).trace.run
        versions = run.get("versions") or {}
        made = "%s, %s" % (run.get("date") or "?", versions.get("libc") or "another C library")
        said = "Every number on this page was measured, on %s." % escape(shown(str(made)))
        why = " From a stored trace: %s." % escape(first.why) if first and first.why else ""
        return '<p class="quiet">%s%s</p>' % (said, why)

    def _nav(self) -> str:
        if not self.links:
            return ""
        rows = "".join(
            '<li><a href="%s">%s</a></li>' % (escape(h), escape(t)) for h, t in self.links
        )
        return '<nav class="steps" aria-label="the course"><ol>%s</ol></nav>' % rows

    def _section(self, number: int) -> str:
        section = self.lesson.sections[number]
        self.values.after = section.change.program.name if section.change else None
        inner = [self._resolved()] if section.step == "explain" else []
        shows: list[str] = []
        for item in section.items:
            made = self._item(item, section)
            (shows if item in section.of_run else inner).append(made)
        if section.change:
            inner.append(self._after(section.change, shows))
        later = "" if section.step == "predict" else ' class="later"'
        return '<section id="step-%d"%s><h2>%s</h2>%s</section>\n' % (
            number,
            later,
            escape(section.heading),
            "".join(inner),
        )

    def _resolved(self) -> str:
        return "".join(
            '<div class="resolved" id="%s-resolved"></div>' % row["id"]
            for row in self.asked
            if row["step"] == "predict"
        )

    def _item(self, item: Text | Question | Show | Fact, section: Section) -> str:
        try:
            if isinstance(item, Text):
                return self._text(item)
            if isinstance(item, Show):
                return parts.show(item, self.values)
            if isinstance(item, Question):
                return self._question(item, section)
            return self._fact(item) if isinstance(item, Fact) else ""
        except measured.Unmeasured as error:
            return _left_out(error)

    def _text(self, item: Text) -> str:
        said, why = filling.shown(item, self.values)
        if said is None:
            return _left_out(why) if why else ""
        if item.kind == "code":
            return parts.code(said)
        if item.kind == "table":
            self.tables += 1
            return parts.rows(said, "%s, table %d" % (self.lesson.title, self.tables))
        return "<p>%s</p>" % parts.inline(said)

    def _fact(self, fact: Fact) -> str:
        if fact.kind == "read":
            return '<p class="quiet">Read more: %s</p>' % parts.inline(fact.what)
        if fact.kind == "prove":
            name = parts.kept_as(self.lesson, self.values.after or self.lesson.first.name)
            command = rehearsal.typed(fact.what, self.fill, name)
            return "<p>Prove it: <code>%s</code></p>" % escape(command)
        if self.values.holds(fact.what):
            return ""
        said = "On this machine it is not as the text says: %s does not hold."
        return '<p class="note">%s</p>' % escape(said % fact.what.text)

    def _question(self, question: Question, section: Section) -> str:
        asked = questions.Asked(question, self.values, self.fill)
        made = {
            "id": "q%d" % (len(self.asked) + 1),
            "step": section.change.program.name if section.change else section.step,
            "text": _plainly(self.fill(question.text)),
            "choices": [[k, _plainly(self.fill(text))] for k, text in question.choices.items()],
            "right": asked.letter,
            "limits": None if question.choices else list(asked.limits),
            "answer": _plainly(asked.answer),
            "said": _plainly(asked.said),
            "mistakes": [self._mistake(*row) for row in asked.mistakes],
        }
        self.asked.append(made)
        items = "".join(
            "<li>%s) %s</li>" % (letter, parts.inline(self.fill(text)))
            for letter, text in question.choices.items()
        )
        answer = "<p>It is: %s.</p><p>%s</p>" % (
            parts.inline(asked.answer),
            parts.inline(asked.said),
        )
        return (
            '<div class="ask" id="%s"><p class="question">%s</p><div class="plain"><ol>%s</ol>'
            "<details><summary>The answer</summary>%s</details></div></div>"
            % (made["id"], parts.inline(self.fill(question.text)), items, answer)
        )

    def _mistake(self, mistake: Mistake, between: Between | None) -> dict[str, Any]:
        return {
            "name": mistake.name,
            "text": _plainly(self.fill(mistake.text)),
            "choice": mistake.choice,
            "between": list(between) if between else [None, None],
        }

    def _after(self, change: Change, shows: list[str]) -> str:
        """What was changed, and what happened, folded until it was predicted."""
        try:
            edits = "".join(_edit(old, new) for old, new in change.program.replaced)
            run = self.values.run("after") and self.runs.get(change.program.name)
            typed = (
                parts.code("\n".join("$ " + words for words in run.typed))
                if (run and run.typed)
                else ""
            )
            missed = [text for text in change.expect if not self.values.holds(text)]
            said = (
                "<p>%s</p>" % parts.inline(self.fill(change.right))
                if not missed
                else (
                    '<p class="note">On this machine it was otherwise than expected: %s does not '
                    "hold.</p>" % escape(missed[0].text)
                )
            )
        except measured.Unmeasured as error:
            return _left_out(error)
        return (
            '%s<details class="after" data-change="%s"><summary>Run it, and see</summary>'
            "%s%s%s</details>" % (edits, escape(change.program.name), typed, said, "".join(shows))
        )


def _edit(old: str, new: str) -> str:
    lines = ['<span class="minus">- %s</span>' % escape(line) for line in filling.aligned(old)]
    lines += ['<span class="plus">+ %s</span>' % escape(line) for line in filling.aligned(new)]
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="the change"><pre>%s</pre></div>'
        % ("\n".join(lines))
    )


def _left_out(why: Unmeasured) -> str:
    said = "Something is left out here, because it cannot be measured: %s." % shown(str(why))
    return '<p class="note">%s</p>' % escape(said)


def _plainly(text: str) -> str:
    """For the script, which sets text as text."""
    return text.replace("`", "").replace("*", "")
