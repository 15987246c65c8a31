"""One program, four witnesses, one page: text and Markdown of a cross-check.

The comparison is plain data, made by trace-scripts/brkpoint_trace/crosscheck.py; its JSON is the
third form.
"""

from __future__ import annotations

import json

from alloctrace.escape import visible
from reports import tables
from reports.ink import Ink
from reports.markdown_text import code, escape, table
from reports.sentences import begun, exact_size, grouped, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Comparison = dict[str, Any]  # of a comparison, as --json has it

SEEN_BY = ("gdb", "strace", "ltrace", "maps")
TITLES = {
    "gdb": "gdb (brkpoint)",
    "strace": "strace",
    "ltrace": "ltrace",
    "maps": "/proc/PID/maps",
}
FEW = 60  # rows shown when nobody asked for all
_CAN = {"call": ("gdb", "ltrace"), "syscall": ("gdb", "strace", "maps")}


def to_json(comparison: Comparison) -> str:
    return json.dumps(comparison, indent=1, sort_keys=True) + "\n"


def verdict(comparison: Comparison) -> str:
    """The page in one sentence."""
    compared = listed([TITLES[name] for name in comparison["compared"]])
    if len(comparison["compared"]) < 2 or "gdb" not in comparison["compared"]:
        text = (
            "only %s could be believed" % compared if compared else "no witness could be believed"
        )
        return "Nothing could be compared: %s." % text
    explained = sum(row["count"] for row in comparison["differences"] if row["explained"])
    if comparison["unexplained"]:
        numbers = grouped(comparison["unexplained"]), grouped(comparison["unexplained"] + explained)
        text = "%s do not agree on this program: %s of %s differences are NOT explained."
        return text % (compared, *numbers)
    found = "%s differences, all explained" % grouped(explained) if explained else "no difference"
    return "%s agree on this program: %s." % (compared, found)


def is_sound(comparison: Comparison) -> bool:
    """Whether gdb and another witness could be compared, and every difference is explained."""
    is_compared = "gdb" in comparison["compared"] and len(comparison["compared"]) > 1
    return is_compared and not comparison["unexplained"]


# ---- what both forms say ------------------------------------------------------------------------


def run_rows(comparison: Comparison) -> list[list[str]]:
    """[witness, whether it can be believed, what it saw]."""
    return [
        [TITLES[name], *_state(comparison, name)] for name in SEEN_BY if name in comparison["runs"]
    ]


def _state(comparison: Comparison, name: str) -> list[str]:
    run = comparison["runs"][name]
    if run["state"] != "ok":
        said = " It printed: %s" % visible(run["said"]) if run.get("said") else ""
        return [run["state"], visible(run["why"]) + "." + said]
    return ["ran", _saw(comparison, name)]


def _saw(comparison: Comparison, name: str) -> str:
    if name == "maps":
        start, end = comparison["maps"]["start"], comparison["maps"]["end"]
        return "%d mappings (%s) at the first instruction, %d (%s) at the end" % (
            start["mappings"],
            exact_size(start["bytes"]),
            end["mappings"],
            exact_size(end["bytes"]),
        )
    counts = comparison["counts"][name]
    kinds = {kind: sum(row[2] for row in counts if row[0] == kind) for kind in ("call", "syscall")}
    words = ["%s %s%s" % (grouped(n), kind, "s" * (n != 1)) for kind, n in kinds.items() if n]
    return listed(words) if words else "nothing"


def difference_rows(comparison: Comparison) -> list[list[str]]:
    """[which witness, how many, what, why], the unexplained first."""
    rows = sorted(
        comparison["differences"], key=lambda r: (r["explained"], r["witness"], r["what"])
    )
    return [
        [TITLES[r["witness"]], grouped(r["count"]), _what(r), r["why"] or "NOT EXPLAINED"]
        for r in rows
    ]


