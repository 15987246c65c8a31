"""A judged budget for machines of CI: JUnit XML, annotations of GitHub and their step summary."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from alloctrace.budget import judge
from reports import check_words
from reports.markdown_text import Made, code, escape as quoted, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST_ANNOTATIONS = 10  # of one kind that GitHub shows of a step
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(told: dict[str, Any]) -> str:
    """JUnit XML: a test a rule. What cannot be judged is an error, what is skipped is skipped."""
    counts = told["counts"]
    cases = "".join(map(_case, told["rules"]))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites><testsuite name="brkpoint" tests="%d" failures="%d" errors="%d" skipped="%d">'
        "\n%s</testsuite></testsuites>\n"
    ) % (
        len(told["rules"]),
        counts["broken"],
        counts["cannot_be_judged"],
        counts["skipped"],
        cases,
    )


_ELEMENTS = {judge.BROKEN: "failure", judge.UNJUDGED: "error", judge.SKIPPED: "skipped"}


def _case(row: dict[str, Any]) -> str:
    words = row["name"].split()
    group = _attribute("brkpoint.%s" % ".".join(words[:2]))
    head = "<testcase classname=%s name=%s" % (group, _attribute(row["rule"]))
    element = _ELEMENTS.get(row["state"])
    if element is None:
        return "  %s/>\n" % head
    said = check_words.outcome(row)
    body = "\n".join(["%s: %s" % (row["rule"], said), *check_words.sites(row)])
    kind = "" if element == "skipped" else " type=%s" % _attribute(row["state"])
    text = "<%s message=%s%s>%s</%s>" % (element, _attribute(said), kind, _text(body), element)
    return "  %s>%s</testcase>\n" % (head, text)


def _text(value: str) -> str:
    return escape(_NO_XML.sub("?", value))


def _attribute(value: str) -> str:
    return quoteattr(_NO_XML.sub("?", value))


def for_github(told: dict[str, Any], folder: Callable[[str], str | None]) -> list[str]:
    """Lines that GitHub shows at the code. `folder(path)`: the path within the repository, or None.

    https://github.com/actions/toolkit: `% CR LF` are escaped, in properties `: ,` as well."""
    lines = []
    for row in told["rules"]:
        if row["state"] in (judge.BROKEN, judge.UNJUDGED):
            lines.append(_annotation("error", row, folder))
        elif row["state"] == judge.BETTER:
            lines.append(_annotation("notice", row, folder))
    return lines[:MOST_ANNOTATIONS]


def _annotation(kind: str, row: dict[str, Any], folder: Callable[[str], str | None]) -> str:
    file, line = _where(row, folder)
    properties = {"file": file, "line": file and line, "title": row["rule"]}
    shown = ",".join("%s=%s" % (k, _property(str(v))) for k, v in properties.items() if v)
    text = "\n".join([check_words.outcome(row), *check_words.sites(row)])
    return "::%s %s::%s" % (kind, shown, _data(text))


def _where(row: dict[str, Any], folder: Callable[[str], str | None]) -> tuple[str | None, int]:
    """The first place that lies in the repository, else the rule itself."""
    for place in sorted(row["sites"], key=lambda place: not place.get("new")):
        path = folder(place["file"]) if place["file"] else None
        if path and place["line"]:
            return path, place["line"]
    return folder(row["source"]), row["line"]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(told: dict[str, Any]) -> str:
    """Markdown: the table of the rules."""
    rows = [
        [
            check_words.word(row),
            code(row["rule"]),
            quoted(check_words.outcome(row)),
            Made("<br>".join(map(quoted, check_words.sites(row)))),
        ]
        for row in told["rules"]
    ]
    lines = ["### brkpoint check: %s" % quoted(check_words.sentence(told)), ""]
    lines += table(["", "rule", "measured", "where"], "llll", rows)
    return "\n".join(lines) + "\n"
