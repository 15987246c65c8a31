"""The run itself, event by event: phases, each call with who, what for and where, and the memory
syscalls that it made hanging beneath it."""

from __future__ import annotations

import errno
from collections import namedtuple

from alloctrace import measure, words
from alloctrace.escape import visible
from reports.event_tree import grow, pass_through
from reports.ink import cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NamedTuple

    from alloctrace.model import Event, Frame, Verdict
    from reports.event_tree import Node
    from reports.ink import Ink

# One line: the thread, what it hangs on, the columns, and whether it is marked as failed.
if TYPE_CHECKING:

    class Row(NamedTuple):
        thread: str
        branch: str
        call: str
        origin: str
        text_origin: str
        purpose: str
        where: tuple[str, ...]
        failed: bool

else:
    Row = namedtuple("Row", "thread branch call origin text_origin purpose where failed")
if TYPE_CHECKING:

    class Widths(NamedTuple):
        thread: int
        call: int
        origin: int
        purpose: int
        where: int

else:
    Widths = namedtuple("Widths", "thread call origin purpose where")

MEANINGS = {
    "load": "the libraries are brought in",
    "init": "initialisers and start-up",
    "main": "the program's own",
    "exit": "what is left to do after main",
}

_GAP = "  "
_LONGEST = {"call": 28, "origin": 16}


def lines(
    events: Iterable[Event],
    stack_of: Callable[[int], tuple[Frame, ...]],
    summary: dict[str, Any],
    ink: Ink,
) -> Iterator[str]:
    """The lines of the view; `events` in their order, `stack_of(id)` their frames."""
    tops = grow(events)
    found = {key: rows(nodes, stack_of, ink) for key, nodes in tops.items()}
    widths = _widths([row for group in found.values() for row in group], ink)
    if found:
        yield from head(widths, ink)
    before = bool(found)
    for phase in summary["phases"]:
        group = found.get((phase["image"], phase["phase"]), [])
        if before or group:
            yield ""
        before = bool(group)
        yield phase_line(phase, bool(group), ink, summary["sums_over"]["what"] != "one")
        for row in group:
            yield line(row, widths, ink)


def rows(nodes: list[Node], stack_of: Callable[[int], tuple[Frame, ...]], ink: Ink) -> list[Row]:
    """Rows for the nodes of one phase, what hangs beneath them following them."""
    made: list[Row] = []
    for node in _fold([pass_through(node) for node in nodes], stack_of, ink):
        made += _node_rows(node, "", "", stack_of, ink, 0)
    return made


def _fold(nodes: list[Node], stack_of: Callable[[int], tuple[Frame, ...]], ink: Ink) -> list[Node]:
    """One node for neighbours that look alike in every column and made no syscall."""
    folded: list[Node] = []
    for node in nodes:
        if folded and _alike(folded[-1], node, stack_of, ink):
            folded[-1].times += 1
        else:
            folded.append(node)
    return folded


def _alike(left: Node, right: Node, stack_of: Callable[[int], tuple[Frame, ...]], ink: Ink) -> bool:
    if left.children or right.children or left.event.kind != "call":
        return False
    return _look(left, stack_of, ink) == _look(right, stack_of, ink)


def _look(node: Node, stack_of: Callable[[int], tuple[Frame, ...]], ink: Ink) -> tuple[object, ...]:
    event, frame = node.event, where_texts(node.event, stack_of, ink)
    asked = (event.kind, event.name, event.size, event.nmemb, event.align, event.errno, node.freed)
    return asked, event.tid, origin_text(event), measure.purpose(event), frame


def _node_rows(
    node: Node,
    branch: str,
    below: str,
    stack_of: Callable[[int], tuple[Frame, ...]],
    ink: Ink,
    depth: int,
) -> Iterator[Row]:
    event, hangs = node.event, depth > 0  # what hangs is its call's, in who and where
    yield Row(
        "" if hangs else str(event.tid),
        branch,
        call_text(event, node.freed, node.times, ink),
        measure.origin(event),
        "" if hangs else origin_text(event),
        _purpose_text(event),
        ("",) if hangs else where_texts(event, stack_of, ink),
        event.failed,
    )
    for index, child in enumerate(node.children):
        is_last = index == len(node.children) - 1
        sign = ink.signs.last if is_last else ink.signs.branch
        deeper = below + ("   " if is_last else ink.signs.bar)
        yield from _node_rows(child, below + sign, deeper, stack_of, ink, depth + 1)


