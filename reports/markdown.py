"""The report as a page of Markdown: the same numbers, as tables."""

from __future__ import annotations

from alloctrace import words
from reports import (
    about,
    endings,
    event_tree,
    memory_table,
    observed,
    process_tree,
    run_view,
    sections,
)
from reports import sentences, site_table, tables
from reports.ink import Ink
from reports.markdown_text import Made, code, escape, fenced, table
from reports.text import are_few, events_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.trace.read import Trace
    from reports.run_view import Row

SITES = 50


def render(summary: dict[str, Any], trace: Trace, events: bool | None = None) -> str:
    """The page as text. `events` as in text.render."""
    parts = [head(summary)]
    if events or (events is None and are_few(summary)):
        parts.append(_run(summary, trace))
    for make in (_matrix, _kernel, _phases, _sites, _memory, _live, _processes, _limits):
        parts.append(make(summary))
    parts.append(_again(summary, trace))
    text = "\n\n".join("\n".join(part) for part in parts if part) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def head(summary: dict[str, Any]) -> list[Made | str]:
    lines = ["# %s" % code(sentences.command_line(summary)), ""]
    for warning in sentences.warnings(summary):
        lines += ["> **%s**" % escape(warning), ">"]
    lines += ["**%s**" % escape(sentences.verdict(summary)), ""]
    said = [sentence for sentence in about.says(summary) if sentence]
    lines += [escape(" ".join(said)), ""] if said else []
    ended, whose = sentences.ending(summary), "command" if said else "program"
    return lines + [
        escape("%s. Recorded %s." % (sentences.ran(ended, whose), observed.recorded(summary)))
    ]


def _run(summary: dict[str, Any], trace: Trace) -> list[Made | str]:
    ink = Ink(120)
    forest = event_tree.grow(events_of(summary, trace))
    lines = ["## The run", ""]
    for phase in summary["phases"]:
        rows = run_view.rows(forest.get((phase["image"], phase["phase"]), []), trace.stack, ink)
        lines += [
            "### %s" % escape(phase["phase"]),
            "",
            escape(run_view.phase_words(phase, rows, ink)),
            "",
        ]
        listed = table(["call", "who", "for", "where"], "llll", map(_event_row, rows))
        lines += listed + [""] if listed else []
    return lines[:-1]


def _event_row(row: Row) -> list[Made | str]:
    return [
        Made(row.branch.replace(" ", "\u00a0") + code(row.call)),
        row.text_origin,
        row.purpose,
        code(row.where[0]) if row.where[0] else "",
    ]


def _matrix(summary: dict[str, Any]) -> list[str]:
    lines = ["## Who, when and how much", ""]
    head = ["who", "kind", "name", *words.PHASES, "all", "bytes"]
    rows = []
    for kind in ("call", "syscall"):
        for row in sections.matrix_rows(sections.matrix_cells(summary["totals"], kind), Ink(120)):
            rows.append([row[0], kind, code(row[1]), *row[2:]])
    return lines + table(head, "lllrrrrrr", rows) if rows else []


def _kernel(summary: dict[str, Any]) -> list[str]:
    causes = summary["causes"]
    rows = [
        [row["origin"], code(row["name"]), str(row["calls"]), str(row["calls_reaching_kernel"])]
        + [sections.made(row, Ink(120))]
        for row in summary["reached_kernel"]
    ]
    lines = ["## What reached the kernel", "", sections.kernel_words(causes) + ".", ""]
    head = ["who", "call", "calls", "reached", "made"]
    return lines + table(head, "llrrl", rows) if causes["calls"] or causes["syscalls"] else []


def _phases(summary: dict[str, Any]) -> list[str]:
    rows = sections.phase_rows(summary, Ink(120))
    lines = [
        "## Phases",
        "",
        "Asking is not touching: a page is resident from its first fault.",
        "",
    ]
    return lines + table(sections.PHASE_HEAD, "lrrrrrrr", rows) if rows else []


def _processes(summary: dict[str, Any]) -> list[str]:
    if not process_tree.has_several(summary):
        return []
    ink = Ink(120)
    rows = [
        [Made(escape(tables.whole(row[0])).replace(" ", "\u00a0")), *map(tables.whole, row[1:])]
        for row in process_tree.rows(summary, ink)
    ]
    said = "Similar ones share a row: calls and live bytes are sums, the peak is the largest."
    lines = ["## Processes", "", "%s. %s" % (process_tree.count(summary), said), ""]
    return lines + table(process_tree.HEAD, "lrrrrl", rows)


def _sites(summary: dict[str, Any]) -> list[str]:
    rows = [
        [
            code(site_table.in_full(row)),
            row["origin"],
            sentences.site_purpose(row),
            str(row["count"]),
            str(row["bytes"]),
            str(row["live_bytes"]),
            site_table.temporary(row) or "0 %",
            "?" if row["peak_bytes"] is None else str(row["peak_bytes"]),
        ]
        for row in summary["sites"][:SITES]
    ]
    head = ["where", "who", "for", "times", "bytes", "live bytes", "temporary", "bytes at peak"]
    said = site_table.heading(rows, summary) or "All of them, most bytes first"
    lines = ["## Sites", "", sentences.begun(said) + ".", ""]
    return lines + table(head, "lllrrrrr", rows) if rows else []


def _memory(summary: dict[str, Any]) -> list[str]:
    rows = memory_table.rows(summary, Ink(120))
    said = endings.what_live_means(summary)
    lines = ["## Memory", "", sentences.begun(said) + ".", ""]
    return lines + table(memory_table.HEAD, "lrrrrrr", rows)


def _live(summary: dict[str, Any]) -> list[str]:
    """The text report's picture, as it is."""
    drawn = list(sections.live(summary, Ink(100)))
    return ["## Live bytes through the run", "", *fenced("text", drawn[1:])] if drawn else []


def _limits(summary: dict[str, Any]) -> list[str]:
    lines = ["## What this cannot see, and what it cost", ""]
    lines += ["* " + escape(row) for row in sentences.unseen(summary)]
    lines.append("* Cost: %s." % escape(observed.cost(summary) or "not measured"))
    if summary["also_watched"]:
        lines.append("* Watched as well: %s." % escape(sentences.also_watched(summary)))
    lines += ["* More could be told. %s." % escape(sentences.hint(row)) for row in summary["hints"]]
    return lines


def _again(summary: dict[str, Any], trace: Trace) -> list[str]:
    typed = [sentences.repeat(summary), *sentences.how_to_see(sentences.trace_name(trace), False)]
    return ["## How to repeat it", "", *fenced("sh", typed)]
