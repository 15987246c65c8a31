"""What changed between two runs, for a terminal."""

from __future__ import annotations

from alloctrace.escape import visible
from reports import diff_tables, diff_words, tables
from reports.ink import Ink, speaks_unicode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def render(
    compared: dict[str, Any], width: int = 80, colour: bool = False, unicode: bool | None = None
) -> str:
    """The difference as text with a newline at its end; `compared`: of compare.difference."""
    ink = Ink(width, colour, speaks_unicode() if unicode is None else unicode)
    rows = [ink.bold(line) for line in ink.wrap(ink.said(diff_words.sentence(compared)), ink.width)]
    rows += list(_sides(compared, ink))
    for section in (_totals, _by_phase, _places, _likenesses, _by_name, _by_purpose, _by_process):
        lines = [] if compared["same"] and section is not _places else list(section(compared, ink))
        rows += ["", *lines] if lines else []
    return "\n".join(rows) + "\n"


def _lines(head: list[str], rows: list[list[str]], ink: Ink, align: str) -> Iterator[str]:
    """Where all has no room side by side, its last figure stands in a table beneath: that of the
    last title, and what has none behind it."""
    rows = [[ink.said(text) for text in row] for row in rows]
    last = max(at for at, title in enumerate(head) if title)
    if align[last] in "lL" or tables.can_give_way(head, rows, ink, align):
        yield from tables.lines(head, rows, ink, align)
        return
    names = sum(side in "lL" for side in align)
    yield from _lines(head[:last], [row[:last] for row in rows], ink, align[:last])
    beneath = [row[:names] + row[last:] for row in rows if any(row[last + 1 :])]
    yield from tables.lines(head[:names] + head[last:], beneath, ink, align[:names] + align[last:])


def _sides(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    yield ""
    for side in ("before", "after"):
        facts = compared[side]
        number = len(facts["runs"])
        many = ", the one of %d runs with the fewest events" % number if number > 1 else ""
        yield "%s  %s%s" % (
            ink.column(side, 6),
            ink.fit(ink.said(visible(facts["trace"])), 60),
            many,
        )
    for warning in compared["warnings"]:
        for line in ink.wrap(ink.said("! " + visible(warning)), ink.width, "  "):
            yield ink.paint(line, "yellow")


def _totals(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    head = ["", "before", "after", "difference", ""]
    yield from _lines(head, diff_tables.totals(compared), ink, "lrrrr")


def _by_phase(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    rows, alike = diff_tables.by_phase_and_origin(compared)
    if not rows:
        return
    yield ink.bold("When and who")
    head = ["when", "who", "calls", "", "syscalls", "", "asked for", ""]
    yield from _lines(head, rows, ink, "lLrrrrrr")
    if alike:
        yield ink.dim("  %d other%s: no difference" % (alike, "" if alike == 1 else "s"))


def _places(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    shown, rest = diff_tables.places(compared)
    if not shown:
        return
    noisy = any(row["noisy"] for row in compared["rows"])
    said = "+ new   - gone   > moved" + ("   ~ the runs before do not agree" if noisy else "")
    yield "%s  %s" % (ink.bold("What changed"), ink.dim(said))
    for row in shown:
        yield from _place(row, ink)
    left = diff_tables.others(rest)
    if left:
        yield from _left(left + _where(rest), ink)


def _place(row: dict[str, Any], ink: Ink) -> Iterator[str]:
    sign = diff_tables.sign(row)
    painted = ink.paint(sign, {"+": "red", "-": "green", "~": "yellow"}.get(sign, ""))
    words = ink.said("%s  %s" % (diff_tables.who(row), diff_tables.place(row)))
    yield "%s %s" % (painted, ink.fit(words, ink.width - 2))
    numbers = ink.said("      " + "   ".join(diff_tables.numbers(row)))
    yield from ink.wrap(numbers, ink.width, "      ")


def _left(text: str, ink: Ink) -> Iterator[str]:
    return map(ink.dim, ink.wrap(ink.said("  " + text), ink.width, "    "))


def _where(rest: list[dict[str, Any]]) -> str:
    hidden = sum(row["changed"] for row in rest)
    return "; %d of them changed: --json has them" % hidden if hidden else ", none of them changed"


def _likenesses(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    lines = list(diff_tables.likenesses(compared))
    if lines:
        yield "%s  %s" % (ink.bold("Perhaps the same"), ink.dim("alike, and not counted as one"))
        for line in lines:
            yield from ink.wrap(ink.said("  " + line), ink.width, "      ")


def _table(
    title: str, head: list[str], rows: list[list[str]], left: str, ink: Ink, align: str
) -> Iterator[str]:
    if rows:
        yield ink.bold(title)
        yield from _lines(head, rows, ink, align)
        if left:
            yield from _left(left, ink)


def _by_name(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    rows, left = diff_tables.by(compared, "by_name", ("name",))
    head = ["call or syscall", "times", "", "", "bytes", ""]
    yield from _table("By call and memory syscall", head, rows, left, ink, "lrrrrr")


def _by_purpose(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    rows, left = diff_tables.by(compared, "by_purpose", ("origin", "purpose"))
    head = ["who", "for", "times", "", "", "bytes", ""]
    yield from _table("What for", head, rows, left, ink, "lLrrrrr")


def _by_process(compared: dict[str, Any], ink: Ink) -> Iterator[str]:
    if compared["before"]["programs"] < 2 and compared["after"]["programs"] < 2:
        return
    rows, left = diff_tables.by(compared, "by_process", ("process", "kind"))
    head = ["program", "", "times", "", "", "bytes", ""]
    yield from _table("By program", head, rows, left, ink, "LLrrrrr")