def call_text(event: Event, freed: int | None, times: int, ink: Ink) -> str:
    """`malloc 472`, `calloc 9 × 144`, `brk +135168`, `free 472`, `memalign 1009 align 64`."""
    text = ("%s %s" % (visible(event.name), _amount(event, freed, ink))).rstrip()
    if event.align is not None:
        text += " align %s" % _number(event.align)
    return text if times == 1 else "%s (%s%d)" % (text, ink.signs.times, times)


def _amount(event: Event, freed: int | None, ink: Ink) -> str:
    if event.name == "free":
        unknown = "NULL" if event.ptr == 0 else "unknown block" if is_unknown(event) else ""
        return unknown if freed is None else _number(freed)
    if event.size is None:
        return ""
    if event.name == "brk":
        return "%+d" % event.size if event.size else ""
    if event.nmemb is not None and 1 not in (event.nmemb, event.size):
        return "%s %s %s" % (_number(event.nmemb), ink.signs.times, _number(event.size))
    return _number(measure.bytes_asked(event))


def is_unknown(event: Event) -> bool:
    """Whether it ends or moves a block that nobody saw allocated: older than the recording."""
    if not event.ptr or event.block is not None or measure.is_of_cache(event):
        return False
    return event.kind == "call" and event.outer is None


def _number(value: int) -> str:
    """Exact; absurdly large ones as people write them: 2^63+1."""
    power = max(value.bit_length() - 1, 0)
    if power < 50:
        return str(value)
    power += value - (1 << power) > (1 << power + 1) - value
    rest = value - (1 << power)
    return str(value) if abs(rest) >= 1 << 16 else "2^%d%s" % (power, "%+d" % rest if rest else "")


def origin_text(event: Event) -> str:
    """`loader`, `runtime Rust`, `user`, `user via` (then the where says via what)."""
    verdict = event.verdict
    if verdict is None:
        return "unknown"
    if verdict.origin == "runtime":
        return "runtime %s" % visible(verdict.owner or "?")
    return "user via" if _is_via(verdict) else verdict.origin


def _is_via(verdict: Verdict) -> bool:
    return verdict.origin == "user" and not verdict.direct and bool(verdict.via)


def _purpose_text(event: Event) -> str:
    """In words; "" where it was not asked for (late events of --live)."""
    text = "" if event.purpose is None else visible(measure.purpose(event) or "unknown")
    if event.failed:
        return "failed: %s" % _errno_name(event.errno)
    if event.dur_ns is None:
        return (text + " (never returned)").lstrip()
    return text


def _errno_name(number: int | None) -> str:
    return errno.errorcode.get(number or 0, "error %s" % number)


def where_texts(
    event: Event, stack_of: Callable[[int], tuple[Frame, ...]], ink: Ink
) -> tuple[str, ...]:
    """The frame that decided, in words, the fullest first: `main alloc.c:5 → strdup`,
    `main alloc.c:5`, `alloc.c:5`; ("",) for none."""
    frame = measure.deciding_frame(event, stack_of(event.stack) if event.stack else ())
    if frame is None:
        return ("",)
    is_users = measure.origin(event) in ("user", "unknown")  # of others the name says more
    name, place = _frame_text(frame), _place(frame) if is_users else ""
    texts = [name + " " + place, place] if place else [name, _short_name(frame)]
    if event.verdict and _is_via(event.verdict):
        texts.insert(0, "%s %s %s" % (texts[0], ink.signs.arrow, visible(event.verdict.via[0])))
    return tuple(texts)


def _frame_text(frame: Frame) -> str:
    if frame.function:
        return visible(frame.function)
    return visible("%s+%#x" % (frame.module, frame.offset) if frame.module else hex(frame.pc))


def _short_name(frame: Frame) -> str:
    """`ld-linux+0x1d2b8`: of a nameless function the offset says most."""
    if frame.function or not frame.module:
        return _frame_text(frame)
    stem = frame.module.split(".")[0].replace("-x86-64", "")
    return visible("%s+%#x" % (stem, frame.offset))


def _place(frame: Frame) -> str:
    """`alloc.c:5` of a function of the program or a user's library; "" else."""
    if frame.role not in ("executable", "user") or not (frame.function and frame.file):
        return ""
    return visible("%s:%d" % (frame.file.rsplit("/", 1)[-1], frame.line)) if frame.line else ""


