"""What a lesson shows of a run, as HTML: the parts of the run's page. Every text is escaped."""

from __future__ import annotations

import math
import re
from html import escape

from course import showing, workshop
from reports import event_lines, event_tree, sentences, text as report_text
from reports.card_words import WORDS
from reports.page.fit import fit
from reports.page.markup import bdi, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from alloctrace.model import Event
    from course.lesson import Lesson, Show
    from course.measured import Measured, OfRun
    from course.strip import Column
    from reports.event_tree import Node

_CODE = re.compile(r"`([^`]+)`")
_STRESS = re.compile(r"\*([^*\s][^*]*)\*")
_WIDE, _ABOVE, _BELOW, _TOP = 1000, 70, 34, 24
MOST_COLUMNS = 200


def inline(text: str) -> str:
    """Code in `backquotes` and *stress*, the rest as it stands."""
    made = []
    for at, part in enumerate(_CODE.split(text)):
        part = escape(part)
        made.append("<code>%s</code>" % part if at % 2 else _STRESS.sub(r"<em>\1</em>", part))
    return "".join(made)


def show(item: Show, values: Measured) -> str:
    """HTML of a lesson.Show; raises Unmeasured."""
    if item.what == "source":
        program = values.lesson.runs[values.name_of(item.run)]
        return code(workshop.original(program))
    run = values.run(item.run)
    if item.what == "report":
        return _report(item, run, kept_as(values.lesson, values.name_of(item.run)))
    return _KINDS[item.what](item, run)


def kept_as(lesson: Lesson, run: str) -> str:
    """The name of a run's trace beside the pages."""
    return "%s.%s.brkpoint" % (lesson.name, run)


def code(text: str) -> str:
    return '<div class="scroll" tabindex="0" role="group" aria-label="code"><pre>%s</pre></div>' % (
        escape(text.rstrip("\n"))
    )


def rows(text: str, caption: str) -> str:
    """A table of `| a | b |` lines."""
    cells = [[c.strip() for c in line.strip().strip("|").split("|")] for line in text.split("\n")]
    name = "t-" + re.sub(r"[^a-z0-9]+", "-", caption.lower()).strip("-")
    return table(name, [cells[0][0] or "what", *cells[0][1:]], cells[1:], escape(caption))


def _verdict(_: Show, run: OfRun) -> str:
    return '<p class="verdict">%s</p>' % bdi(fit(sentences.verdict(showing.summary(run))))


def _report(item: Show, run: OfRun, name: str) -> str:
    """`name`: of the trace, for the reader, who has none where this one lies."""
    facts = showing.summary(run)
    page = report_text.render(facts, run.trace, 80, False, None, True, name)
    told = "<details><summary>Every call of this run</summary>%s</details>"
    return _verdict(item, run) + told % code(page)


def _strip(_: Show, run: OfRun) -> str:
    found = showing.columns(run, MOST_COLUMNS)
    if not found:
        return '<p class="quiet">It makes no call and no memory syscall: nothing to draw.</p>'
    most = max([column.size for column in found] + [1])
    one = _WIDE / len(found)
    parts: list[str] = []
    before: str | None = None
    for at, column in enumerate(found):
        x = at * one
        if column.phase != before:
            before = column.phase
            parts.append('<rect class="edge" x="%.1f" y="0" width="1" height="%d"/>' % (x, _TOP))
            parts.append('<text x="%.1f" y="15">%s</text>' % (x + 5, escape(before)))
        wide = max(0.8, 0.8 * one)
        if column.who:
            high = max(3, _ABOVE * math.log2(1 + column.size) / math.log2(2 + most))
            grey = "" if column.reached else " stays"
            parts.append(_bar(column.who + grey, x, _TOP + _ABOVE - high, wide, high))
        for number in range(min(4, len(column.syscalls))):
            parts.append(_bar("below", x, _TOP + _ABOVE + 3 + 8 * number, wide, 6))
    parts.append('<rect class="axis" x="0" y="%d" width="%d" height="1"/>' % (_TOP + _ABOVE, _WIDE))
    calls = sum(column.calls for column in found)
    syscalls = sum(len(column.syscalls) for column in found)
    label = "the run as a strip: %d calls above, %d memory syscalls below" % (calls, syscalls)
    return (
        '<figure><svg class="strip" role="img" aria-label="%s" viewBox="0 0 %d %d">%s</svg>'
        '<figcaption class="quiet">%s</figcaption></figure>'
        % (label, _WIDE, _TOP + _ABOVE + _BELOW, "".join(parts), _legend(found))
    )


