"""Events as text, one line each: what was asked, what came back, who asked, what for."""

from __future__ import annotations

import errno

from alloctrace.escape import visible
from reports.run_view import is_unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from alloctrace.model import Event

NARROWEST = 80
_INDENT = 2
_DEEPEST = 8  # levels shown by indentation


def lines(
    events: Iterable[Event], width: int | None = None, show_tid: bool = False
) -> Iterator[str]:
    """Yield lines, a heading where a phase or a program begins; `width`: columns or None."""
    shown = None
    depths: dict[int, int] = {}
    for event in events:
        if (event.image, event.phase) != shown:
            shown = (event.image, event.phase)
            yield _heading(event)
        depth = _depth(event, depths)
        yield _shorten(_line(event, depth, show_tid), width)


def _heading(event: Event) -> str:
    program = " of program %d (after exec)" % (event.image + 1) if event.image else ""
    return "-- %s%s --" % (event.phase, program)


def _depth(event: Event, depths: dict[int, int]) -> int:
    """Nested calls and the syscalls that a call made stand to the right of it."""
    inside = event.cause if event.kind == "syscall" else event.outer
    if inside is None:
        return 0
    depths[event.seq] = depths.get(inside, 0) + 1
    return min(depths[event.seq], _DEEPEST)


def _line(event: Event, depth: int, show_tid: bool) -> str:
    thread = "%7d " % event.tid if show_tid else ""
    what = " " * (_INDENT * depth) + asked(event) + answered(event)
    return ("%6d %s %-46s %-16s %s" % (event.seq, thread, what, who(event), why(event))).rstrip()


def asked(event: Event) -> str:
    """The call as a person would write it: calloc(3, 17), realloc(0x5000, 43), brk(+4096)."""
    if event.kind == "syscall":
        return "%s(%s)" % (event.name, _syscall_size(event))
    parts = [hex(event.ptr)] if event.ptr is not None else []
    parts += [str(v) for v in (event.align, event.nmemb, event.size) if v is not None]
    return "%s(%s)" % (event.name, ", ".join(parts))


def _syscall_size(event: Event) -> str:
    if event.name == "brk":
        return "?" if event.size is None else "%+d" % event.size if event.size else "0"
    new = event.args.get("new_size")
    return "%s" % event.size if new is None else "%s to %s" % (event.size, new)


def answered(event: Event) -> str:
    """What came back: an address or code, an error by name, "" for free, or that nothing did."""
    if event.dur_ns is None:
        return " (no return seen)"
    if event.errno is not None:
        return " = " + errno.errorcode.get(event.errno, "error %d" % event.errno)
    if event.result is None:
        return " (unknown block)" if is_unknown(event) else ""
    return " = " + (hex(event.result) if event.result else "0")


def who(event: Event) -> str:
    verdict = event.verdict
    if verdict is None:
        return "unknown"
    owner = " (%s)" % visible(verdict.owner) if verdict.owner else ""
    return verdict.origin + owner


def why(event: Event) -> str:
    return visible(event.purpose.text) if event.purpose and event.purpose.text else ""


def _shorten(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"
