"""What the text and the Markdown of a difference show: rows of text, cut to the largest."""

from __future__ import annotations

from alloctrace.escape import visible
from reports import quantities
from reports.diff_words import change, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MOST = 12
_SIDES = ("before", "after")


def totals(compared: dict[str, Any]) -> list[list[str]]:
    """[name, before, after, difference, percent] of the figures of the whole run."""
    rows = []
    for kind, word in (("call", "calls"), ("syscall", "memory syscalls")):
        rows.append(_figure(word, compared["totals"], "count", quantities.grouped, kind))
    for kind, word in (("call", "bytes asked for"), ("syscall", "bytes of memory syscalls")):
        rows.append(_figure(word, compared["totals"], "bytes", quantities.short_size, kind))
    peak = compared["peak_bytes"]
    rows.append(_row("peak", peak["before"], peak["after"], quantities.short_size))
    for name, word, form in (
        ("live_blocks", "blocks left at the end", quantities.grouped),
        ("live_bytes", "bytes left at the end", quantities.short_size),
        ("temporary_blocks", "temporary blocks", quantities.grouped),
    ):
        rows.append(_figure(word, compared["totals"], name, form))
    return rows + list(_at_end(compared))


def _figure(
    word: str,
    cells: list[dict[str, Any]],
    name: str,
    form: Callable[[int], str],
    kind: str | None = None,
) -> list[str]:
    chosen = [cell for cell in cells if kind in (None, cell["kind"])]
    before, after = (sum(cell[side][name] for cell in chosen) for side in _SIDES)
    return _row(word, before, after, form)


def _row(word: str, before: int, after: int, form: Callable[[int], str]) -> list[str]:
    return [word, form(before), form(after), *change(before, after, form)[1:]]


def _at_end(compared: dict[str, Any]) -> Iterator[list[str]]:
    """Mapped and resident at the last moment that both runs know."""
    both = [row for row in compared["resident"] if row["before"] and row["after"]]
    for name, word in (("mapped_bytes", "mapped at the end"), ("rss_bytes", "resident at the end")):
        before, after = (both[-1][side][name] if both else None for side in _SIDES)
        if before is not None and after is not None:
            yield _row(word, before, after, quantities.short_size)


def by_phase_and_origin(compared: dict[str, Any]) -> tuple[list[list[str]], int]:
    """([when, who, calls, +-, syscalls, +-, asked for, +-], how many are alike)."""
    cells: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in compared["tables"]["by_phase_and_origin"]:
        key = row["phase"], _who(row)
        cells.setdefault(key, {})[row["kind"]] = row
    rows, alike = [], 0
    for (phase, who), of in cells.items():
        shown = [_pair(of.get("call"), "count"), _pair(of.get("syscall"), "count")]
        shown.append(_pair(of.get("call"), "bytes", quantities.short_size))
        if any(difference for _, difference in shown):
            rows.append([phase, who, *(text for pair in shown for text in pair)])
        else:
            alike += 1
    return rows, alike


def _who(row: dict[str, Any]) -> str:
    who = str(row["origin"])
    return "%s (%s)" % (who, visible(row["owner"])) if row["owner"] else who


def _pair(
    row: dict[str, Any] | None, name: str, form: Callable[[int], str] = quantities.grouped
) -> tuple[str, str]:
    if row is None:
        return "", ""
    return change(row["before"][name], row["after"][name], form)[:2]


def by(compared: dict[str, Any], table: str, keys: tuple[str, ...]) -> tuple[list[list[str]], str]:
    """([keys…, times, +-, %, bytes, +-], others): rows that differ, the largest first."""
    differ = [row for row in compared["tables"][table] if row["before"] != row["after"]]
    differ = [row for row in differ if any(_difference(row, n) for n in ("count", "bytes"))]
    differ.sort(key=lambda row: (-abs(_difference(row, "count")), -abs(_difference(row, "bytes"))))
    rows = [[*(_text(row[key]) for key in keys), *_numbers(row)] for row in differ[:MOST]]
    shown = [id(row) for row in differ[:MOST]]
    rest = [row for row in compared["tables"][table] if id(row) not in shown]
    return rows, others(rest)


