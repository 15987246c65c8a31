"""The report for a terminal. `render` is what `brkpoint run` and `brkpoint report` print."""

from __future__ import annotations

from alloctrace import chosen
from reports import about, process_tree, recording, run_view, sections, sentences
from reports.ink import Ink, speaks_unicode

EVENTS_AT_MOST = 70  # above this the summary; an empty Rust program makes 63
WARNINGS = 8


def render(summary, trace, width=80, colour=False, events=None, unicode=None):
    """The report as text with a newline at its end.

    `summary`: of summary.summarise; `trace`: for the events and their stacks; `events`: True
    shows them one by one, False never, None when there are few; `unicode`: None asks the locale.
    """
    ink = Ink(width, colour, speaks_unicode() if unicode is None else unicode)
    few = are_few(summary)
    rows = list(_first(summary, ink))
    if events or (events is None and few):
        rows.append("")
        rows += run_view.lines(events_of(summary, trace), trace.stack, summary, ink)
    rows += ["", *_wrapped(sentences.verdict(summary), ink, "", ink.bold)]
    if events is False or not few:
        rows += sections.summary(summary, ink)
    else:
        rows += sections.brief(summary, ink)
    rows += _last(summary, trace, ink, few or events)
    return _for_output("\n".join(rows) + "\n", ink)


def are_few(summary):
    """Whether the events fit on a page, one by one; other programs take room there too."""
    others = 0
    if process_tree.has_several(summary):
        others = min(process_tree.MOST, sum(len(p["programs"]) for p in summary["processes"]))
    length = run_view.length(summary) + others
    return length <= EVENTS_AT_MOST and summary["keep"] != "totals"


def events_of(summary, trace):
    """The events that the summary is about, in their order."""
    wanted = chosen.of_record(summary)
    return trace.events() if wanted is None else trace.events(wanted)


def _first(summary, ink):
    """What is lost, before anything else; then what was run, how it ended, what this is about."""
    warnings = sentences.warnings(summary)
    if len(warnings) > WARNINGS:
        more = "%d more such lines: `notes` of --json" % (len(warnings) - WARNINGS)
        warnings[WARNINGS:] = [more]
    for warning in warnings:
        yield from _wrapped("! " + warning, ink, "  ", lambda text: ink.paint(text, "red"))
    ended = sentences.ending(summary)
    well = summary["exit"]["kind"] in ("exited", "detached")
    painted = ended if well else ink.paint(ended, "red")
    command = ink.fit(sentences.command_line(summary), max(20, ink.width - len(ended) - 4))
    yield "%s %s %s" % (ink.bold(command), ink.dim(ink.signs.dot), painted)
    said = [sentence for sentence in about.says(summary) if sentence]
    if said:
        yield ""
        yield from _wrapped(" ".join(said), ink, "", str)


def _last(summary, trace, ink, all_shown):
    """What was not seen, what it cost, what more could be told, how to see the rest."""
    yield ""
    facts = [("not seen", sentences.unseen_in_short(summary))]
    facts.append(("cost", recording.cost(summary) or "not measured"))
    facts.append(("recorded", recording.recorded(summary)))
    if summary["also_watched"]:
        facts.append(("watched", sentences.also_watched(summary)))
    facts += [("more", sentences.hint(row)) for row in summary["hints"]]
    all_shown = all_shown or summary["keep"] == "totals"
    facts += [("see also", row) for row in sentences.how_to_see(trace, all_shown)]
    if process_tree.has_several(summary):
        facts.append(("see also", "--process PID, NAME or all: of other processes"))
    before = None
    for label, text in facts:
        first = ink.column("" if label == before else label, 10)
        before = label
        for index, line in enumerate(_wrapped(text, ink, "", str, 10)):
            yield ink.dim((first if not index else " " * 10) + line)


def _wrapped(text, ink, indent, paint, taken=0):
    return [paint(line) for line in ink.wrap(text, ink.width - taken, indent)]


def _for_output(text, ink):
    if ink.unicode:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("µ", "u").encode("ascii", "backslashreplace").decode("ascii")
