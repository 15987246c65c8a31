"""brkpoint doctor: what is missing, what works without it, and the command that mends it."""

from __future__ import annotations

import dataclasses
import json
import sys

from alloctrace import escape
from reports import ink

from . import checks

NAME = "doctor"
HELP = "say what is missing here, what works without it, and which command mends it"

_MARKS = {"ok": ("ok", "green"), "missing": ("missing", "red"), "note": ("note", "yellow")}


def configure(parser):
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def invoke(args):
    """0 where `brkpoint PROGRAM` works here, else 1."""
    findings = [finding for check in checks.ALL for finding in check()]
    works = not any(finding.fatal for finding in findings)
    if args.json:
        print(json.dumps(as_data(findings, works), indent=2))
    else:
        print("\n".join(as_text(findings, works, ink.of_stream(sys.stdout))))
    return 0 if works else 1


def as_data(findings, works):
    return {"works": works, "findings": [dataclasses.asdict(finding) for finding in findings]}


def as_text(findings, works, pen):
    """The lines for people; escapes from the environment are shown, not sent."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines += _lines(finding, width, pen)
    return lines + ["", pen.bold(verdict(findings, works))]


def _lines(finding, width, pen):
    word, colour = _MARKS[finding.state]
    says = escape.visible(finding.says)
    lines = ["%s  %-*s  %s" % (pen.paint("%-7s" % word, colour), width, finding.name, says)]
    if finding.state == "ok":
        return lines
    for label, text in (("without it:", finding.without), ("to mend it:", finding.mend)):
        if text:
            lines.append(" " * (width + 11) + "%s %s" % (pen.dim(label), text))
    return lines


def verdict(findings, works):
    missing = sum(finding.state == "missing" for finding in findings)
    if not works:
        first = next(finding for finding in findings if finding.fatal)
        return "No program can be observed here: %s (%s)." % (
            first.name,
            escape.visible(first.says),
        )
    if missing:
        return "Programs can be observed here. Missing for the rest: %d." % missing
    return "Programs can be observed here, and nothing is missing."