def _what(row: dict[str, Any]) -> str:
    if row["what"] == "twice":
        return "shown twice"
    examples = ", ".join(asked(event) for event in row["examples"][:3])
    more = ", …" if row["count"] > 3 else ""
    if row["witness"] == "maps":
        text = "not mapped at the end" if row["what"] == "missing" else "mapped by no syscall"
    else:
        text = "missing there" if row["what"] == "missing" else "only there"
    return "%s: %s%s" % (text, examples, more)


def asked(event: dict[str, Any]) -> str:
    """An event in short: `malloc 1009`, `calloc 3 × 1013`, `brk +4096`, `free`."""
    if event["kind"] == "mapping":
        return "%s %s" % (event["name"], exact_size(event["size"]))
    size = event["size"]
    if event["name"] == "brk":
        return "brk" if not size else "brk %+d" % size
    if size is None:
        return str(event["name"])
    text = "%d × %d" % (event["nmemb"], size) if event["nmemb"] is not None else str(size)
    if event.get("new_size") is not None:
        text += " → %d" % event["new_size"]
    return "%s %s%s" % (event["name"], text, " failed" if event["errno"] else "")


def event_rows(comparison: Comparison, limit: int | None = None) -> list[list[str]]:
    """[[thread, what, gdb, strace, ltrace, maps, why]]; a `-`: by its nature never seen there."""
    rows = comparison["rows"] if limit is None else comparison["rows"][:limit]
    several = len({row["task"] for row in comparison["rows"]}) > 1
    return [_event_row(row, comparison["compared"], several) for row in rows]


def _event_row(row: dict[str, Any], compared: list[str], several: bool) -> list[str]:
    made = [str(row["task"]) if several else "", asked(row)]
    for name in SEEN_BY:
        mark = row["seen"].get(name)
        if name not in compared:
            made.append("")
        elif mark is None:
            made.append("-" if name not in _CAN[row["kind"]] or name == "maps" else "no")
        else:
            made.append(mark)
    return made + [" ".join(row["codes"])]


EVENT_HEAD = ["thread", "event", "gdb", "strace", "ltrace", "maps", "why"]


def notes(comparison: Comparison) -> Iterator[str]:
    """What a reader must know of how the page was made, a sentence each."""
    ran = [name for name in SEEN_BY if comparison["runs"].get(name, {}).get("state") in ("ok",)]
    yield "The program ran once under each witness (%s), each time anew, with empty input." % (
        listed([TITLES[name] for name in ran]) or "none"
    )
    digests = {comparison["runs"][name].get("stdout_digest") for name in ran}
    if len(digests) > 1:
        yield "It did not print the same each time."
    if comparison["fixed_addresses"]:
        yield "Addresses were not randomised, so that the runs can be compared.%s" % "".join(
            " %s: %s of %s results equal gdb's." % (TITLES[name], grouped(same), grouped(of))
            for name, (same, of) in sorted(comparison["same_addresses"].items())
        )
    else:
        yield "Addresses are random here and cannot be fixed: they were not compared."
    if comparison["maps"].get("start"):
        files = ["%s %s" % (visible(name) or "anonymous", grouped(size))
                 for name, size in comparison["maps"]["start"]["files"]]  # fmt: skip
        yield "The kernel's own mappings, before the first instruction, are in maps only: %s." % (
            listed(files)
        )
    if comparison["maps"].get("compared"):
        yield (
            "Maps: the kernel's mappings at the first instruction, changed by every syscall that %s"
            " saw, were compared with the mappings at the end, page by page (the stack, which the"
            " kernel lets grow, left out)." % TITLES[comparison["maps"]["source"]]
        )
    elif comparison["maps"].get("why_not"):
        yield "Maps were not compared: %s." % comparison["maps"]["why_not"]


def silences(comparison: Comparison) -> Iterator[str]:
    """Which functions plain ltrace would not show of this program, and what to do."""
    found = comparison.get("silence")
    if not found:
        return
    groups: dict[tuple[bool, str], list[str]] = {}
    for row in found["functions"]:
        groups.setdefault((row["shown"], row["why"]), []).append(row["name"])
    for (shown, why), names in groups.items():
        word = "shows" if shown else "does not show"
        yield "Plain ltrace %s calls of %s: %s." % (word, listed(names), why)
    if found["do"]:
        yield begun(found["do"]) + "."


