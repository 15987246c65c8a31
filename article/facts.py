"""What the article asks of one program: plain values from its trace and from its file. Pure.

`trace`: a trace.Trace (or its like), `summary`: what summarise made of it. Whatever
stands for events carries their numbers (`seq`, `seqs`): the proof of what a row says.
"""

from __future__ import annotations

from collections import Counter

from alloctrace import measure, words
from article import loading as article_loading
from reports import sentences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alloctrace.model import Event
    from alloctrace.trace.read import Trace
    from article.words import Fact, Facts

FIRST_CALLS = 8


def facts(name: str, trace: Trace, summary: Fact) -> Fact:
    """{fact: value} of one recorded run, fit for JSON; all sizes in bytes."""
    events = list(trace.events())
    calls = [event for event in events if measure.is_call(event)]
    loader = [event for event in calls if _in_loader(event, trace)]
    libc = [event for event in calls if not _in_loader(event, trace)]
    found = _about(name, summary)
    found.update(article_loading.facts(events, loader, trace))
    found.update(
        memory_syscalls=_syscalls_by_name(events),
        syscalls=[_syscall(event) for event in events if measure.is_syscall(event)],
        syscall_modules=_modules(events, trace),
        libc_calls=_by_when(libc),
        malloc_entries=_malloc_entries(events, trace),
        first_calls=_first_calls(libc, trace),
        user_calls=_user_calls(libc),
        doubling=_doubling(events),
        first_user_stack=_first_user_stack(calls, trace),
    )
    return found


def _about(name: str, summary: Fact) -> Fact:
    return {
        "name": name,
        "command": summary["command"],
        "exit": summary["exit"],
        "complete": summary["complete"],
        "events_lost": summary["events_lost"],
        "verdict": sentences.verdict(summary),
        "calls": summary["causes"]["calls"],
        "calls_reaching_kernel": summary["causes"]["calls_reaching_kernel"],
        "who": summary["totals"],
        "phases": _phases(summary),
        "peak_bytes": summary["peak_bytes"],
    }


def _in_loader(event: Event, trace: Trace) -> bool:
    """Whether the function entered is the loader's own."""
    stack = trace.stack(event.stack)
    if stack and stack[0].role:
        return stack[0].role == "loader" and event.phase == "load"
    return event.phase == "load" and measure.origin(event) == "loader"


def _syscalls_by_name(events: Iterable[Event]) -> dict[str, int]:
    counts = Counter(event.name for event in events if measure.is_syscall(event))
    return {name: counts[name] for name in words.MEMORY_SYSCALLS.values() if counts[name]}


def _syscall(event: Event) -> Fact:
    """One memory syscall: who asked, and what for (None: unknown)."""
    return {
        "seq": event.seq,
        "name": event.name,
        "size": event.size,
        "phase": event.phase,
        "origin": measure.origin(event),
        "owner": (event.verdict.owner if event.verdict else None) or "",
        "purpose": measure.purpose(event),
    }


def _modules(events: Iterable[Event], trace: Trace) -> dict[str, int]:
    """{module whose code made the syscall: count}."""
    counts: Counter[str] = Counter()
    for event in events:
        stack = trace.stack(event.stack) if measure.is_syscall(event) else ()
        if stack:
            counts[stack[0].module or "no module"] += 1
    return dict(sorted(counts.items()))


def _by_when(calls: Iterable[Event]) -> dict[str, int]:
    """Calls that may hand out memory, by phase: before main, in the user's main, after it."""
    counts = Counter(event.phase for event in calls if event.name != "free")
    before = counts["load"] + counts["init"]
    return {"before_main": before, "in_main": counts["main"], "after_main": counts["exit"]}


def _malloc_entries(events: Iterable[Event], trace: Trace) -> list[Fact]:
    """Each time that a malloc but the loader's was entered, nested or not.

    This is what a breakpoint at it stops at, and what `ltrace -x malloc` counts.
    """
    return [
        dict(_told(event, trace), seq=event.seq)
        for event in events
        if event.kind == "call" and event.name == "malloc" and not _in_loader(event, trace)
    ]


def _first_calls(calls: Iterable[Event], trace: Trace) -> list[Fact]:
    chosen = [event for event in calls if event.name != "free"][:FIRST_CALLS]
    return [_told(event, trace) for event in chosen]


def _told(event: Event, trace: Trace) -> Fact:
    frame = measure.deciding_frame(event, trace.stack(event.stack))
    return {
        "seq": event.seq,
        "name": event.name,
        "size": event.size,
        "nmemb": event.nmemb,
        "phase": event.phase,
        "origin": measure.origin(event),
        "owner": event.verdict.owner if event.verdict else None,
        "direct": bool(event.verdict and event.verdict.direct),
        "via": list(event.verdict.via) if event.verdict else [],
        "purpose": measure.purpose(event),
        "function": frame.function if frame else None,
    }


def _user_calls(calls: Iterable[Event]) -> Facts:
    """{name: {count, bytes, seqs}} of the user's un-nested calls."""
    rows: Facts = {}
    for event in calls:
        if measure.origin(event) == "user":
            row = rows.setdefault(event.name, {"count": 0, "bytes": 0, "seqs": []})
            row["count"] += 1
            row["bytes"] += measure.bytes_asked(event)
            row["seqs"].append(event.seq)
    return rows


def _doubling(events: Sequence[Event]) -> list[Fact]:
    """One row for each re-allocation of the block that was re-allocated most often."""
    chains = Counter(e.block for e in events if _reallocates(e))
    if not chains:
        return []
    block = chains.most_common(1)[0][0]
    made: dict[int, list[str]] = {}
    for event in events:
        if measure.is_syscall(event) and event.cause is not None:
            made.setdefault(event.cause, []).append(event.name)
    rows: list[Fact] = []
    size = where = None
    for event in (e for e in events if e.block == block and measure.hands_out(e)):
        if _reallocates(event):
            rows.append(_step(event, size, where, made.get(event.seq, [])))
        size, where = measure.bytes_asked(event), event.result
    return rows


def _reallocates(event: Event) -> bool:
    is_one = event.name in ("realloc", "reallocarray")
    return is_one and bool(event.ptr) and measure.hands_out(event)


def _step(event: Event, size: int | None, where: int | None, syscalls: list[str]) -> Fact:
    return {
        "seq": event.seq,
        "from": size,
        "to": measure.bytes_asked(event),
        "moved": None if where is None else event.result != where,
        "syscalls": syscalls,
        "origin": measure.origin(event),
    }


def _first_user_stack(calls: Iterable[Event], trace: Trace) -> Fact | None:
    """The user's first allocation: {seq, size, functions from its entry out to the user's}."""
    for event in calls:
        if measure.origin(event) == "user" and event.name != "free":
            stack = trace.stack(event.stack)
            last = event.verdict.decided_by if event.verdict else None
            shown = stack if last is None else stack[: last + 1]
            names = [frame.function or "?" for frame in shown]
            return {"seq": event.seq, "size": measure.bytes_asked(event), "functions": names}
    return None


def _phases(summary: Fact) -> list[Fact]:
    names = ("phase", "rss_bytes", "mapped_bytes", "minor_faults")
    return [{name: row.get(name) for name in names} for row in summary["phases"]]
