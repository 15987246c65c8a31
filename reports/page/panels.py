"""What the page says without its script, as HTML: every number is text, every table a table."""

from __future__ import annotations

from html import escape

from alloctrace import words
from alloctrace.symbols import long_names
from reports import about, endings, ink, observed, process_tree, sentences, site_table, tables
from reports.page import glossary
from reports.page.fit import NAME, fit
from reports.page.markup import bdi, section, table, tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_NUMBERS = (  # filter, label, what it means
    ("calls", "calls", "to the allocator, by anyone"),
    ("yours", "yours", "made by your code, or by a library for it"),
    ("reached", "reached the kernel", "made at least one memory syscall"),
    ("peak", "at the peak", "the most in use at any moment"),
    ("left", "left at the end", ""),  # _left says what it means
)
SITES = 25  # without a script
_PLAINLY = (
    "A program gets memory from its allocator (malloc), and the allocator gets it from the kernel "
    "(brk, mmap), in large pieces and only when it has run out. This page shows every request: "
    "when it was made, by whom, what for, and whether it reached the kernel."
)
_ATTACHED = (
    "brkpoint attached to this program while it was running. None of these numbers include what it "
    "asked for before that."
)


def title(summary: dict[str, Any]) -> str:
    name = fit(summary["program"]).rsplit("/", 1)[-1] or "a run"
    return "%s: its requests for memory, and which reached the kernel" % name


def body(
    summary: dict[str, Any], facts: dict[str, Any], beside: Sequence[tuple[str, str]] = ()
) -> str:
    return "".join(
        (
            '<a class="skip" href="#sites">Skip to the sites</a>\n',
            banner(summary),
            '<header id="top">',
            _head(summary),
            "</header>\n<noscript><p>Scripts are switched off here, so there are no drawings and "
            "no filters. The numbers and tables do not need them.</p></noscript>\n",
            '<div id="filters" class="filters" role="region" aria-label="Filters" hidden></div>\n',
            "<main>\n",
            _strip(facts),
            _of_events(facts),
            section(
                "matrix",
                "Who asked, and in which phase?",
                "Allocator calls / memory syscalls; · means none. Click a cell to see only those.",
                _matrix(summary),
            ),
            _processes(summary, facts["trace"]),
            section(
                "sites",
                "Where in the code?",
                "The places that allocate: in each stack, the function that shows who asked.",
                _sites(summary),
            ),
            section(
                "flame",
                "Through which calls?",
                "The stacks of all allocations, drawn together. Each function stands beneath the "
                "one that called it, and is as wide as its share.",
                '<div class="js"></div>',
            ),
            _events(facts) if facts["events"]["seq"] else "",
            _closing(summary, facts, beside),
            "</main>\n",
        )
    )


def banner(summary: dict[str, Any]) -> str:
    """What is lost or incomplete, before anything else."""
    rows = sentences.warnings(summary)
    if not rows:
        return ""
    shown = [tag("li", bdi(fit(row))) for row in rows[:12]]
    if len(rows) > 12:
        shown.append(tag("li", "and %d more" % (len(rows) - 12)))
    lead = "<strong>Not everything was seen.</strong> The numbers below cover only what was."
    return '<div class="banner" role="alert"><p>%s</p><ul>%s</ul></div>\n' % (lead, "".join(shown))


def _head(summary: dict[str, Any]) -> str:
    said = [fit(text) for text in about.says(summary) if text]
    ended = sentences.ending(summary)
    return "".join(
        (
            '<p class="kicker">%s</p>' % bdi(sentences.command_line(summary)[:600]),
            '<h1 id="verdict">%s</h1>' % bdi(fit(sentences.verdict(summary))),
            '<p class="quiet">%s.%s</p>'
            % (
                escape(fit(sentences.ran(ended, "command") if said else sentences.begun(ended))),
                " " + bdi(" ".join(said)) if said else "",
            ),
            '<p class="quiet">%s</p>' % escape(_PLAINLY),
            '<p class="quiet">%s</p>' % escape(_ATTACHED) if summary["attached"] else "",
            '<ul class="numbers">%s</ul>' % "".join(map(_number(summary), _NUMBERS)),
        )
    )


