"""The table: from rows, which are plain dicts, to text and to docs/real-programs.md."""

from __future__ import annotations

import json
import os
import re
import textwrap

import checks
from programs import ROOT

RESULTS = os.path.join(ROOT, "build", "real")
PAGE = os.path.join(ROOT, "docs", "real-programs.md")
BEGIN, END = "<!-- begin: made by `make real-docs` -->", "<!-- end -->"
_LINE = "%-26.26s %9s %8s %8s %5s %6s %7s %8s %s"
_PLACE = re.compile(r"\S*/(?:here|out)/")  # where a program ran: another folder each time
HEAD = ("program", "events", "alone", "with", "lines", "strace", "counter", "gap", "")


def row(program, seen, found):
    """What is kept of a program's runs; `found`: the complaints."""
    return {
        "name": program.name,
        "kind": program.kind,
        "events": seen.events,
        "alone_s": round(seen.alone.cpu, 3),
        "watched_s": round(seen.watched.cpu, 3),
        "cold_s": round(seen.cold, 3),
        "hung": bool(seen.watched.hung),
        "lines": len(seen.text.splitlines()),
        "strace": len(checks.agreed(seen.strace)),
        "counter": len(checks.agreed(seen.counter)),
        "gaps_ms": seen.gaps,
        "complaints": found,
    }


def skipped(program, why):
    return {"name": program.name, "kind": program.kind, "skipped": why, "complaints": []}


def broken(program, error):
    """The row of a program whose runs could not be made."""
    row_ = {"name": program.name, "kind": program.kind, "skipped": None, "broken": True}
    return dict(row_, complaints=[("broken", "%s: %s" % (type(error).__name__, error))])


def cells(one):
    """The columns of HEAD, as text."""
    if one.get("skipped"):
        return [one["name"], *["·"] * 7, "skipped: " + one["skipped"]]
    if one.get("broken"):
        return [one["name"], *["·"] * 7, "FAILS"]
    attach = one["kind"] == "attach"
    return [
        one["name"],
        "{:,}".format(one["events"]),
        "·" if attach else "%.2f s" % one["alone_s"],
        "no end" if one["hung"] else "%.2f s" % one["watched_s"],
        str(one["lines"]),
        _agreement(one, "strace"),
        _agreement(one, "counter"),
        "%s ms" % one["gaps_ms"][1] if attach else "·",
        "FAILS" if one["complaints"] else "holds",
    ]


def _agreement(one, who):
    """`=` as the witness, `≠` not, `·` nothing to compare: not asked, or it differs from itself."""
    if any(check.endswith(who) for check, _ in one["complaints"]):
        return "≠"
    return "=" if one[who] else "·"


def head():
    return _LINE % HEAD


def text_of(one):
    """The lines of a row; each complaint beneath it."""
    lines = [_LINE % tuple(cells(one))]
    for _, text in one["complaints"]:
        lines += textwrap.wrap(text, 92, initial_indent="    ! ", subsequent_indent="      ")
    return lines


def tally(rows):
    failed = sum(bool(one["complaints"]) for one in rows)
    left_out = sum(bool(one.get("skipped")) for one in rows)
    return "%d programs: %d hold, %d fail, %d skipped" % (
        len(rows), len(rows) - failed - left_out, failed, left_out,
    )  # fmt: skip


def as_markdown(rows):
    names = [name or "result" for name in HEAD]
    lines = ["| %s |" % " | ".join(names), "|%s" % ("---|" * len(names))]
    lines += ["| %s |" % " | ".join(map(_escaped, cells(one))) for one in rows]
    lines += ["", tally(rows) + "."]
    failing = [one for one in rows if one["complaints"]]
    if failing:
        lines += ["", "What fails:", ""]
    for one in failing:
        texts = "; ".join(_escaped(_PLACE.sub("", text)) for _, text in one["complaints"])
        at = " (at %s)" % one["commit"] if one.get("commit") else ""
        lines.append("* **%s**%s: %s" % (_escaped(one["name"]), at, texts))
    return "\n".join(lines)


def _escaped(text):
    return "".join("\\" + c if c in "|<>*_`[]" else c for c in text)


def keep(one):
    os.makedirs(RESULTS, exist_ok=True)
    with open(os.path.join(RESULTS, _file_name(one["name"])), "w", encoding="utf-8") as file:
        json.dump(one, file, indent=1)


def kept(programs):
    """The last row of each program that has one, in the programs' order."""
    paths = [os.path.join(RESULTS, _file_name(program.name)) for program in programs]
    return [json.load(open(path, encoding="utf-8")) for path in paths if os.path.exists(path)]


def _file_name(name):
    return "".join(c if c.isalnum() else "_" for c in name) + ".json"


def write_page(rows, where, path=PAGE):
    """The page's table anew; `where`: a sentence on the machine."""
    with open(path, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            "%s%s\n\n%s\n\n%s\n\n%s%s" % (before, BEGIN, where, as_markdown(rows), END, after)
        )
