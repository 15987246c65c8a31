"""docs/purposes.md: the part that is generated from data/purpose.ini.

`python3 -m alloctrace.purpose.manual docs/purposes.md` writes it anew; `--check` only compares
and exits with 1 when page and rules have drifted apart.
"""

from __future__ import annotations

import re
import sys

from alloctrace import tables
from . import rules as purpose_rules

BEGIN = "<!-- rules: generated from alloctrace/data/purpose.ini, do not edit -->\n"
END = "<!-- end of rules -->\n"
_HEADING = re.compile(r"^# =+ (.+)$")


def listing(path: str = purpose_rules.PATH) -> str:
    """The rules as Markdown, a table for each heading of the file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    sections = tables.parse(text.splitlines())
    lines = []
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            lines += ["", "### " + heading.group(1)[:1].upper() + heading.group(1)[1:], ""]
            lines += ["| rule | for | evidence | read it up |", "|---|---|---|---|"]
        elif line.startswith("["):
            lines.append(_row(line[1:-1], sections[line[1:-1]]))
    count = "%d rules." % len(sections)
    return "\n".join([count] + lines) + "\n"


def _row(key: str, section: dict[str, str]) -> str:
    means = section.get("means", "")
    text = section["text"] + (" (%s)" % means if means else "")
    return "| %s | %s | %s | %s |" % (
        key,
        _cell(text),
        _evidence(section),
        _cell(section["source"]),
    )


def _evidence(section: dict[str, str]) -> str:
    found = ["%s" % section["on"]]
    for name in purpose_rules.KEYS:
        if name in section and name not in ("on", "text", "thing", "means", "source"):
            found.append("%s: `%s`" % (name, section[name].replace("|", "\\|").replace("\n", " ")))
    return "; ".join(found)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def replaced(page: str) -> str:
    """`page` with the generated part made anew; raises ValueError where its marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks for the generated rules")
    return before + BEGIN + listing() + END + after


def main(arguments: list[str]) -> int:
    check, path = "--check" in arguments, arguments[-1]
    with open(path, encoding="utf-8") as file:
        page = file.read()
    fresh = replaced(page)
    if check:
        return int(fresh != page)
    with open(path, "w", encoding="utf-8") as file:
        file.write(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
