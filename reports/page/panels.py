"""What the page says without its script, as HTML: every number is text, every table a table."""

from __future__ import annotations

from html import escape

from alloctrace import words
from reports import about, endings, recording, sentences
from reports.page import glossary
from reports.page.fit import fit
from reports.page.markup import bdi, section, table, tag

_NUMBERS = (  # filter, label, what it means
    ("calls", "calls", "times anybody asked the allocator"),
    ("yours", "yours", "asked for by your own code, or by libraries for it"),
    ("reached", "reached the kernel", "made at least one memory syscall"),
    ("peak", "live at the peak", "the most at any one time"),
    ("left", "left at the end", ""),  # _left says what it means
)
SITES = 25  # without a script
_PLAINLY = (
    "A program asks its allocator for memory (malloc); the allocator asks the kernel (brk, mmap) "
    "only when it has none in stock. This page shows each request: when, who, what for, and "
    "whether it reached the kernel."
)


def title(summary):
    name = fit(summary["program"]).rsplit("/", 1)[-1] or "a run"
    return "%s: what it asked for, and what reached the kernel" % name


def body(summary, facts):
    return "".join(
        (
            '<a class="skip" href="#sites">Skip to the sites</a>\n',
            banner(summary),
            '<header id="top">',
            _head(summary),
            "</header>\n<noscript><p>This page draws and filters with its own script, which is "
            "switched off here. What stands below is complete without it.</p></noscript>\n",
            '<div id="filters" class="filters" role="region" aria-label="Filters" hidden></div>\n',
            "<main>\n",
            _strip(facts),
            _card(),
            section(
                "memory",
                "What did memory look like then?",
                "After the event above. Blocks stand by address, with the bytes between them: the "
                "allocator's headers, padding, or free. A block keeps its number when it moves.",
                '<div class="js"></div>',
            ),
            section(
                "matrix",
                "Who asked, and in which phase?",
                "Calls of the allocator / memory syscalls. Each cell is a filter.",
                _matrix(summary),
            ),
            section(
                "sites",
                "Where in the code?",
                "Places that allocate, by the frame that decides who asked.",
                _sites(summary),
            ),
            section(
                "flame",
                "Through which calls?",
                "The stacks of all allocations: a frame is as wide as its share, and stands "
                "beneath what called it.",
                '<div class="js"></div>',
            ),
            _events(facts),
            _closing(summary, facts),
            "</main>\n",
        )
    )


def banner(summary):
    """What is lost or incomplete, before anything else."""
    rows = sentences.warnings(summary)
    if not rows:
        return ""
    shown = [tag("li", bdi(fit(row))) for row in rows[:12]]
    if len(rows) > 12:
        shown.append(tag("li", "%d more such lines" % (len(rows) - 12)))
    lead = "<strong>Not everything was seen.</strong> The numbers below are of what was."
    return '<div class="banner" role="alert"><p>%s</p><ul>%s</ul></div>\n' % (lead, "".join(shown))


def _head(summary):
    said = [fit(text) for text in about.says(summary) if text]
    ended = sentences.ending(summary)
    return "".join(
        (
            '<p class="kicker">%s</p>' % bdi(sentences.command_line(summary)[:600]),
            '<h1 id="verdict">%s</h1>' % bdi(fit(sentences.verdict(summary))),
            '<p class="quiet">%s.%s</p>'
            % (escape(sentences.begun(fit(ended))), " " + bdi(" ".join(said)) if said else ""),
            '<p class="quiet">%s</p>' % escape(_PLAINLY),
            '<ul class="numbers">%s</ul>' % "".join(map(_number(summary), _NUMBERS)),
        )
    )


def _left(summary):
    """What is live at the last is leaked only where the program came to its own end."""
    return "never given back" if endings.has_end(summary) else "live " + endings.when(summary)


