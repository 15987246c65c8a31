"""Memory in figures: peak, handed out, temporary, and what was live at last; and in a sentence."""

from __future__ import annotations

from alloctrace import words
from reports import endings, sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from reports.ink import Ink

HEAD = ["", "blocks", "bytes", *words.ORIGINS]


def rows(summary: dict[str, Any], ink: Ink) -> list[list[str]]:
    peak = summary["peak"]
    by = {who: {"bytes": n} for who, n in peak["by_origin"].items()}
    return [
        _row("peak", {"bytes": peak["bytes"], "by_origin": by}, ink),
        _row("handed out", summary["allocated"], ink),
        _row("temporary", summary["temporary"], ink),
        *_last_rows(summary, ink),
    ]


def _last_rows(summary: dict[str, Any], ink: Ink) -> list[list[str]]:
    """What was live at last: where the program had ended, left or kept on purpose."""
    if not endings.has_end(summary):
        return [_row("live", summary["leaked"], ink)]
    found = [_row("left", _without(summary["leaked"], summary["held"]), ink)]
    if summary["held"]["blocks"]:
        found.append(_row("kept to the end", summary["held"], ink))
    return found


def _row(name: str, figures: dict[str, Any], ink: Ink) -> list[str]:
    blocks = figures.get("blocks")
    by = figures["by_origin"]
    return [
        name,
        ink.signs.dot if blocks is None else sentences.grouped(blocks),
        "?" if figures["bytes"] is None else sentences.short_size(figures["bytes"]),
        *(
            sentences.short_size(by[who]["bytes"]) if who in by else ink.signs.dot
            for who in words.ORIGINS
        ),
    ]


def sentence(summary: dict[str, Any]) -> str:
    """Peak and end in a sentence; "" where no call was seen."""
    if not summary["causes"]["calls"]:
        return ""
    if not summary["allocated"]["blocks"]:
        return "No call handed out memory."
    if summary["peak_bytes"] is None:  # a trace of an older brkpoint, of several processes
        left = sentences.size(summary["leaked"]["bytes"])
        return "%s live at the end%s" % (left, _whose_at_end(summary))
    sizes = sentences.size(summary["peak_bytes"]), sentences.size(summary["leaked"]["bytes"])
    usual = "At most %s live at once; %s live at the end" % sizes + _whose_at_end(summary)
    return endings.memory_line(summary, *sizes) or usual


def _whose_at_end(summary: dict[str, Any]) -> str:
    """What of the end's live bytes is the user's: that is what people call a leak."""
    leaked, held = summary["leaked"], summary["held"]["by_origin"].get("user")
    if not leaked["blocks"]:
        return "."
    mine = _without(leaked, summary["held"])["by_origin"].get("user")
    kept = held and "a standard stream's buffer (%s)" % sentences.size(held["bytes"])
    if mine:
        blocks = sentences.count(mine["blocks"], "block")
        text = ", %s of it in %s yours: not freed" % (sentences.size(mine["bytes"]), blocks)
        return text + ("; %s is kept to the end." % kept if kept else ".")
    if kept:
        return ", of yours only %s, which is kept on purpose: no leak." % kept
    return ", whose is unknown." if "unknown" in leaked["by_origin"] else ", none of it yours."


def _without(leaked: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    """`leaked` without what is `held`."""
    by = {}
    for who, row in leaked["by_origin"].items():
        less = held["by_origin"].get(who, {"blocks": 0, "bytes": 0})
        by[who] = {name: row[name] - less[name] for name in row}
    sums = {name: leaked[name] - held[name] for name in ("blocks", "bytes")}
    return dict(sums, by_origin={who: row for who, row in by.items() if row["blocks"]})