def _left(summary: dict[str, Any]) -> str:
    """What is live at the last is leaked only where the program came to its own end."""
    return "never freed" if endings.has_end(summary) else "live " + endings.when(summary)


def _number(summary: dict[str, Any]) -> Callable[[tuple[str, str, str]], str]:
    figures, causes = summary["verdict"], summary["causes"]
    values = {
        "calls": causes["calls"],
        "yours": figures["calls_by_origin"].get("user", 0),
        "reached": causes["calls_reaching_kernel"],
        "peak": summary["peak_bytes"],
        "left": summary["leaked"]["bytes"],
    }

    # All of one size: a smaller number in larger digits would look like the larger one.
    size = (
        " long" if any(value is not None and value >= 10**7 for value in values.values()) else ""
    )

    def made(row: tuple[str, str, str]) -> str:
        name, label, means = row
        value, means = values[name], means or _left(summary)
        text = "unknown" if value is None else sentences.grouped(value)
        unit = "bytes " if name in ("peak", "left") and value is not None else ""
        return (
            '<li><button type="button" class="number" data-number="%s" aria-pressed="false">'
            '<b><span class="value%s">%s</span></b><span class="label">%s</span>'
            '<span class="means">%s</span></button></li>' % (name, size, text, unit + label, means)
        )

    return made


def _of_events(facts: dict[str, Any]) -> str:
    """What is told of single events: nothing where there is none."""
    if not facts["events"]["seq"]:
        return ""
    return _card() + _memory()


def _strip(facts: dict[str, Any]) -> str:
    if not facts["whole"] and not facts["bins"]:
        what = "This run was recorded as totals only (--keep totals): there are no single events "
        what += "to draw, list or step through. The sums below cover all events."
        return section("strip", "When did it ask?", what, "")
    what = (
        "Each bar above the line is a call to the allocator: the taller, the more bytes (each "
        "doubling adds the same height). "
    )
    if facts["bins"]:
        is_bytes = facts["bins"]["cells"] is not None
        what = (
            "Each bar above the line stands for many calls to the allocator: the taller, the more "
            "%s. Bars below are memory syscalls: requests to the kernel. Zoom in far enough, and a "
            "line joins each call to the syscalls it made, where this page has single events. "
        ) % ("bytes they asked for" if is_bytes else "calls")
    else:
        what += (
            "Bars below are memory syscalls: requests to the kernel. A line joins a call to the "
            "syscalls it made. Grey calls made none: the allocator still had memory to give. "
        )
    what += "The curve at the bottom is the memory in use: handed out and not yet freed."
    return section(
        "strip",
        "When did it ask, and when did that reach the kernel?",
        what,
        '<div class="js"></div>',
    )


def _card() -> str:
    return section(
        "card",
        "Step through it",
        "One event at a time. Keys: ← and → go one step, n goes to the next call that reached the "
        "kernel, m to the next of your own.",
        '<div class="js"></div>',
    )


def _memory() -> str:
    return section(
        "memory",
        "What did memory look like then?",
        "Right after the event above. Blocks are in order of their addresses; the numbers "
        "between them are bytes of headers, padding or free memory. A block keeps its number when "
        "it moves.",
        '<div class="js"></div>',
    )


def _processes(summary: dict[str, Any], trace: str) -> str:
    """Who is who of several: `listed below`, says the sentence at the top."""
    if not process_tree.has_several(summary):
        return ""
    rows = []
    found = process_tree.rows(summary, ink.Ink(unicode=True))
    for row in found:
        name, *rest = (" ".join(c).rstrip() if isinstance(c, tuple) else c for c in row)
        rows.append([fit(name), *rest])
    lead = "The programs, by who started them"
    is_one = summary["sums_over"]["what"] == "one"
    lead += "; * marks the one this page is about." if is_one else "."
    if process_tree.has_alike(found):
        lead += " Similar ones share a row: sums, and the largest peak."
    more = ""
    if summary["sums_over"]["others"]:
        more = (
            '<p class="quiet">For a page of all of them, with each as a filter: <code>brkpoint '
            "report %s --process all --html FILE</code>; for another one: <code>--process "
            "PID</code> or its name.</p>" % escape(trace)
        )
    return section(
        "processes",
        "%s in this run" % process_tree.count(summary),
        lead,
        table("processes-table", process_tree.HEAD, rows, "processes") + more,
    )


