"""The page of a difference: one file of HTML without a script, which needs nothing else.

It is written from the same data as the text. All of it may come from a hostile target: nothing
is markup.
"""

from __future__ import annotations

import os
from html import escape

from reports import diff_tables, diff_words
from reports.diff_page import strips
from reports.page import document
from reports.page.fit import fit
from reports.page.markup import bdi, section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any

MOST = 500  # rows of the table of places
_STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "diff.css")
_SIDES = ("before", "after")
_FIGURES = ["times", "", "", "bytes", ""]


def render(compared: dict[str, Any]) -> str:
    """The page as text; `compared`: of compare.difference, with its strips."""
    with open(_STYLE, encoding="utf-8") as file:
        style = document.joined(("page.css",)) + file.read()
    text = document.whole(_title(compared), style, _body(compared))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _title(compared: dict[str, Any]) -> str:
    names = [fit(compared[side]["program"]).rsplit("/", 1)[-1] or "a run" for side in _SIDES]
    return "%s: what changed" % (names[0] if names[0] == names[1] else " → ".join(names))


def _body(compared: dict[str, Any]) -> Iterator[str]:
    yield _warnings(compared)
    yield '<header><p class="kicker">%s</p>' % escape(_title(compared))
    yield '<h1 id="verdict">%s</h1>' % bdi(fit(diff_words.sentence(compared)))
    yield "".join(_side(compared, side) for side in _SIDES)
    yield "</header>\n<main>\n"
    if not compared["same"]:
        lead = "Of the whole run, before and after."
        heads = ["", "before", "after", "difference", ""]
        yield section(
            "totals", "What it asked for", lead, _table(heads, diff_tables.totals(compared))
        )
    yield section("strips", "Both runs, phase beneath phase", "", _strips(compared))
    yield section("places", "What changed", "", _places(compared))
    if not compared["same"]:
        yield from _others(compared)
    yield "</main>\n"


def _warnings(compared: dict[str, Any]) -> str:
    if not compared["warnings"]:
        return ""
    items = "".join("<li>%s</li>" % bdi(fit(text)) for text in compared["warnings"])
    return (
        '<div class="banner" role="note"><p>Not all of this is fair:</p><ul>%s</ul></div>' % items
    )


def _side(compared: dict[str, Any], side: str) -> str:
    facts = compared[side]
    many = ", the one of %d runs with the fewest events" % len(facts["runs"])
    return '<p class="runs"><b>%s</b> <code>%s</code>%s<br><span class="quiet">%s</span></p>' % (
        side,
        bdi(fit(facts["trace"])),
        many if len(facts["runs"]) > 1 else "",
        bdi(fit(" ".join(facts["command"]))),
    )


def _strips(compared: dict[str, Any]) -> str:
    told = compared.get("strips")
    if told is None:
        return "<p>One of the runs kept sums alone: there are no events to draw.</p>"
    if not told:
        return "<p>Neither run has an event.</p>"
    drawn = "".join(
        '<h3>%s</h3><div class="scroll">%s</div>' % (side, strips.draw(told, side, word))
        for side, word in zip(_SIDES, ("less", "more"))
    )
    said = (
        '<p class="quiet"><span class="key"></span>same in both '
        '<span class="key less"></span>before, changed '
        '<span class="key more"></span>after, changed</p>'
        '<p class="quiet">Calls stand above the line, memory syscalls hang below; %s, as high as '
        "its bytes, each doubling counting the same. A phase is as wide as the longer of the two."
        "</p>"
        % ("a bar is %d events" % told[0]["width"] if told[0]["width"] > 1 else "one bar each")
    )
    return said + drawn


