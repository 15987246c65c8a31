"""The run itself, event by event: phases, each call with who, what for and where, and the memory
syscalls that it made hanging beneath it."""

from __future__ import annotations

import errno
from collections import namedtuple

from alloctrace import measure, words
from alloctrace.escape import visible
from reports.event_tree import grow, pass_through
from reports.ink import cells

# One line: the thread, what it hangs on, the columns, and whether it is marked as failed.
Row = namedtuple("Row", "thread branch call origin text_origin purpose frame failed")
Widths = namedtuple("Widths", "thread call origin purpose frame")

MEANINGS = {
    "load": "the libraries are brought in",
    "init": "initialisers and start-up",
    "main": "the program's own",
    "exit": "what is left to do after main",
}

_GAP = "  "
_LONGEST = {"call": 26, "origin": 20}


def lines(events, stack_of, summary, ink):
    """The lines of the view; `events` in their order, `stack_of(id)` their frames."""
    tops = grow(events)
    found = {key: rows(nodes, stack_of, ink) for key, nodes in tops.items()}
    widths = _widths([row for group in found.values() for row in group], ink)
    yield from head(widths, ink)
    before = True
    for phase in summary["phases"]:
        group = found.get((phase["image"], phase["phase"]), [])
        if before or group:
            yield ""
        before = bool(group)
        yield phase_line(phase, bool(group), ink)
        for row in group:
            yield line(row, widths, ink)


def rows(nodes, stack_of, ink):
    """Rows for the nodes of one phase, what hangs beneath them following them."""
    made = []
    for node in _fold([pass_through(node) for node in nodes], stack_of):
        made += _node_rows(node, "", "", stack_of, ink, 0)
    return made


def _fold(nodes, stack_of):
    """One node for neighbours that look alike in every column and made no syscall."""
    folded = []
    for node in nodes:
        if folded and _alike(folded[-1], node, stack_of):
            folded[-1].times += 1
        else:
            folded.append(node)
    return folded


def _alike(left, right, stack_of):
    if left.children or right.children or left.event.kind != "call":
        return False
    return _look(left, stack_of) == _look(right, stack_of)


def _look(node, stack_of):
    event, frame = node.event, frame_text(node.event, stack_of)
    asked = (event.kind, event.name, event.size, event.nmemb, event.align, event.errno, node.freed)
    return asked, event.tid, origin_text(event), measure.purpose(event), frame


def _node_rows(node, branch, below, stack_of, ink, depth):
    event, hangs = node.event, depth > 0  # what hangs is its call's, in who and where
    yield Row(
        "" if hangs else str(event.tid),
        branch,
        call_text(event, node.freed, node.times, ink),
        measure.origin(event),
        "" if hangs else origin_text(event),
        _purpose_text(event),
        "" if hangs else frame_text(event, stack_of),
        event.failed,
    )
    for index, child in enumerate(node.children):
        is_last = index == len(node.children) - 1
        sign = ink.signs.last if is_last else ink.signs.branch
        deeper = below + ("   " if is_last else ink.signs.bar)
        yield from _node_rows(child, below + sign, deeper, stack_of, ink, depth + 1)


def call_text(event, freed, times, ink):
    """`malloc 472`, `calloc 9 × 144`, `brk +135168`, `free 472`."""
    if event.name == "free":
        amount = ("NULL" if event.ptr == 0 else "") if freed is None else str(freed)
    elif event.name == "brk":
        amount = "%+d" % event.size if event.size else ""
    elif event.nmemb is not None and 1 not in (event.nmemb, event.size):
        amount = "%d %s %d" % (event.nmemb, ink.signs.times, event.size or 0)
    else:
        amount = "" if event.size is None else str(measure.bytes_asked(event))
    text = ("%s %s" % (visible(event.name), amount)).rstrip()
    return text if times == 1 else "%s (%s%d)" % (text, ink.signs.times, times)


def origin_text(event):
    """`loader`, `runtime Rust`, `user`, `user via fopen`."""
    verdict = event.verdict
    if verdict is None:
        return "unknown"
    if verdict.origin == "runtime":
        return "runtime %s" % visible(verdict.owner or "?")
    if verdict.origin == "user" and not verdict.direct and verdict.via:
        return "user via %s" % visible(verdict.via[0])
    if verdict.for_whom:
        return "%s for %s" % (verdict.origin, visible(verdict.for_whom))
    return verdict.origin


