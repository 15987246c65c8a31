"""The whole course as one folder, for a class without ptrace: a page a lesson, an index, the page
of each lesson's run, and the traces that `brkpoint learn` takes where nothing can be run."""

from __future__ import annotations

import os
import shutil
from html import escape

from course import measured, tools, words
from course.page import document, parts
from course.showing import summary
from reports.page import document as run_page
from start import page_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from course.lesson import Lesson
    from course.workshop import Run, Workshop

    ShopOf = Callable[[Lesson], Workshop]

WORDS = "words.html"


class Runs:
    """The runs of a lesson, made when they are first asked for."""

    def __init__(self, lesson: Lesson, shop: Workshop) -> None:
        self.lesson, self.shop = lesson, shop
        self.made: dict[str, Run | measured.Unmeasured] = {}

    def path(self, name: str) -> str:
        if name not in self.made:
            try:
                self.made[name] = self.shop.run(self.lesson, self.lesson.runs[name])
            except measured.Unmeasured as error:
                self.made[name] = error
        made = self.made[name]
        if isinstance(made, measured.Unmeasured):
            raise made
        return made.trace

    def had(self) -> dict[str, Run]:
        return {n: r for n, r in self.made.items() if not isinstance(r, measured.Unmeasured)}


def lesson_page(
    lesson: Lesson, shop: Workshop, links: Sequence[tuple[str, str]] = ()
) -> tuple[str, Runs]:
    """(the page as text, Runs); raises Unmeasured where the lesson's program cannot be run."""
    runs = Runs(lesson, shop)
    with measured.Measured(lesson, runs.path) as values:
        values.run(lesson.first.name)
        for name in lesson.runs:
            try:
                values.run(name)
            except measured.Unmeasured:
                pass  # its place on the page says so
        return document.Page(lesson, values, runs.had(), links).render(), runs


def write(
    lessons: list[Lesson], folder: str, shop_of: ShopOf, tell: Callable[[str], object]
) -> list[tuple[str, str]]:
    """Write all; the names of lessons that could not be made, each with why."""
    traces = os.path.join(folder, "traces")
    os.makedirs(traces, exist_ok=True)
    done, left_out = [], []
    for number, lesson in enumerate(lessons):
        tell(lesson.name)
        links = [
            ("index.html", "All lessons"),
            (lesson.name + ".run.html", "This run, every event"),
            (WORDS, "The words"),
        ]
        if number + 1 < len(lessons):
            links.append((lessons[number + 1].name + ".html", "Next: " + lessons[number + 1].title))
        try:
            text, runs = lesson_page(lesson, shop_of(lesson), links)
        except measured.Unmeasured as error:
            left_out.append((lesson.name, str(error)))
            continue
        page_file.write(os.path.join(folder, lesson.name + ".html"), text)
        for name, run in runs.had().items():
            kept = os.path.join(traces, parts.kept_as(lesson, name))
            _keep(run.trace, kept)
            tools.keep(run.trace, kept)
        _write_run(lesson, traces, folder)
        done.append(lesson)
    page_file.write(os.path.join(folder, WORDS), glossary(shop_of, traces))
    page_file.write(os.path.join(folder, "index.html"), index(done))
    return left_out


def _keep(trace: str, path: str) -> None:
    shutil.copyfile(trace, path + ".new")
    os.replace(path + ".new", path)


def _write_run(lesson: Lesson, traces: str, folder: str) -> None:
    """The page of the lesson's own run."""
    path = os.path.join(traces, parts.kept_as(lesson, lesson.first.name))
    beside = [(WORDS, "The words"), (lesson.name + ".html", "The lesson")]
    run = measured.OfRun(path, {})
    try:
        text = run_page.render(summary(run), run.trace, beside)
    finally:
        run.close()
    page_file.write(os.path.join(folder, lesson.name + ".run.html"), text)


def glossary(shop_of: ShopOf, traces: str) -> str:
    """The words of the reports, each with its example; its run is kept with the others."""
    known, lesson = words.read()
    shop, rows = shop_of(lesson), []
    try:
        run = shop.run(lesson, lesson.first).trace
        _keep(run, os.path.join(traces, parts.kept_as(lesson, lesson.first.name)))
    except measured.Unmeasured:
        pass  # each example says why there is none
    for word in known.values():
        example = words.example(word, lesson, shop)
        shown = '<p class="quiet">%s</p>' % parts.inline(example) if example else ""
        told = (escape(word.name.replace(" ", "-")), escape(word.name), parts.inline(word.meaning))
        rows.append('<dt id="%s">%s</dt><dd>%s' % told + shown + "</dd>")
    body = (
        '<main><p><a href="index.html">All lessons</a></p><h1>The words</h1><p>In a terminal: '
        "<code>brkpoint words</code>, with an example from your machine.</p>"
        '<dl class="words">%s</dl></main>\n' % "".join(rows)
    )
    return document.page("The words", body)


def index(lessons: Iterable[Lesson]) -> str:
    rows = "".join(
        '<li><a href="%s.html">%d. %s</a><p>%s</p></li>'
        % (escape(lesson.name), lesson.number, escape(lesson.title), parts.inline(lesson.idea))
        for lesson in lessons
    )
    body = (
        "<main><h1>What programs ask of memory</h1><p>A course in lessons of five steps: predict, "
        "run, explain, change one thing, check. Every number was measured on the machine that made "
        "these pages. On your own machine <code>brkpoint learn</code> measures them afresh.</p>"
        '<p><a href="%s">The words</a> of the lessons. The traces of all runs are in the directory '
        "<code>traces</code>.</p>"
        '<ol class="index">%s</ol></main>\n' % (WORDS, rows)
    )
    return document.page("What programs ask of memory", body)
