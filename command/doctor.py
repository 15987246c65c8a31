"""brkpoint doctor: what is missing, what works without it, and the command that mends it."""

from __future__ import annotations

import json
import sys
import textwrap

from alloctrace import escape
from reports import ink

from . import checks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from command.checks import Finding
    from reports.ink import Ink

NAME = "doctor"
HELP = "check this machine: what is missing, and how to fix it"

_GROUPS = ("article", "test", "bench")
_MARKS = {"ok": ("ok", "green"), "missing": ("missing", "red"), "note": ("note", "yellow")}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def invoke(args: Namespace) -> int:
    """0 where `brkpoint PROGRAM` works here, else 1."""
    findings = [finding for check in checks.ALL for finding in check()]
    works = not any(finding.fatal for finding in findings)
    if args.json:
        print(json.dumps(as_data(findings, works), indent=2))
    else:
        print("\n".join(as_text(findings, works, ink.of_stream(sys.stdout))))
    return 0 if works else 1


def as_data(findings: list[Finding], works: bool) -> dict[str, Any]:
    return {"works": works, "findings": [vars(finding) for finding in findings]}


def as_text(findings: list[Finding], works: bool, pen: Ink) -> list[str]:
    """The lines for people; escapes from the environment are shown, not sent."""
    width = max([len(f.name) for f in findings if f.group == "run" or f.state != "ok"] + [7])
    lines = []
    for finding in findings:
        if finding.group == "run":
            lines += _lines(finding, width, pen)
    for group in _GROUPS:
        lines += _group([f for f in findings if f.group == group], group, width, pen)
    return lines + [""] + [pen.bold(line) for line in _wrap(verdict(findings, works), 0, pen)]


def _group(findings: list[Finding], group: str, width: int, pen: Ink) -> list[str]:
    """What is there in one line, then what is not with all that there is to say."""
    there = [finding.name for finding in findings if finding.state == "ok"]
    missing = [finding for finding in findings if finding.state != "ok"]
    lines = _lines(checks.Finding(group, "ok", ", ".join(there)), width, pen) if there else []
    for finding in missing:
        lines += _first(finding, width, pen)
        if finding.mend == checks.NOT_HERE:
            lines += _notes("", finding.mend, width, pen)
    if missing:
        offered = [finding.name for finding in missing if finding.mend != checks.NOT_HERE]
        mend = checks.apt(" ".join(offered)) if offered else ""
        lines += _notes(missing[0].without, mend, width, pen)
    return lines


def _lines(finding: Finding, width: int, pen: Ink) -> list[str]:
    lines = _first(finding, width, pen)
    if finding.state != "ok":
        lines += _notes(finding.without, finding.mend, width, pen)
    return lines


def _first(finding: Finding, width: int, pen: Ink) -> list[str]:
    word, colour = _MARKS[finding.state]
    first, *more = _wrap(escape.visible(finding.says), width + 11, pen)
    mark = pen.paint("%-7s" % word, colour)
    return ["%s  %s  %s" % (mark, pen.column(finding.name, width), first.lstrip())] + more


def _notes(without: str, mend: str, width: int, pen: Ink) -> list[str]:
    lines = []
    for label, text in (("without it: ", without), ("to fix it: ", mend)):
        if text:
            lines += _wrap(label + escape.visible(text), width + 11, pen)
    return lines


def _wrap(text: str, indent: int, pen: Ink) -> list[str]:
    """`text` in lines of the terminal's width, all `indent` columns from the left."""
    blanks = " " * indent
    found = textwrap.wrap(
        text,
        max(pen.width, indent + 40),
        initial_indent=blanks,
        subsequent_indent=blanks,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return found or [blanks]


def verdict(findings: list[Finding], works: bool) -> str:
    if not works:
        first = next(finding for finding in findings if finding.fatal)
        return "No program can be observed here: %s (%s)." % (
            first.name,
            escape.visible(first.says),
        )
    missing = sum(finding.state == "missing" for finding in findings)
    if not missing:
        return "Programs can be observed here, and nothing is missing."
    return "Programs can be observed here. Missing for the rest: %d." % missing
