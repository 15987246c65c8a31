"""A card as the lines of a screen. Pure: the terminal itself is command/step.py's."""

from __future__ import annotations

from reports.card_words import WORDS
from reports.ink import Ink, cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.step_card import Card

KEYS = (
    ("→", "forward"),
    ("←", "back"),
    ("n", "next that reached the kernel"),
    ("m", "next of mine"),
    ("p", "peak"),
    ("b", "memory then"),
    ("g", "go to a number"),
    ("↑↓", "scroll"),
    ("q", "quit"),
)
_PLAIN = {"→": "right", "←": "left", "↑↓": "up/down"}
TERM = 16  # columns of the reasons' terms


def lines(
    card: Card, width: int, unicode: bool = True, memory: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """[(text, style)]; `memory`: lines that are told of it as well.

    Styles: where, code, origin, plain, strong, quiet, title."""
    ink = Ink(80, False, unicode)
    found = []

    def add(text: str, style: str, indent: str = "", first: str = "") -> None:
        room = max(8, width - len(first))
        wrapped = ink.wrap(ink.said(text), room, "") or [""]
        for at, line in enumerate(wrapped):
            found.append(((first if not at else indent) + ink.fit(line, room), style))

    add(card.where, "where")
    add(card.code, "code")
    add("", "plain")
    add(card.sentence, "origin")
    add(card.effect, "strong" if card.reached else "quiet")
    if memory:
        add("", "plain")
        add("Memory then", "title")
        for text in memory:
            add(text, "plain", "    ")
    elif card.live:
        add(card.live, "quiet")
    for part, rows in (("reasons", card.reasons), ("stack", ())):
        add("", "plain")
        add(WORDS[part]["title"], "title")
        for term, text in rows:
            add(text, "plain", " " * TERM, ink.column(term, TERM))
    for text, decides in card.stack:
        found.append((ink.fit(ink.said(text), width), "strong" if decides else "plain"))
    if card.note:
        add(card.note, "quiet")
    return found


def keys(width: int, unicode: bool = True) -> list[str]:
    """The lines that tell the keys, two at most; how to leave is told always."""
    names = [(key if unicode else _PLAIN.get(key, key), what) for key, what in KEYS]
    found = [""]
    for part in ("%s %s" % name for name in names):
        if cells(found[-1]) + 3 + cells(part) > width and found[-1]:
            found.append("")
        found[-1] += ("   " if found[-1] else "") + part
    if len(found) > 2:
        return ["%s %s" % names[-1]]
    return found