def _matrix(summary: dict[str, Any]) -> str:
    cells: dict[tuple[str, str], list[int]] = {}
    for row in summary["totals"]:
        cell = cells.setdefault((row["origin"], row["phase"]), [0, 0])
        cell[row["kind"] == "syscall"] += row["count"]
    rows = []
    for origin in words.ORIGINS:
        row = [cells.get((origin, phase), [0, 0]) for phase in words.PHASES]
        if origin != "unknown" or any(map(any, row)):
            row.append([sum(cell[0] for cell in row), sum(cell[1] for cell in row)])
            rows.append([origin] + [_cell(*cell) for cell in row])
    return table("matrix-table", ["who asked", *words.PHASES, "all"], rows, "origin by phase")


def _cell(calls: int, syscalls: int) -> str:
    if not calls and not syscalls:
        return "·"
    return "%s /\xa0%s" % (sentences.grouped(calls), sentences.grouped(syscalls))


def _sites(summary: dict[str, Any]) -> str:
    heads = ["place", "who asked", "what for", "asked for, bytes", "left, bytes", "allocations"]
    rows = [
        [
            place(row),
            row["origin"],
            fit(sentences.site_purpose(row)),
            sentences.grouped(row["bytes"]),
            sentences.grouped(row["live_bytes"]),
            sentences.grouped(row["count"]),
        ]
        for row in summary["sites"][:SITES]
    ]
    more = summary["site_count"] - len(rows)
    note = '<p class="quiet">%s more places.</p>' % sentences.grouped(more) if more > 0 else ""
    return '<div class="js">%s%s</div>' % (table("sites-table", heads, rows, "sites"), note)


def place(row: dict[str, Any]) -> str:
    """As reports have it, the loader's and the runtimes' with their lines too."""
    shown = dict(row, function=long_names.short(row["function"] or "", NAME) or None)
    return tables.whole(site_table.place(fit(shown), brief=False))


def _events(facts: dict[str, Any]) -> str:
    what = "In order, with memory syscalls beneath the calls that made them."
    if facts["bins"]:
        what = (
            "This run has too many events to list them all. Here are the beginning of each phase, "
            "the peak, the end, and the first calls that reached the kernel; the command below "
            "shows the others."
        )
    head = "Events" if facts["bins"] else "Every event"
    return section("events", head, what, '<div class="js"></div>')


def _closing(
    summary: dict[str, Any], facts: dict[str, Any], beside: Sequence[tuple[str, str]]
) -> str:
    links = ", ".join('<a href="%s">%s</a>' % (escape(h), escape(t)) for h, t in beside)
    unseen = [tag("li", bdi(fit(row))) for row in sentences.unseen(summary)]
    seen = "<ul>%s</ul>" % "".join(unseen) if unseen else "<p>Nothing is known to be missing.</p>"
    words_ = "".join("<dt>%s</dt><dd>%s</dd>" % row for row in glossary.rows())
    parts = (
        tag("h3", "What was not seen") + seen,
        tag("h3", "What measuring cost the program")
        + tag("p", bdi(sentences.begun(fit(observed.cost(summary) or "not measured"))))
        + tag("p", "Recorded: " + bdi(fit(observed.recorded(summary)))),
        tag("h3", "Words")
        + '<dl class="words">%s</dl>' % words_
        + '<p class="quiet">More words, each with an example from your machine: '
        "<code>brkpoint words</code>. To learn it from the ground up: "
        "<code>brkpoint learn</code>.</p>"
        + ('<p class="quiet">Beside this page: %s.</p>' % links if links else ""),
        '<h3>Data</h3><div class="js" id="save"></div><p class="quiet">The same in a terminal: '
        "<code>brkpoint report %s --json</code>, <code>brkpoint events %s --json</code></p>"
        % ((escape(facts["trace"]),) * 2),
    )
    return section("closing", "Limits, cost, words, data", "", "".join(parts))
