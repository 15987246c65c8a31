"""The article, re-lived: the page and the JSON of `brkpoint article`, from one record.

The record: {"made", "versions", "rows": [article_rows.Row as a dict], "programs": {name: facts},
"skipped": {name: why}, "repeat"}. Sorted, so that two runs diff clean.
"""

from __future__ import annotations

import json
from collections import Counter

from reports.article_words import OPEN, VERDICTS, counted, told
from reports.markdown import code, escape, table
from reports.sentences import exact_size, grouped, listed

TITLE = "Investigating memory allocations in Rust, re-lived"
ARTICLE = (
    "[Investigating Memory Allocations in Rust](https://ysantos.com), ysantos.com, 15 Jan 2022"
)
MEXE = "[mexe](https://github.com/yds12/mexe)"


def to_json(record):
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def to_markdown(record):
    """The page as text."""
    parts = [_head(record), _answers(record), _programs(record), _first_calls(record)]
    parts += [_doubling(record), _who(record), _limits(record), _again(record)]
    text = "\n\n".join("\n".join(part) for part in parts if part) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def verdict(record):
    """The report in one sentence."""
    counts = Counter(row["verdict"] for row in record["rows"])
    parts = [told(word, counts[word]) for word in VERDICTS if counts[word]]
    return "Of the article's %d steps %s." % (len(record["rows"]), listed(parts))


def _head(record):
    lines = ["# %s" % TITLE, "", "**%s**" % verdict(record), ""]
    lines += ["The steps are those of %s," % ARTICLE]
    lines += ["who wrote it on the way to the crate %s. Every value under *here* was" % MEXE]
    lines += ["measured by brkpoint in this run, on %s; nothing is quoted." % record["made"], ""]
    lines += ["| with | version |", "| --- | --- |"]
    versions = sorted(record["versions"].items())
    return lines + ["| %s | %s |" % (escape(name), escape(text)) for name, text in versions]


def _answers(record):
    done = [row for row in record["rows"] if row["verdict"] != OPEN]
    rows = [
        [
            str(row["claim"]),
            escape(row["step"]),
            escape(row["value_2022"]),
            escape(row["value_here"]),
            escape(row["verdict"]),
        ]
        for row in done
    ]
    lines = ["## Step by step", ""] + table(
        ["#", "step or claim", "2022", "here", "verdict"], "rllll", rows
    )
    lines += ["", "Why, and how to see it:", ""]
    for row in done:
        lines.append("%d. %s" % (row["claim"], _why(row)))
    still_open = [row for row in record["rows"] if row["verdict"] == OPEN]
    if still_open:
        lines += ["", "Not redone yet: "]
        lines += ["* %d: %s" % (row["claim"], escape(row["step"])) for row in still_open]
    return lines


def _why(row):
    parts = [escape(row["cause"])] if row["cause"] else []
    if row["command_2022"]:
        parts.append("then %s" % code(row["command_2022"]))
    if row["command"]:
        parts.append("here %s" % code(row["command"]))
    return "; ".join(parts)


def _programs(record):
    rows = []
    for name, facts in record["programs"].items():
        libc = facts["libc_calls"]
        rows.append(
            [
                code(name),
                grouped(facts["file"].get("bytes", 0)),
                counted(facts["memory_syscalls"]),
                grouped(facts["loader_calls"]),
                "%d / %d / %d" % (libc["before_main"], libc["in_main"], libc["after_main"]),
                escape(facts["verdict"]),
            ]
        )
    head = ["program", "bytes", "memory syscalls", "loader's calls", "libc's calls", "verdict"]
    note = "libc's calls: before the user's main / in it / after it; `free` is not counted."
    return ["## Program by program", "", note, ""] + table(head, "lrlrll", rows)


def _first_calls(record):
    lines = []
    for name in ("empty", "vec"):
        rows = record["programs"].get(name, {}).get("first_calls")
        if rows:
            lines += ["### %s" % code(name), ""]
            lines += table(["call", "when", "who", "for"], "llll", map(_call_row, rows)) + [""]
    return ["## libc's first eight calls", ""] + lines[:-1] if lines else []


def _call_row(row):
    size = "%s × %s" % (row["nmemb"], row["size"]) if row["nmemb"] is not None else row["size"]
    return [
        code("%s(%s)" % (row["name"], size)),
        row["phase"],
        escape(_owner(row)),
        escape(row["purpose"] or "unknown"),
    ]


def _owner(row):
    if row["origin"] == "runtime" and row["owner"]:
        return "runtime (%s)" % row["owner"]
    if row["origin"] == "user" and row["via"]:
        return "user, via %s" % row["via"][0]
    return row["origin"]


def _doubling(record):
    lines = []
    for name in ("vec", "grow"):
        rows = record["programs"].get(name, {}).get("doubling")
        if rows:
            lines += ["### %s" % code(name), ""]
            head = ["from", "to", "pointer", "syscalls"]
            lines += table(head, "rrll", map(_step_row, rows)) + [""]
    return ["## The array that doubles", ""] + lines[:-1] if lines else []


def _step_row(row):
    moved = {True: "moved", False: "the same", None: "not seen"}[row["moved"]]
    start = "not seen" if row["from"] is None else grouped(row["from"])
    return [start, grouped(row["to"]), moved, escape(" ".join(row["syscalls"])) or "none"]


def _who(record):
    """Origin x phase of every event, and memory by phase."""
    rows = []
    for name, facts in record["programs"].items():
        for row in facts["who"]:
            words = (row["origin"], row["phase"], row["name"])
            number = [grouped(row["count"]), grouped(row["bytes"])]
            rows.append([code(name)] + [escape(word) for word in words] + number)
    head = ["program", "origin", "phase", "name", "count", "bytes"]
    return ["## Who, and when", ""] + table(head, "llllrr", rows) if rows else []


def _limits(record):
    lines = ["## What was not seen", ""]
    lines += ["* %s was not run: %s" % (code(n), escape(w)) for n, w in record["skipped"].items()]
    for name, facts in record["programs"].items():
        if not facts["complete"] or facts["events_lost"]:
            lost = "%s events lost" % grouped(facts["events_lost"])
            lines.append("* %s: incomplete; %s" % (code(name), lost))
    resident = [
        "%s %s" % (code(name), exact_size(phase["rss_bytes"]))
        for name, facts in record["programs"].items()
        for phase in facts["phases"]
        if phase["phase"] == "exit" and phase["rss_bytes"] is not None
    ]
    lines.append("* Asking is not touching. Resident at the end of main: %s." % ", ".join(resident))
    return lines


def _again(record):
    return ["## Again", "", code(record["repeat"]), "", "The same as data: article.json."]