def _widths(shown: list[Row], ink: Ink) -> Widths:
    """Purpose and frame share what the other columns leave; one thread needs no column."""
    threads = {row.thread for row in shown if row.thread}
    thread = max(3, *map(len, threads)) if len(threads) > 1 else 0
    call = max([cells(row.call) for row in shown if not row.branch] + [4])
    origin = max([cells(row.text_origin) for row in shown] + [3])
    call, origin = min(call, _LONGEST["call"]), min(origin, _LONGEST["origin"])
    rest = _rest(ink, thread, call, origin)
    where = max([cells(row.where[0]) for row in shown] + [5])
    purpose = max([cells(row.purpose) for row in shown] + [3])
    if purpose + where > rest:
        share = rest * 2 // 5 if ink.width >= 100 else rest // 3
        where = min(where, max(rest - purpose, share))
    return Widths(thread, call, origin, max(min(purpose, rest - where), 3), where)


def _rest(ink: Ink, thread: int, call: int, origin: int) -> int:
    """Columns that are left for purpose and frame."""
    return ink.width - call - origin - 2 - 3 * len(_GAP) - (thread and thread + len(_GAP))


def usual_widths(ink: Ink) -> Widths:
    """Columns for events that are not known yet."""
    rest = _rest(ink, 0, 18, 14)
    return Widths(0, 18, 14, rest - rest // 3, rest // 3)


def head(widths: Widths, ink: Ink) -> Iterator[str]:
    titles = ("tid", "call", "who", "for")
    columns = [ink.column(title, width) for title, width in zip(titles, widths) if width]
    yield ink.dim("  " + _GAP.join(columns + ["where"]))


def phase_line(
    phase: dict[str, Any], has_events: bool, ink: Ink, is_of_several: bool = True
) -> str:
    name = ink.bold(ink.column(phase["phase"], 4))
    if is_of_several and phase["image"] and phase["phase"] == words.PHASES[0]:
        name = ink.bold("exec ") + name
    return "%s  %s" % (name, ink.dim(ink.fit(phase_words(phase, has_events, ink), ink.width - 6)))


def phase_words(phase: dict[str, Any], has_events: bool | list[Row], ink: Ink) -> str:
    """What a phase is and how it began, or that it is empty."""
    if not phase["reached"] and not has_events:
        never = "never reached" + (": exec replaced the program" if phase["replaced"] else "")
        return "empty" if phase["passed"] else never
    text = MEANINGS[phase["phase"]] if has_events else "no calls, no memory syscalls"
    if phase["how"]:
        text += " %s %s" % (ink.signs.dot, visible(phase["how"]))
    return text


def line(row: Row, widths: Widths, ink: Ink) -> str:
    """One row as a line, in these widths. What hangs has no who: it may use its room."""
    less = max(widths.purpose - cells(row.purpose), 0)  # what the purpose leaves of its room
    where = _fit_where(row.where, widths.where + less, ink)
    room = widths.purpose if where else widths.purpose + widths.where + len(_GAP)
    room -= max(cells(where) - widths.where, 0)
    why = ink.clause(row.purpose, room)
    thread = ink.dim(ink.column(row.thread, widths.thread)) if widths.thread else ""
    parts = [thread, _call_and_who(row, widths, ink)]
    parts.append(ink.paint(ink.column(why, room) if where else why, _purpose_style(row)))
    return "  " + _GAP.join(part for part in parts + [ink.dim(where)] if part)


def _call_and_who(row: Row, widths: Widths, ink: Ink) -> str:
    style = "red" if row.failed else ""
    if row.branch:
        room = widths.call + len(_GAP) + widths.origin - cells(row.branch)
        return ink.dim(row.branch) + ink.paint(ink.column(row.call, room), style)
    who = ink.origin(row.origin, ink.column(row.text_origin, widths.origin))
    return ink.paint(ink.column(row.call, widths.call), style) + _GAP + who


def _purpose_style(row: Row) -> str:
    if row.failed:
        return "red"
    return "dim" if row.purpose == "unknown" else ""


def _fit_where(texts: tuple[str, ...], width: int, ink: Ink) -> str:
    """The fullest of `texts` that fits; a `::` path may lose its front: its end says more."""
    for text in texts:
        short = ink.path(text, width)
        if cells(short) <= width:
            return short
    return ink.fit(short, width)


def length(summary: dict[str, Any]) -> int:
    """How many lines the view would need at most."""
    return int(summary["causes"]["calls"] + summary["causes"]["syscalls"])
