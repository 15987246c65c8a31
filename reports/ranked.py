"""Sites by one measure, each with its whole chain where asked for, and the tree of calls: text and
Markdown of `report --by --top --stacks --tree`."""

from __future__ import annotations

from collections import namedtuple

from alloctrace.escape import visible
from alloctrace.history.ranges import OfRange
from alloctrace.summary import call_tree, chosen
from reports import markdown, measures, sections, sentences, site_table, tables, text
from reports.ink import Ink, cells, speaks_unicode
from reports.markdown_text import code, fenced, table
from reports.measures import FUNCTIONS, SITES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NamedTuple

    from alloctrace.model import Frame
    from alloctrace.summary.call_tree import Node
    from alloctrace.trace.read import Trace


if TYPE_CHECKING:

    class _Choice(NamedTuple):
        by: str = "bytes"
        top: int | None = None
        tree: bool = False
        stacks: bool = False

else:
    _Choice = namedtuple("Choice", "by top tree stacks", defaults=["bytes", None, False, False])


class Choice(_Choice):
    __slots__ = ()

    @property
    def sites(self) -> int:
        return SITES if self.top is None else self.top


def render(
    summary: dict[str, Any],
    trace: Trace,
    choice: Choice,
    width: int = 80,
    colour: bool = False,
    unicode: bool | None = None,
) -> str:
    """The report as text. `summary`: of summarise(by=…, top_sites=choice.sites)."""
    ink = Ink(width, colour, speaks_unicode() if unicode is None else unicode)
    lines = [*text.first(summary, ink), ""]
    lines += text.wrapped(_said(trace) + sentences.verdict(summary), ink, "", ink.bold)
    if choice.tree:
        lines += ["", *_tree(summary, trace, choice, ink)]
    if choice.stacks or not choice.tree:
        lines += ["", *_sites(summary, trace, choice, ink)]
    return text.for_output("\n".join(lines) + "\n", ink)


def _said(trace: Trace) -> str:
    """What events the report is of, where it is of some alone (ranges.OfRange)."""
    if not isinstance(trace, OfRange):
        return ""
    thread = "" if trace.tid is None else ", thread %d" % trace.tid
    ends = map(sentences.grouped, (trace.first, trace.last))
    return "Events %s to %s%s alone: " % (*ends, thread)


def render_markdown(summary: dict[str, Any], trace: Trace, choice: Choice) -> str:
    ink, parts = Ink(120), [markdown.head(summary)]
    if _said(trace):
        parts.append([_said(trace) + "nothing else counts here."])
    if choice.tree:
        title, *drawn = _tree(summary, trace, choice, ink)
        parts.append(["## Tree of calls", "", *fenced("text", drawn)])
    if choice.stacks or not choice.tree:
        parts.append(_sites_as_markdown(summary, trace, choice, ink))
    made = "\n\n".join("\n".join(part) for part in parts) + "\n"
    return made.encode("utf-8", "backslashreplace").decode("utf-8")


def whole(summary: dict[str, Any]) -> int:
    return int(summary["sites_by"]["sum"])


def heading(summary: dict[str, Any], rows: list[dict[str, Any]], by: str) -> str:
    """`by bytes live at the peak: 20 of 104 places, with 97 % of 1.2 MiB`."""
    field = measures.BY[by].field
    shown = sum(row[field] for row in rows)
    places = sentences.count(summary["site_count"], "place")
    said = "%s of %s" % (sentences.grouped(len(rows)), places)
    said = places if len(rows) == summary["site_count"] else said
    share = " with %s" % share_of(shown, whole(summary)) if shown < whole(summary) else ""
    return "by %s: %s%s of %s" % (
        measures.BY[by].means,
        said,
        share or ", all",
        measures.amount(by, whole(summary)),
    )


def share_of(part: int, all_: int) -> str:
    return sentences.percent(part / all_) if all_ else "0 %"


def _sites(summary: dict[str, Any], trace: Trace, choice: Choice, ink: Ink) -> Iterator[str]:
    rows = _rows(summary, choice)
    yield from sections.title("Sites", heading(summary, rows, choice.by), ink)
    field = measures.BY[choice.by].field
    head = ["share", measures.BY[choice.by].label, "where", "who", "for"]
    shown = [
        [share_of(row[field], whole(summary)), measures.amount(choice.by, row[field])]
        + [site_table.place(row), row["origin"], visible(sentences.site_purpose(row))]
        for row in rows
    ]
    titles, *lines = tables.lines(head, shown, ink, "rrllL") if shown else [""]
    chains = _chains(summary, trace, choice, rows)
    yield titles
    for row, line, chain in zip(rows, lines, chains):
        yield line
        for said in chain:
            yield from (
                ink.dim("      " + part) for part in ink.wrap(ink.said(said), ink.width - 6, "  ")
            )


def _sites_as_markdown(
    summary: dict[str, Any], trace: Trace, choice: Choice, ink: Ink
) -> list[str]:
    rows, field = _rows(summary, choice), measures.BY[choice.by].field
    said = heading(summary, rows, choice.by)
    head = ["share", measures.BY[choice.by].label, "where", "who", "for"]
    lines = ["## Sites", "", sentences.begun(said) + ".", ""]
    lines += table(
        head,
        "rrlll",
        [
            [share_of(row[field], whole(summary)), str(row[field])]
            + [code(site_table.in_full(row)), row["origin"], sentences.site_purpose(row)]
            for row in rows
        ],
    )
    if choice.stacks:
        for row, chain in zip(rows, _chains(summary, trace, choice, rows)):
            lines += ["", "* " + code(site_table.in_full(row))]
            lines += ["  * " + code(said) for said in chain]
    return lines


