"""What a lesson shows of a run, as lines of a terminal: the parts of the reports."""

from __future__ import annotations

import shlex

from alloctrace.event_cursor import Cursor
from alloctrace.summary import chosen
from alloctrace.summary.summary import summarise
from course import measured, strip, tools, workshop
from reports import event_tree, run_view, sentences, step_card, step_screen
from reports import text as report_text, through_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from course.lesson import Show
    from course.measured import Measured, OfRun
    from reports.ink import Ink
    from reports.step_card import Card

MOST_EVENTS = 40
_STYLES = {"code": ("bold",), "strong": ("bold",), "title": ("bold",), "where": ("dim",)}
_STYLES["quiet"] = ("dim",)


def lines(show: Show, values: Measured, ink: Ink) -> list[str]:
    """Lines, painted. `show`: lesson.Show; raises Unmeasured."""
    if show.what == "source":
        program = values.lesson.runs[values.name_of(show.run)]
        text = workshop.original(program).rstrip("\n")
        return ["    " + line for line in ink.said(text).split("\n")]
    return lines_of(show, values.run(show.run), ink)


def lines_of(show: Show, run: OfRun, ink: Ink) -> list[str]:
    """The same of one run."""
    return _KINDS[show.what](show, run, ink)


def summary(run: OfRun) -> dict[str, Any]:
    """Of a trace, as `brkpoint report` has it; made once."""
    if run.summary is None:
        run.summary = summarise(run.trace, process=chosen.ASKED)
    return run.summary


def _verdict(_: Show, run: OfRun, ink: Ink) -> list[str]:
    return [ink.bold(line) for line in ink.wrap(sentences.verdict(summary(run)), ink.width)]


def _report(_: Show, run: OfRun, ink: Ink) -> list[str]:
    page = report_text.render(summary(run), run.trace, ink.width, ink.colour, None, ink.unicode)
    return page.rstrip("\n").split("\n")


def _strip(_: Show, run: OfRun, ink: Ink) -> list[str]:
    return strip.lines(columns(run, ink.width - 12), ink)


def columns(run: OfRun, most: int) -> list[strip.Column]:
    """The columns of the run's strip; raises Unmeasured where there are too many events."""
    if (run.trace.run.get("events") or 0) > strip.MOST or not run.trace.keeps_events:
        raise measured.Unmeasured("it has too many events to draw")
    return strip.columns(report_text.events_of(summary(run), run.trace), most)


def seqs(run: OfRun, condition: str, most: int) -> list[int]:
    """The numbers of the first events for which an SQL condition holds."""
    text = "select seq from events where (%s) order by seq limit %d" % (condition or "1", most)
    return [row[0] for row in run.rows(text)]


def card(run: OfRun, condition: str) -> Card:
    """The step card of the first event for which the condition holds; raises Unmeasured."""
    found = seqs(run, condition, 1)
    if not found:
        raise measured.Unmeasured("this run has no such event: %s" % condition)
    facts = summary(run)
    return step_card.of(Cursor(run.trace, None, facts["timeline"]), found[0])


def _event(show: Show, run: OfRun, ink: Ink) -> list[str]:
    shown = card(run, show.argument)
    made = []
    for text, style in step_screen.lines(shown, ink.width, ink.unicode):
        if style == "origin":
            made.append(ink.origin(shown.origin, text))
        else:
            made.append(ink.paint(text, *_STYLES.get(style, ())))
    return made


def _events(show: Show, run: OfRun, ink: Ink) -> list[str]:
    found = seqs(run, show.argument, MOST_EVENTS + 1)
    if not found:
        return [ink.dim("(this run has no such event)")]
    chosen_ones = list(run.trace.events_within([(seq, seq) for seq in found[:MOST_EVENTS]]))
    nodes = [node for tops in event_tree.grow(chosen_ones).values() for node in tops]
    widths = run_view.usual_widths(ink)
    made = list(run_view.head(widths, ink))
    for row in run_view.rows(nodes, run.trace.stack, ink):
        made.append(run_view.line(row, widths, ink))
    if len(found) > MOST_EVENTS:
        made.append(ink.dim("  … and more of the same kind"))
    return made


def tool_lines(show: Show, run: OfRun) -> list[str]:
    """What a tool prints of the run's program, beneath the command."""
    words = shlex.split(show.argument)
    printed = run.of_tool(tools.lines, words)
    return ["$ " + tools.typed(words, run.trace), *printed]


def _tool(show: Show, run: OfRun, ink: Ink) -> list[str]:
    first, *rest = tool_lines(show, run)
    made = [ink.bold(first)]
    for line in rest:
        made += ["  " + ink.said(part) for part in ink.wrap(line, ink.width - 4)]
    return made


def _live(_: Show, run: OfRun, ink: Ink) -> list[str]:
    rows = through_time.picture(summary(run), ink)
    if not rows:
        return [ink.dim("(nothing was ever live)")]
    title = "Live bytes through the run"
    made = [ink.bold(title)]
    for who, line, most in rows:
        made.append("  %s%s %s" % (ink.column(who, through_time.NAME), ink.origin(who, line), most))
    return made


_KINDS: dict[str, Callable[[Show, OfRun, Ink], list[str]]] = {
    "verdict": _verdict,
    "report": _report,
    "strip": _strip,
    "event": _event,
    "events": _events,
    "live": _live,
    "tool": _tool,
}