# ---- text ---------------------------------------------------------------------------------------


def to_text(
    comparison: Comparison,
    width: int = 80,
    colour: bool = False,
    unicode: bool = True,
    every: bool = False,
) -> str:
    ink = Ink(width, colour, unicode)
    lines = _wrapped("", " ".join(comparison["command"]), width) + _wrapped(
        "", verdict(comparison), width
    )
    lines.append("")
    for name, state, saw in run_rows(comparison):
        lines += _wrapped("%-15s %-10s " % (name, state), saw, width)
    lines += ["", "Differences"] if comparison["differences"] else []
    for name, count, what, why in difference_rows(comparison):
        lines += _wrapped("  %s, %s " % (name, count), "%s. %s" % (what, why), width, "    ")
    rows = event_rows(comparison, None if every else FEW)
    if rows:
        lines += ["", *tables.lines(EVENT_HEAD, rows, ink, "rLllllL")]
        lines += _left(comparison, rows)
    lines += ["", "What each can see"]
    for name in SEEN_BY:
        lines += _wrapped("  %-14s " % TITLES[name], comparison["nature"][name], width, " " * 17)
    lines.append("")
    for text in [*silences(comparison), *notes(comparison)]:
        lines += _wrapped("", text, width)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _left(comparison: Comparison, rows: list[list[str]]) -> list[str]:
    left = len(comparison["rows"]) - len(rows)
    return ["  … %s more: --events shows all" % grouped(left)] if left else []


def _wrapped(head: str, text: str, width: int, indent: str | None = None) -> list[str]:
    """Lines of `head` and `text`, the further ones indented."""
    indent = " " * len(head) if indent is None else indent
    lines, line = [], head
    for word in visible(text).split(" "):
        if len(line) + len(word) > width and line.strip():
            lines.append(line)
            line = indent
        line += word + " "
    return lines + [line]


# ---- Markdown -----------------------------------------------------------------------------------


_KEY = (
    "`-`: this witness never sees that kind. `#`, origin and for are what brkpoint knows: the"
    " number in its trace, who asked, and what for."
)


def _known(row: dict[str, Any]) -> list[str]:
    """What only brkpoint knows of an event: its number, who asked, what for."""
    if row["seq"] is None:
        return ["", "", ""]
    return [str(row["seq"]), row["origin"], row["purpose"] or "unknown"]


def to_markdown(comparison: Comparison, every: bool = False) -> str:
    lines = ["# One program, four witnesses", "", code(" ".join(comparison["command"])), ""]
    lines += ["**%s**" % escape(verdict(comparison)), ""]
    head = ["witness", "state", "what it saw"]
    lines += table(head, "lll", [list(map(escape, row)) for row in run_rows(comparison)])
    if comparison["differences"]:
        lines += ["", "## Differences", ""]
        quoted = [list(map(escape, row)) for row in difference_rows(comparison)]
        lines += table(["witness", "events", "what", "why"], "lrll", quoted)
    rows = event_rows(comparison, None if every else FEW)
    if rows:
        lines += ["", "## Event by event", "", _KEY, ""]
        head = ["#", *EVENT_HEAD, "origin", "for"]
        known = [_known(row) for row in comparison["rows"]]
        cells = [map(escape, [seq, *row, *more]) for row, (seq, *more) in zip(rows, known)]
        lines += table(head, "rrllllllll", map(list, cells))
        left = [escape(text.strip()) for text in _left(comparison, rows)]
        lines += ["", *left] if left else []
    lines += ["", "## What each can see", ""]
    lines += ["* %s %s" % (escape(TITLES[n]), escape(comparison["nature"][n])) for n in SEEN_BY]
    lines += ["", "## How this was made", ""]
    lines += ["* " + escape(text) for text in [*silences(comparison), *notes(comparison)]]
    return "\n".join(lines) + "\n"