def _rows(summary: dict[str, Any], choice: Choice) -> list[dict[str, Any]]:
    """Without those that have nothing of the measure."""
    field = measures.BY[choice.by].field
    return [row for row in summary["sites"][: choice.sites] if row[field]]


CHAINS = 3  # of one place
LONGEST = 300  # characters of a name; those of templates are long
LOOKED_AT = 1000  # stacks of one place


def _chains(
    summary: dict[str, Any], trace: Trace, choice: Choice, rows: list[dict[str, Any]]
) -> list[list[str]]:
    """For each row the lines of its chains; none where they are not asked for."""
    if not choice.stacks:
        return [[] for _ in rows]
    value = measures.of_group(choice.by, chosen.at_peak(summary))
    found = call_tree.stacks_of_places(trace, chosen.of_summary(summary), value, rows)
    return [list(_chains_said(trace, choice.by, stacks)) for stacks in found]


def _chains_said(trace: Trace, by: str, stacks: list[tuple[int, int]]) -> Iterator[str]:
    """Stacks that are told in the same words are one chain."""
    told: dict[str, int] = {}
    for stack, value in stacks[:LOOKED_AT]:
        words = chain(trace, stack)
        told[words] = told.get(words, 0) + value
    chains = sorted(told.items(), key=lambda item: -item[1])
    if len(stacks) <= LOOKED_AT and len(chains) == 1:
        yield chains[0][0]
        return
    for words, value in chains[:CHAINS]:
        yield "%s: %s" % (measures.amount(by, value), words)
    number = len(chains) - CHAINS + max(0, len(stacks) - LOOKED_AT)
    if number > 0:
        rest = sum(value for _, value in stacks) - sum(value for _, value in chains[:CHAINS])
        yield "%s: %s" % (measures.amount(by, rest), sentences.count(number, "more chain"))


def chain(trace: Trace, stack: int) -> str:
    """`malloc ← main a.c:5 ← _start`: the whole stack, innermost first."""
    names = [function(frame) for frame in trace.stack(stack)]
    cut = trace.cut(stack) if stack > 0 else None
    return " ← ".join(names + (["(%s)" % visible(cut)] if cut else [])) or "no stack"


def function(frame: Frame) -> str:
    """`main a.c:5`, `a.out+0x1139`."""
    if not frame.function:
        return _short("%s+%#x" % (frame.module, frame.offset) if frame.module else hex(frame.pc))
    if frame.role in ("executable", "user") and frame.file and frame.line:
        place = " %s:%d" % (_short(frame.file.rsplit("/", 1)[-1]), frame.line)
        return _short(frame.function) + place
    return _short(frame.function)


def _short(name: str) -> str:
    """Names of a stranger's program may be of any length."""
    return visible(name if len(name) <= LONGEST else name[:LONGEST] + "…")


def _tree(summary: dict[str, Any], trace: Trace, choice: Choice, ink: Ink) -> Iterator[str]:
    value = measures.of_group(choice.by, chosen.at_peak(summary))
    values = call_tree.of_groups(trace, chosen.of_summary(summary), value)
    root = call_tree.grow(trace.tree, values, choice.top or FUNCTIONS)
    means = measures.BY[choice.by].means
    said = "by %s, of %s" % (means, measures.amount(choice.by, root.value))
    yield from sections.title("Tree of calls", said, ink)
    if not root.value:
        yield "  nothing"
        return
    drawn = list(_drawn(root, ink, choice.by))
    widest = max(cells(amount) for amount, _, _ in drawn)
    for amount, part, line in drawn:
        share = share_of(part, root.value).rjust(6)
        room = ink.width - 2 - len(share) - 2 - widest - 2
        yield "  %s  %s  %s" % (ink.dim(share), amount.rjust(widest), ink.fit(line, room))


def _drawn(root: Node, ink: Ink, by: str) -> Iterator[tuple[str, int, str]]:
    """(amount, value, text with its branch) of each line, callers first. Where one function alone
    is called there is no branch, and no step to the right."""
    # Node, what stands before its line, below it; its caller's file.
    waiting: list[tuple[Any, Any, str, str]] = [(root, "", "", "")]
    while waiting:
        node, branch, bar, module = waiting.pop()
        if isinstance(node, str):
            value, text_ = branch
            yield measures.amount(by, value), value, bar + text_
            continue
        if node.frame is not None:
            yield measures.amount(by, node.value), node.value, branch + _name(node.frame, module)
        below: list[tuple[Any, int]] = [(child, child.value) for child in node.below]
        below += _others(node, ink)
        last = len(below) - 1
        is_alone = last == 0 and node.below
        made: list[tuple[Any, Any, str, str]] = []
        for at, (child, value) in enumerate(below):
            sign = "" if is_alone else ink.signs.last if at == last else ink.signs.branch
            more = "" if is_alone else "   " if at == last else ink.signs.bar
            if isinstance(child, str):
                made.append((child, (value, child), bar + sign, ""))
            else:
                caller = node.frame.module if node.frame else ""
                made.append((child, bar + sign, bar + more, caller))
        waiting += reversed(made)


def _others(node: Node, ink: Ink) -> list[tuple[str, int]]:
    """What a function holds beside the functions below it that are shown."""
    number, value = node.rest
    own = node.value - value - sum(child.value for child in node.below)
    found = []
    if number:
        said = sentences.count(number, "other function")
        found.append(("%s %s" % (ink.signs.more, said), value))
    if own and (number or node.below or node.frame is None):
        found.append(("itself" if node.frame else "no stack", own))
    return found


def _name(frame: Frame, before: str) -> str:
    """The function; of a library also which, where its caller was not there."""
    if not frame.function:
        return function(frame)
    name = _short(frame.function)
    return (
        name
        if frame.role == "executable" or frame.module == before
        else "%s  %s" % (name, _short(frame.module))
    )
