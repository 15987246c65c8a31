"""A judged budget for a terminal."""

from __future__ import annotations

from alloctrace.escape import visible
from reports import check_words
from reports.ink import cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from reports.ink import Ink

_COLOURS = {"FAIL": "red", "cannot": "yellow", "better": "green", "skip": "dim", "ok": ""}


def render(told: dict[str, Any], ink: Ink) -> str:
    """What check_words.plain gives, as text with a newline at its end."""
    lines = [ink.bold(line) for line in _wrap("brkpoint check: " + check_words.sentence(told), ink)]
    for row in told["rules"]:
        lines += _rule(row, ink)
    for text in told["see"]:
        lines += _labelled("see", visible(text), ink)
    return "\n".join(lines) + "\n"


def _rule(row: dict[str, Any], ink: Ink) -> Iterator[str]:
    """What was kept is one line where it fits; what was not says where the rule stands."""
    word, name = check_words.word(row), ink.fit(ink.said(row["rule"]), ink.width - 8)
    outcome = ink.said(check_words.outcome(row))
    begin = ink.paint(ink.column(word, 8), _COLOURS[word]) + name
    room = ink.width - 8 - cells(name) - 2
    if word == "ok" and cells(outcome) <= room:
        yield begin + "  " + ink.dim(" " * (room - cells(outcome)) + outcome)
        return
    where = ink.said("%s:%d" % (visible(row["source"]), row["line"]))
    yield begin + ("  " + ink.dim(where) if cells(where) <= room else "")
    for line in [outcome, *check_words.sites(row)]:
        yield from ink.wrap(ink.said("        " + line), ink.width, "          ")


def _labelled(label: str, text: str, ink: Ink) -> Iterator[str]:
    yield ink.dim(ink.column(label, 8) + ink.said(text))


def _wrap(text: str, ink: Ink) -> list[str]:
    return ink.wrap(ink.said(text), ink.width, "  ")
