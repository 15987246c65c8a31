"""A run as a strip: calls above, memory syscalls below, each syscall beneath the call that made it.

A column is an event in its order, or several where there are many. Pure.
"""

from __future__ import annotations

from collections import Counter

from alloctrace import measure, words
from alloctrace.plain import fresh, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from alloctrace.model import Event
    from reports.ink import Ink

MOST = 2000000  # events
LETTERS = {"loader": "l", "runtime": "r", "user": "u", "unknown": "?"}
SYSCALLS = {"brk": "b", "mmap": "m", "munmap": "u", "mremap": "r", "mprotect": "p", "madvise": "a"}


@plain
class Column:
    """`who`: the origin that made most of its calls, None of none; `syscalls`: names in order."""

    phase: str
    calls: int = 0
    who: str | None = None
    size: int = 0  # bytes asked for
    syscalls: list[str] = fresh(list)
    reached: int = 0  # of its calls


def columns(events: Iterable[Event], most: int) -> list[Column]:
    """The Columns of a run's events, at most `most` of them and as many for a phase as it needs."""
    found: list[Column] = []
    at: dict[int | None, int] = {}
    for event in events:
        if measure.is_call(event):
            at[event.seq] = len(found)
            size = 0 if event.name == "free" else measure.bytes_asked(event)
            found.append(Column(event.phase, 1, measure.origin(event), size))
        elif event.kind == "call" and event.outer in at:
            at[event.seq] = at[event.outer]
        elif measure.is_syscall(event):
            made = event.cause in at
            if not made:
                found.append(Column(event.phase))
            column = found[at[event.cause] if made else -1]
            column.syscalls.append(event.name)
            column.reached = int(made)
    return _folded(found, most)


def _folded(found: list[Column], most: int) -> list[Column]:
    many = -(-len(found) // max(1, most - len(words.PHASES)))
    if many <= 1:
        return found
    made = []
    for phase in words.PHASES:
        own = [column for column in found if column.phase == phase]
        made += [_one(own[at : at + many]) for at in range(0, len(own), many)]
    return made


def _one(several: list[Column]) -> Column:
    counts = Counter(column.who for column in several if column.who)
    who = max(counts, key=counts.__getitem__) if counts else None
    syscalls = [name for column in several for name in column.syscalls]
    calls, size = sum(c.calls for c in several), sum(c.size for c in several)
    return Column(several[0].phase, calls, who, size, syscalls, sum(c.reached for c in several))


def lines(found: list[Column], ink: Ink) -> list[str]:
    """The strip as text: phases, calls, syscalls, and what the letters are."""
    if not found:
        return ["It makes no call and no memory syscall: there is nothing to draw."]
    return [
        "         " + ink.dim(_phases(found, ink)),
        "calls    " + "".join(_above(column, ink) for column in found),
        "kernel   " + "".join(map(_below, found)).rstrip(),
        *(ink.dim("         " + line) for line in ink.wrap(_legend(found), ink.width - 9, "")),
    ]


def _phases(found: list[Column], ink: Ink) -> str:
    """The names of the phases, each where it begins, as far as there is room."""
    line = [" "] * (len(found) + 6)
    before = None
    for at, column in enumerate(found):
        if column.phase != before:
            before = column.phase
            name = ink.signs.bar.strip() + before
            if not "".join(line[max(0, at - 1) : at]).strip() and at + len(name) <= len(line):
                line[at : at + len(name)] = name
    return "".join(line).rstrip()


def _above(column: Column, ink: Ink) -> str:
    if column.who is None:
        return " "
    letter = LETTERS[column.who]
    return ink.origin(column.who, letter.upper() if column.reached else letter)


def _below(column: Column) -> str:
    names = set(column.syscalls)
    return SYSCALLS.get(column.syscalls[0], "?") if len(names) == 1 else "*" if names else " "


def _legend(found: list[Column]) -> str:
    whos = [who for who in words.ORIGINS if any(column.who == who for column in found)]
    names = [n for n in SYSCALLS if any(n in column.syscalls for column in found)]
    told = ["%s %s" % (LETTERS[who], who) for who in whos]
    told += ["CAPITAL: reached the kernel"] if any(column.reached for column in found) else []
    below = ["%s %s" % (SYSCALLS[name], name) for name in names]
    several = "; a column is several events" if any(c.calls > 1 for c in found) else ""
    return "%s%s%s" % (", ".join(told), "; below: %s" % ", ".join(below) if below else "", several)