def _purpose_text(event):
    text = visible(measure.purpose(event) or "unknown")
    if event.failed:
        return "failed: %s" % _errno_name(event.errno)
    if event.dur_ns is None:
        return text + " (never returned)"
    return text


def _errno_name(number):
    return errno.errorcode.get(number, "error %s" % number)


def frame_text(event, stack_of):
    """The frame that decided: `actual_code (vec.rs:5)`, `libc.so.6+0x2a1b0`; "" for none."""
    frame = measure.deciding_frame(event, stack_of(event.stack) if event.stack else ())
    if frame is None:
        return ""
    if not frame.function:
        return visible("%s+%#x" % (frame.module, frame.offset) if frame.module else hex(frame.pc))
    if frame.role in ("executable", "user") and frame.file and frame.line:
        return visible("%s %s:%d" % (frame.function, frame.file.rsplit("/", 1)[-1], frame.line))
    return visible(frame.function)


def _widths(shown, ink):
    """Purpose and frame share what the other columns leave; one thread needs no column."""
    threads = {row.thread for row in shown if row.thread}
    thread = max(6, *map(len, threads)) if len(threads) > 1 else 0
    call = max([cells(row.branch) + cells(row.call) for row in shown] + [4])
    origin = max([cells(row.text_origin) for row in shown] + [3])
    call, origin = min(call, _LONGEST["call"]), min(origin, _LONGEST["origin"])
    rest = _rest(ink, thread, call, origin)
    frame = max([cells(row.frame) for row in shown] + [5])
    purpose = max([cells(row.purpose) for row in shown] + [3])
    if purpose + frame > rest:
        frame = min(frame, max(rest - purpose, rest // 3))
    return Widths(thread, call, origin, max(min(purpose, rest - frame), 3), frame)


def _rest(ink, thread, call, origin):
    """Columns that are left for purpose and frame."""
    return ink.width - call - origin - 2 - 3 * len(_GAP) - (thread and thread + len(_GAP))


def usual_widths(ink):
    """Columns for events that are not known yet."""
    rest = _rest(ink, 0, 18, 14)
    return Widths(0, 18, 14, rest - rest // 3, rest // 3)


def head(widths, ink):
    titles = ("thread", "call", "who", "for")
    columns = [ink.column(title, width) for title, width in zip(titles, widths) if width]
    yield ink.dim("  " + _GAP.join(columns + ["where"]))


def phase_line(phase, has_events, ink):
    name = ink.bold(ink.column(phase["phase"], 4))
    if phase["image"] and phase["phase"] == words.PHASES[0]:
        name = ink.bold("exec ") + name
    return "%s  %s" % (name, ink.dim(ink.fit(phase_words(phase, has_events, ink), ink.width - 6)))


def phase_words(phase, has_events, ink):
    """What a phase is and how it began, or that it is empty."""
    if not phase["reached"] and not has_events:
        return "empty" if phase["passed"] else "never reached"
    text = MEANINGS[phase["phase"]] if has_events else "no calls, no memory syscalls"
    if phase["how"]:
        text += " %s %s" % (ink.signs.dot, visible(phase["how"]))
    return text


def line(row, widths, ink):
    """One row as a line, in these widths."""
    asked = ink.column(row.call, widths.call - cells(row.branch))
    where = _fit_frame(row.frame, widths.frame, ink)
    room = widths.purpose if where else widths.purpose + widths.frame + len(_GAP)
    why = ink.clause(row.purpose, room)
    why = ink.column(why, room) if where else why
    parts = [
        ink.dim(ink.column(row.thread, widths.thread)) if widths.thread else "",
        ink.dim(row.branch) + (ink.paint(asked, "red") if row.failed else asked),
        ink.origin(row.origin, ink.column(row.text_origin, widths.origin)),
        ink.paint(why, _purpose_style(row)),
        ink.dim(where),
    ]
    return "  " + _GAP.join(part for part in parts if part)


def _purpose_style(row):
    if row.failed:
        return "red"
    return "dim" if row.purpose == "unknown" else ""


def _fit_frame(text, width, ink):
    """Shortened at the front where a `::` path is too long: its end says more."""
    while cells(text) > width and "::" in text.split(" ")[0]:
        text = text.split("::", 1)[1]
    return ink.fit(text, width)


def length(summary):
    """How many lines the view would need at most."""
    return summary["causes"]["calls"] + summary["causes"]["syscalls"]
