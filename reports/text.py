"""The report for a terminal. `render` is what `brkpoint run` and `brkpoint report` print."""

from __future__ import annotations

from alloctrace.summary import chosen
from reports import about, observed, process_tree, run_view, sections, sentences
from reports.ink import Ink, cells, speaks_unicode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from alloctrace.trace.read import Trace

EVENTS_AT_MOST = 70  # above this the summary; an empty Rust program makes 63
WARNINGS = 8
COMMAND = 3  # lines of what was run
LINES = 100  # of the whole, where tables can give way


def render(
    summary: dict[str, Any],
    trace: Trace,
    width: int = 80,
    colour: bool = False,
    events: bool | None = None,
    unicode: bool | None = None,
    name: str | None = None,
) -> str:
    """The report as text with a newline at its end.

    `summary`: of summary.summarise; `trace`: for the events and their stacks; `events`: True
    shows them one by one, False never, None when there are few; `unicode`: None asks the locale;
    `name`: what the trace is called for the reader, who has it elsewhere; None: its path.
    """
    ink = Ink(width, colour, speaks_unicode() if unicode is None else unicode)
    few = are_few(summary)
    named = sentences.trace_name(trace) if name is None else sentences.as_typed(name)
    above, below = list(first(summary, ink)), list(_last(summary, named, ink, few or events))
    if events or (events is None and few):
        above.append("")
        above += run_view.lines(events_of(summary, trace), trace.stack, summary, ink)
    above += ["", *wrapped(sentences.verdict(summary), ink, "", ink.bold)]
    if events is False or not few:
        middle = _tables(summary, ink, LINES - len(above) - len(below))
    else:
        middle = list(sections.brief(summary, ink))
    return for_output("\n".join(above + middle + below) + "\n", ink)


def _tables(summary: dict[str, Any], ink: Ink, room: int) -> list[str]:
    """The sections; where they need more lines than `room`, their tables give way."""
    for limits in sections.LIMITS:
        lines = list(sections.together(summary, ink, limits))
        if len(lines) <= room:
            break
    return lines


def are_few(summary: dict[str, Any]) -> bool:
    """Whether the events fit on a page, one by one; other programs take room there too."""
    others = 0
    if process_tree.has_several(summary):
        others = min(process_tree.MOST, sum(len(p["programs"]) for p in summary["processes"]))
    length = run_view.length(summary) + others
    return length <= EVENTS_AT_MOST and summary["keep"] != "totals"


def events_of(summary: dict[str, Any], trace: Trace) -> Iterator[Any]:
    """The events that the summary is about, in their order."""
    wanted = chosen.of_summary(summary)
    return trace.events() if wanted is None else trace.events(wanted)


def first(summary: dict[str, Any], ink: Ink) -> Iterator[str]:
    """What is lost, before anything else; then what was run, how it ended, what this is about."""
    warnings = sentences.warnings(summary)
    if len(warnings) > WARNINGS:
        more = "%d more such lines: `notes` of --json" % (len(warnings) - WARNINGS)
        warnings[WARNINGS:] = [more]
    for warning in warnings:
        yield from wrapped("! " + warning, ink, "  ", lambda text: ink.paint(text, "red"))
    ended = sentences.ending(summary)
    well = summary["exit"]["kind"] in ("exited", "detached")
    painted = ended if well else ink.paint(ended, "red")
    yield from _command(summary, ended, painted, ink)
    said = [sentence for sentence in about.says(summary) if sentence]
    if said:
        yield ""
        yield from wrapped(" ".join(said), ink, "", str)


def _command(summary: dict[str, Any], ended: str, painted: str, ink: Ink) -> Iterator[str]:
    """What was run, and beside it or beneath how it ended."""
    command, sign = sentences.command_line(summary), ink.dim(ink.signs.dot)
    if cells(command) + len(ended) + 3 <= ink.width:
        yield "%s %s %s" % (ink.bold(command), sign, painted)
        return
    lines = ink.wrap(command, ink.width, "  ")
    if len(lines) > COMMAND:
        lines[COMMAND - 1 :] = [ink.fit(lines[COMMAND - 1], ink.width - 2) + " " + ink.signs.more]
    yield from map(ink.bold, lines)
    yield "%s %s" % (sign, painted)


def _last(summary: dict[str, Any], name: str, ink: Ink, all_shown: bool | None) -> Iterator[str]:
    """What was not seen, what it cost, what more could be told, how to see the rest."""
    yield ""
    facts = [("not seen", sentences.unseen_in_short(summary))]
    facts.append(("cost", observed.cost(summary) or "not measured"))
    facts.append(("recorded", observed.recorded(summary)))
    if summary["also_watched"]:
        facts.append(("watched", sentences.also_watched(summary)))
    facts += [("more", sentences.hint(row)) for row in summary["hints"]]
    all_shown = all_shown or summary["keep"] == "totals"
    facts += [("see also", row) for row in sentences.how_to_see(name, all_shown)]
    if process_tree.has_several(summary):
        facts.append(("see also", "--process PID, NAME or all: of other processes"))
    facts.append(("see also", "brkpoint words: what the words mean"))
    before = None
    for label, text in facts:
        first = ink.column("" if label == before else label, 10)
        before = label
        for index, line in enumerate(wrapped(text, ink, "", str, 10)):
            yield ink.dim((first if not index else " " * 10) + line)


def wrapped(
    text: str, ink: Ink, indent: str, paint: Callable[[str], str] | type[str], taken: int = 0
) -> list[str]:
    return [paint(line) for line in ink.wrap(text, ink.width - taken, indent)]


def for_output(text: str, ink: Ink) -> str:
    if ink.unicode:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("µ", "u").encode("ascii", "backslashreplace").decode("ascii")
