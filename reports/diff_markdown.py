"""What changed between two runs, as a page of Markdown: for a merge request, or a report of CI."""

from __future__ import annotations

from reports import diff_tables, diff_words
from reports.markdown_text import code, escape, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def render(compared: dict[str, Any]) -> str:
    """The page as text; `compared`: of compare.difference."""
    parts = [["**%s**" % escape(diff_words.sentence(compared))], _sides(compared)]
    parts += [["> %s" % escape(warning)] for warning in compared["warnings"]]
    if not compared["same"]:
        head = ["", "before", "after", "difference", ""]
        totals = table(head, "lrrrr", diff_tables.totals(compared))
        parts += [totals, _by_phase(compared)]
    parts += [_places(compared), _likenesses(compared)]
    if not compared["same"]:
        for title, name, keys, head in _TABLES:
            parts.append(_table(compared, title, name, keys, head))
    text = "\n\n".join("\n".join(part) for part in parts if part) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


_NUMBERS = ["times", "", "", "bytes", ""]
_TABLES = (
    ("By call and memory syscall", "by_name", ("name",), ["name"]),
    ("What for", "by_purpose", ("origin", "purpose"), ["who", "for"]),
)


def _sides(compared: dict[str, Any]) -> list[str]:
    sides = ("before", "after")
    return [
        "%s: %s%s" % (side, code(compared[side]["trace"]), "  " * (side == "before"))
        for side in sides
    ]


def _by_phase(compared: dict[str, Any]) -> list[str]:
    rows, alike = diff_tables.by_phase_and_origin(compared)
    head = ["when", "who", "calls", "", "syscalls", "", "asked for", ""]
    lines = table(head, "llrrrrrr", rows)
    return lines + (["", "%d others: no difference." % alike] if alike and lines else [])


def _places(compared: dict[str, Any]) -> list[str]:
    shown, rest = diff_tables.places(compared)
    rows = [
        [
            diff_tables.sign(row).strip() and code(diff_tables.sign(row)),
            escape(diff_tables.who(row)),
        ]
        + [escape(diff_tables.place(row)), escape("; ".join(diff_tables.numbers(row)))]
        for row in shown
    ]
    lines = table(["", "when, who, call", "where or what for", "change"], "llll", rows)
    left = diff_tables.others(rest)
    return lines + (["", left + "."] if lines and left else [])


def _likenesses(compared: dict[str, Any]) -> list[str]:
    lines = ["* perhaps the same: " + escape(line) for line in diff_tables.likenesses(compared)]
    return lines


def _table(
    compared: dict[str, Any], title: str, name: str, keys: tuple[str, ...], head: list[str]
) -> list[str]:
    rows, left = diff_tables.by(compared, name, keys)
    align = "l" * len(keys) + "r" * len(_NUMBERS)
    lines = table(head + _NUMBERS, align, rows)
    return ["### " + title, "", *lines] + (["", left + "."] if left else []) if lines else []