def _bar(kind: str, x: float, y: float, wide: float, high: float) -> str:
    return '<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>' % (
        kind,
        x,
        y,
        wide,
        high,
    )


def _legend(found: list[Column]) -> str:
    whos = [w for w in ("loader", "runtime", "user", "unknown") if any(c.who == w for c in found)]
    keys = "".join('<span class="mark %s"></span>%s ' % (who, who) for who in whos)
    several = " A bar is for several events." if any(column.calls > 1 for column in found) else ""
    return (
        "%s<br>Calls are above the line, and each doubling of bytes adds the same height; memory "
        "syscalls hang below the call that made them. Pale bars never reached the kernel.%s"
        % (keys, several)
    )


def _event(item: Show, run: OfRun) -> str:
    """The step card, as the run's page has it."""
    card = showing.card(run, item.argument)
    reasons = "".join("<dt>%s</dt><dd>%s</dd>" % (escape(t), bdi(text)) for t, text in card.reasons)
    stack = "".join(
        "<li%s><code>%s</code></li>"
        % (' class="deciding"' if decides else "", bdi(text.strip().split("  ", 1)[-1]))
        for text, decides in card.stack
    )
    return (
        '<div class="step"><p class="where">%s</p><p class="code"><code>%s</code></p>'
        '<p class="sentence">%s</p><p class="effect%s">%s</p><p class="quiet">%s</p>'
        '<details><summary>%s</summary><dl class="reasons">%s</dl></details>'
        '<div class="stack"><h3>%s</h3><ol start="0">%s</ol></div></div>'
        % (
            bdi(card.where),
            bdi(card.code),
            bdi(card.sentence),
            " reached" if card.reached else "",
            bdi(card.effect),
            bdi(card.live),
            escape(WORDS["reasons"]["title"]),
            reasons,
            escape(WORDS["stack"]["title"]),
            stack,
        )
    )


def _events(item: Show, run: OfRun) -> str:
    found = showing.seqs(run, item.argument, showing.MOST_EVENTS + 1)
    shown = found[: showing.MOST_EVENTS]
    events = list(run.trace.events_within([(seq, seq) for seq in shown]))
    if not events:
        return '<p class="quiet">This run has no such event.</p>'
    tops = [node for nodes in event_tree.grow(events).values() for node in nodes]
    made = []
    for event, depth in _beneath(tops, 0):
        what = (
            "\u00a0\u00a0" * (depth - 1)
            + ("└ " if depth else "")
            + event_lines.asked(event)
            + event_lines.answered(event)
        )
        made.append([what, fit(event_lines.who(event)), fit(event_lines.why(event))])
    more = '<p class="quiet">… and more of the same kind</p>' if len(found) > len(shown) else ""
    return table("events-%d" % item.line, ["call", "who", "for"], made, "events of this run") + more


def _beneath(nodes: Iterable[Node], depth: int) -> Iterator[tuple[Event, int]]:
    """(event, how deep it hangs), each beneath the call that made it."""
    for node in nodes:
        yield node.event, depth
        yield from _beneath(node.children, depth + 1)


def _live(item: Show, run: OfRun) -> str:
    from reports.ink import Ink

    return code("\n".join(showing.lines_of(item, run, Ink(80, False, True))))


def _tool(item: Show, run: OfRun) -> str:
    return code("\n".join(showing.tool_lines(item, run)))


_KINDS: dict[str, Callable[[Show, OfRun], str]] = {
    "verdict": _verdict,
    "strip": _strip,
    "event": _event,
    "events": _events,
    "live": _live,
    "tool": _tool,
}