def _text(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return visible(" > ".join(word or "the program" for word in value)) or "the program"
    return "not known" if value is None else visible(str(value))


def _difference(row: dict[str, Any], name: str) -> int:
    return int(row["after"][name] - row["before"][name])


def _numbers(row: dict[str, Any]) -> list[str]:
    sizes = change(row["before"]["bytes"], row["after"]["bytes"], quantities.short_size)
    return [*change(row["before"]["count"], row["after"]["count"]), *sizes[:2]]


def others(rows: list[dict[str, Any]]) -> str:
    """The rest in one line, so that all adds up; "" for none."""
    if not rows:
        return ""
    word = "1 other" if len(rows) == 1 else "%s others" % quantities.grouped(len(rows))
    parts = []
    for kind, noun in (("call", "calls"), ("syscall", "memory syscalls")):
        chosen = [row for row in rows if row["kind"] == kind]
        before, after = (sum(row[side]["count"] for row in chosen) for side in _SIDES)
        if before or after:
            parts.append("%s %s" % (noun, " ".join(filter(None, change(before, after)))))
    return "%s: %s" % (word, ", ".join(parts)) if parts else word


def places(
    compared: dict[str, Any], most: int = MOST
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(rows that changed, the largest first and at most `most`; the rest)."""
    changed = [row for row in compared["rows"] if row["changed"]]
    changed.sort(key=_size, reverse=True)
    shown = changed[:most]
    ids = set(map(id, shown))
    return shown, [row for row in compared["rows"] if id(row) not in ids]


def _size(row: dict[str, Any]) -> tuple[int, ...]:
    names = ("count", "bytes", "live_bytes")
    return (not row["within_noise"], *(abs(_difference(row, name)) for name in names))


def sign(row: dict[str, Any]) -> str:
    """One character: what became of it, or that the runs do not agree on it."""
    if row["noisy"]:
        return "~"
    if row["how"] in ("new", "gone"):
        return "+" if row["how"] == "new" else "-"
    return ">" if row["how"] == "moved" else " "


def where(row: dict[str, Any]) -> str:
    """`vec::main (vec.rs:9)`."""
    text = visible(row["function"] or "code without a name")
    if row["file"] and row["line"]:
        text += " (%s:%d)" % (visible(row["file"].rsplit("/", 1)[-1]), row["line"])
    return text


def place(row: dict[str, Any]) -> str:
    """What a row is about, in words: `vec::main (vec.rs:9), through Vec::push`."""
    parts = []
    if row["origin"] in ("loader", "runtime") and row["purpose"]:
        parts.append(visible(row["purpose"]))
    else:
        parts.append(where(row))
        way = row["via_before"] if row["how"] == "gone" else row["via"]
        parts += ["through " + visible(short(way[-1]))] if way else []
    if row["how"] == "moved":
        parts.append("moved from %s to %s" % (row["phase_before"], row["phase"]))
    if row["how"] == "nameless":
        parts.append("all of them together")
    return ", ".join(parts)


def who(row: dict[str, Any]) -> str:
    """`main user malloc`."""
    place_ = "%s: " % _text(row["process"]) if len(row["process"]) > 1 else ""
    return "%s%s %s %s" % (place_, row["phase"], _who(row), visible(row["name"]))


def numbers(row: dict[str, Any]) -> list[str]:
    """`24 → 0 calls, -24, gone`, then the same of bytes, and of what is left at the end."""
    noun = "calls" if row["kind"] == "call" else "times"
    if row["before"]["count"] == row["after"]["count"] == 1:
        noun = noun[:-1]
    parts = []
    for name, word, form in (
        ("count", noun, quantities.grouped),
        ("bytes", "", quantities.short_size),
        ("live_blocks", "blocks left", quantities.grouped),
        ("live_bytes", "left", quantities.short_size),
    ):
        values = change(row["before"][name], row["after"][name], form)
        if values[1] or name == "count":
            said = ", ".join(filter(None, values[1:]))
            text = "%s %s" % (values[0], word) if word else values[0]
            parts.append("%s (%s)" % (text, said) if said else text)
    return parts


def likenesses(compared: dict[str, Any]) -> Iterator[str]:
    """Sentences on what is perhaps the same."""
    for pair in compared["perhaps_the_same"][:MOST]:
        gone, new = compared["rows"][pair["gone"]], compared["rows"][pair["new"]]
        yield "%s %s → %s" % (gone["name"], place(gone), place(new))