def _places(compared: dict[str, Any]) -> str:
    changed = [row for row in compared["rows"] if row["changed"]]
    shown, rest = diff_tables.places(compared, MOST)
    if not shown:
        return "<p>No place in the code allocates otherwise.</p>"
    lines = []
    for row in shown:
        cells = "<td>%s</td>" % bdi(fit(diff_tables.who(row)))
        cells += '<td class="place">%s</td>' % bdi(fit(diff_tables.place(row)))
        cells += "<td>%s</td>" % "<br>".join(map(_figure, diff_tables.numbers(row)))
        lines.append('<tr><th scope="row">%s</th>%s</tr>' % (_sign(row), cells))
    said = "<p>+ new, - gone, &gt; moved to another phase%s</p>" % _noise(compared)
    heads = ["", "when, who, call", "where or what for", "change"]
    left = diff_tables.others(rest)
    hidden = len(changed) - len(shown)
    left += "; %d of them changed: --json has them" % hidden if hidden else ""
    alike = "".join("<li>%s</li>" % bdi(fit(line)) for line in diff_tables.likenesses(compared))
    alike = "<h3>Perhaps the same</h3><ul>%s</ul>" % alike if alike else ""
    return said + _framed(heads, lines) + ("<p>%s.</p>" % escape(left) if left else "") + alike


def _noise(compared: dict[str, Any]) -> str:
    noisy = any(row["noisy"] for row in compared["rows"])
    return ", ~ the runs before do not agree among themselves" if noisy else ""


def _sign(row: dict[str, Any]) -> str:
    return '<span class="sign%s">%s</span>' % (_direction(row), escape(diff_tables.sign(row)))


def _direction(row: dict[str, Any]) -> str:
    for name in ("count", "bytes", "live_bytes"):
        difference = row["after"][name] - row["before"][name]
        if difference:
            return " more" if difference > 0 else " less"
    return ""


def _figure(text: str) -> str:
    """`24 → 3 calls (-21, -88%)`: with the hue of its sign."""
    head, open_, rest = text.partition(" (")
    word = {"+": "more", "-": "less"}.get(rest[:1])
    return (
        '%s <span class="%s">(%s</span>' % (escape(head), word, escape(rest))
        if word
        else escape(text)
    )


def _others(compared: dict[str, Any]) -> Iterator[str]:
    rows, alike = diff_tables.by_phase_and_origin(compared)
    heads = ["when", "who", "calls", "", "syscalls", "", "asked for", ""]
    more = "<p>%d others: no difference.</p>" % alike if alike else ""
    if rows:
        yield section("phases", "When and who", "", _table(heads, rows) + more)
    for name, title, keys, heads in (
        ("by_name", "By call and memory syscall", ("name",), ["name"]),
        ("by_purpose", "What for", ("origin", "purpose"), ["who", "for"]),
        ("by_process", "By program", ("process", "kind"), ["program", ""]),
    ):
        rows, left = diff_tables.by(compared, name, keys)
        is_told = name != "by_process" or max(compared[side]["programs"] for side in _SIDES) > 1
        if rows and is_told:
            left = "<p>%s.</p>" % escape(left) if left else ""
            yield section(name, title, "", _table(heads + _FIGURES, rows) + left)


def _table(heads: list[str], rows: Sequence[Sequence[str]]) -> str:
    lines: list[str] = []
    are_figures: set[int] = set()
    for first, *rest in rows:
        kinds = list(map(_class, rest))
        are_figures.update(at for at, kind in enumerate(kinds, 1) if kind)
        cells = "".join("<td%s>%s</td>" % (k, bdi(fit(text))) for k, text in zip(kinds, rest))
        lines.append('<tr><th scope="row">%s</th>%s</tr>' % (bdi(fit(first)), cells))
    return _framed(heads, lines, are_figures)


def _class(text: str) -> str:
    word = {"+": " more", "-": " less"}.get(text[:1], "")
    is_figure = word or text[:1].isdigit() or text[:1] == "×" or text in ("new", "gone")
    return ' class="n%s"' % word if is_figure else ""


def _framed(heads: list[str], lines: list[str], are_figures: Collection[int] = ()) -> str:
    head = "".join(
        '<th scope="col"%s>%s</th>' % (' class="n"' if at in are_figures else "", escape(text))
        for at, text in enumerate(heads)
    )
    return (
        '<div class="scroll" tabindex="0"><table><thead><tr>%s</tr></thead>'
        "<tbody>%s</tbody></table></div>" % (head, "".join(lines))
    )