def _number(summary):
    figures, causes = summary["verdict"], summary["causes"]
    values = {
        "calls": causes["calls"],
        "yours": figures["calls_by_origin"].get("user", 0),
        "reached": causes["calls_reaching_kernel"],
        "peak": summary["peak_bytes"],
        "left": summary["leaked"]["bytes"],
    }

    def made(row):
        name, label, means = row
        value, means = values[name], means or _left(summary)
        text = "unknown" if value is None else sentences.grouped(value)
        unit = " bytes" if name in ("peak", "left") and value is not None else ""
        size = " long" if len(text) > 9 else ""
        return (
            '<li><button type="button" class="number" data-number="%s" aria-pressed="false">'
            '<b><span class="value%s">%s</span><small>%s</small></b><span class="label">%s</span>'
            '<span class="means">%s</span></button></li>' % (name, size, text, unit, label, means)
        )

    return made


def _strip(facts):
    what = (
        "Each bar above the line is a call of the allocator, the higher the more bytes (each "
        "doubling counts the same). "
    )
    if facts["bins"]:
        what = (
            "Bars above the line are calls of the allocator, many to a bar: the higher the more "
            "calls. Below the line are memory syscalls: the program asking the kernel. Zoomed in "
            "far enough, where single events are in this page, a line leads from a call to the "
            "syscalls it made. "
        )
    else:
        what += (
            "Below the line are memory syscalls: the program asking the kernel. A line leads from "
            "a call to the syscalls it made. Calls that made none stay grey: for them the "
            "allocator had memory left. "
        )
    what += "At the bottom, the bytes that were live."
    return section(
        "strip",
        "When did it ask, and when did that reach the kernel?",
        what,
        '<div class="js"></div>',
    )


def _card():
    return section(
        "card",
        "Step through it",
        "One event at a time. Keys: ← → one step, n the next that reached the kernel, m the next "
        "of your own code.",
        '<div class="js"></div>',
    )


def _matrix(summary):
    cells = {}
    for row in summary["totals"]:
        cell = cells.setdefault((row["origin"], row["phase"]), [0, 0])
        cell[row["kind"] == "syscall"] += row["count"]
    rows = []
    for origin in words.ORIGINS:
        row = [cells.get((origin, phase), [0, 0]) for phase in words.PHASES]
        if origin != "unknown" or any(map(any, row)):
            row.append([sum(cell[0] for cell in row), sum(cell[1] for cell in row)])
            rows.append([origin] + [_cell(*cell) for cell in row])
    return table(
        "matrix-table", ["who asked", *words.PHASES, "all phases"], rows, "origin by phase"
    )


def _cell(calls, syscalls):
    return "%s / %s" % (sentences.grouped(calls), sentences.grouped(syscalls))


def _sites(summary):
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


def place(row):
    """`main, alloc.c:12`; without a name its offset in the file."""
    name = fit(row["function"]) or "%s+%s" % (fit(row["module"]) or "no file", row["offset"] or "?")
    file = fit(row["file"] or "").rsplit("/", 1)[-1]
    if file and row["line"]:
        return "%s, %s:%s" % (name, file, row["line"])
    return "%s at %s" % (name, row["offset"]) if row["function"] and row["offset"] else name


def _events(facts):
    what = "All of them, in their order; memory syscalls stand beneath the calls that made them."
    if facts["bins"]:
        what = (
            "Single events of the windows that are in this page: load and init, the beginning of "
            "main, around the peak, the end, and the first that reached the kernel. The command "
            "below shows the others."
        )
    return section("events", "Every event", what, '<div class="js"></div>')


def _closing(summary, facts):
    unseen = [tag("li", bdi(fit(row))) for row in sentences.unseen(summary)]
    seen = "<ul>%s</ul>" % "".join(unseen) if unseen else "<p>Nothing that is known of.</p>"
    words_ = "".join("<dt>%s</dt><dd>%s</dd>" % row for row in glossary.rows())
    parts = (
        tag("h3", "Not seen") + seen,
        tag("h3", "What measuring cost")
        + tag("p", bdi(fit(recording.cost(summary) or "not measured")))
        + tag("p", "Recorded: " + bdi(fit(recording.recorded(summary)))),
        tag("h3", "The words") + '<dl class="words">%s</dl>' % words_,
        '<h3>The data</h3><div class="js" id="save"></div><p class="quiet">The same in a terminal: '
        "<code>brkpoint report %s --json</code>, <code>brkpoint events %s --json</code></p>"
        % ((escape(facts["trace"]),) * 2),
    )
    return section("closing", "What this page cannot show", "", "".join(parts))
