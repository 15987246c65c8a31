"""The summary in words: the verdict, how the run ended, what is missing. English for 0, 1, many."""

from __future__ import annotations

import shlex

from alloctrace import words
from alloctrace.escape import visible
from alloctrace.patterns import Pattern
from alloctrace.summary.sites import SEVERAL
from reports import endings, quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from alloctrace.trace.read import Trace

ending = endings.ending
_NUMBER = Pattern(r"0x[0-9a-f]+|\d+")
_UNMATCHED = Pattern(r"^unmatched: (.*): (\d+)$")
OWNERS = 4  # of runtimes, in the sentence
SHOWN_PROGRAMS = 5  # that were not seen, before the verdict
count = quantities.count
grouped = quantities.grouped
size = quantities.size
short_size = quantities.short_size
exact_size = quantities.exact_size
duration = quantities.duration
listed = quantities.listed
begun = quantities.begun


def verdict(summary: dict[str, Any]) -> str:
    """The whole run in one sentence, with its numbers."""
    figures = summary["verdict"]
    if not summary["calls_hooked"] and not figures["calls"]:
        clauses: list[str | None] = _without_hooks(figures)
    elif not figures["calls"]:
        clauses = _without_calls(figures)
    else:
        clauses = [_who_called(figures), _kernel(summary), _whose(figures)]
    sentence = "; ".join(clause for clause in clauses if clause) + "."
    if summary["unseen"]:
        return "As far as was seen: " + sentence
    return begun(sentence)


def _without_hooks(figures: dict[str, Any]) -> list[str | None]:
    return [
        "calls could not be seen, memory syscalls could: " + _brk_mmap(figures),
        _whose(figures),
    ]


def _without_calls(figures: dict[str, Any]) -> list[str | None]:
    if not figures["syscalls"]:
        return ["no calls, no brk/mmap: nothing asked for memory"]
    return ["no calls, " + _brk_mmap(figures), _whose(figures)]


def _who_called(figures: dict[str, Any]) -> str:
    calls = figures["calls_by_origin"]
    if len(calls) == 1 and "user" not in calls:
        text = "%s %s" % (count(figures["calls"], "call"), _of(figures, *calls))
    else:
        ranked = [who for who in words.ORIGINS if who in calls]
        shares = ["%s %s" % (grouped(calls[who]), _of(figures, who)) for who in ranked]
        text = "%s: %s" % (count(figures["calls"], "call"), listed(shares))
        if len(calls) == 1:
            text = "%s, all %s" % (count(figures["calls"], "call"), _of(figures, "user"))
        if figures["calls"] == 1:
            text = "1 call, %s" % _of(figures, "user")
    return text + ", " + _brk_mmap(figures)


def _of(figures: dict[str, Any], who: str) -> str:
    if who == "loader":
        return "by the loader"
    if who == "runtime":
        return "by " + runtimes(figures)
    if who == "user":
        return "yours (%s)" % _behalf(figures)
    return "of unknown origin" + _why(figures)


def runtimes(figures: dict[str, Any]) -> str:
    """`the Rust runtime`, `the runtimes (C 3, Rust 9)`; of many the largest: a browser
    has dozens of libraries that initialise themselves."""
    owners = sorted(figures["runtime_owners"].items(), key=lambda item: (-item[1], item[0]))
    if len(owners) == 1:
        return "the %s runtime" % visible(owners[0][0])
    said = ["%s %s" % (visible(o), grouped(n)) for o, n in owners]
    if len(said) > OWNERS + 1:
        rest = sum(n for _, n in owners[OWNERS:])
        said[OWNERS:] = ["%d others %s" % (len(said) - OWNERS, grouped(rest))]
    return "the runtimes (%s)" % ", ".join(said)


def _behalf(figures: dict[str, Any]) -> str:
    direct, via = figures["user_direct"], figures["user_via"]
    if not via:
        return "by your code directly"
    if not direct:
        return "by libraries on your behalf"
    return "%s by your code directly, %s by libraries on your behalf" % (
        grouped(direct),
        grouped(via),
    )


def _brk_mmap(figures: dict[str, Any]) -> str:
    return count(figures["brk_mmap"], "brk/mmap", "brk/mmap")


def _kernel(summary: dict[str, Any]) -> str:
    calls, reached = summary["causes"]["calls"], summary["causes"]["calls_reaching_kernel"]
    if calls == 1:
        return "it %s the kernel" % ("reached" if reached else "never reached")
    if not reached:
        return "none of the %s reached the kernel" % grouped(calls)
    if reached == calls:
        return "all %s reached the kernel" % grouped(calls)
    return "%s of the %s never reached the kernel" % (grouped(calls - reached), grouped(calls))


def _whose(figures: dict[str, Any]) -> str | None:
    calls, syscalls = figures["calls_by_origin"], figures["brk_mmap_by_origin"]
    if syscalls.get("unknown") and not calls.get("unknown"):
        return _some(figures, syscalls["unknown"], "of unknown origin" + _why(figures))
    if calls.get("user") or calls.get("unknown"):
        return None
    own = syscalls.get("user", 0)
    if own:
        return _some(figures, own, "yours")
    return "none is yours" if calls or syscalls else None


def _some(figures: dict[str, Any], number: int, what: str) -> str:
    """`1 of the 9 brk/mmap is yours`, `all 3 are yours`."""
    verb = "is" if number == 1 else "are"
    if number == figures["brk_mmap"]:
        return "%s %s %s" % ("it" if number == 1 else "all %s" % grouped(number), verb, what)
    everything = grouped(figures["brk_mmap"])
    return "%s of the %s brk/mmap %s %s" % (grouped(number), everything, verb, what)


def _why(figures: dict[str, Any]) -> str:
    """The reasons for unknown origins, in brackets."""
    reasons = [visible(reason) for reason in figures["unknown_reasons"]]
    if figures["unknown_reasons_more"]:
        reasons.append(count(figures["unknown_reasons_more"], "more reason"))
    return " (%s)" % "; ".join(reasons) if reasons else ""


def _programs_not_seen(summary: dict[str, Any]) -> list[str]:
    """How many programs of the run were not recorded, then which, and why."""
    number = summary["programs_not_seen"]
    if not number:
        return []
    it, of_it = ("it", "it") if number == 1 else ("they", "them")
    what = count(number, "program"), it, of_it  # nobody follows it, so nor its children
    head = "%s not seen, nor what %s started: no number below is about %s" % what
    told = [row for row in summary["not_seen"] if row["kind"] == "programs"]
    rows = [row["why"] + _times(row["count"]) for row in told[:SHOWN_PROGRAMS]]
    if len(told) > SHOWN_PROGRAMS:
        rows.append("%s more under `not seen`" % grouped(len(told) - SHOWN_PROGRAMS))
    return [head] + rows


def _times(number: int) -> str:
    return " (%s times)" % grouped(number) if number > 1 else ""


def warnings(summary: dict[str, Any]) -> list[str]:
    """What is lost, incomplete or could not be hooked: said before anything else."""
    rows = []
    if summary["events_lost"]:
        rows.append(
            "%s lost: every number below is too small" % count(summary["events_lost"], "event")
        )
    rows += _programs_not_seen(summary)
    reason = summary["incomplete_because"]
    if not summary["complete"] and (reason or not rows):
        rows.append("incomplete: " + (reason or "the recording ended before the program did"))
    unhooked = [row["why"] for row in summary["not_seen"] if row["kind"] == "calls"]
    if not summary["calls_hooked"] and not unhooked:
        unhooked = [row["why"] for row in summary["unseen"] if row["kind"] == "calls"]
    rows += unhooked
    said = {"the trace is incomplete: %s" % reason}
    if not summary["calls_hooked"]:
        said.add("no allocator function was found to hook in the first files")
    notes = [note for note in summary["notes"] if note not in said and note not in rows]
    return [visible(_said(row)) for row in rows + list(folded(notes))]


def _said(note: str) -> str:
    """`20 blocks whose end was not seen`, of what histories count and cannot place."""
    return str(_UNMATCHED.sub(lambda found: "%s %s" % (grouped(int(found[2])), found[1]), note))


def ran(ended: str, whose: str) -> str:
    """The end as a sentence; `whose`: of the `command` where the report is about another program
    that it led to."""
    if ended.startswith(("exited", "ended")):
        return "The %s %s" % (whose, ended)
    if ended.startswith(("killed", "left")):
        return "The %s was %s" % (whose, ended)
    return quantities.begun(ended)


def folded(notes: list[str]) -> Iterator[str]:
    """Each once, with how often it was said; of those that differ in numbers alone the first."""
    alike: dict[str, list[str]] = {}
    for note in notes:
        alike.setdefault(_NUMBER.sub("0", note), []).append(note)
    for same in alike.values():
        others = len(set(same)) - 1
        if others > 1:
            yield "%s; %s like it" % (same[0], count(others, "more note"))
            continue
        for note in dict.fromkeys(same):
            times = same.count(note)
            yield note if times == 1 else "%s (%s times)" % (note, grouped(times))


def site_purpose(row: dict[str, Any]) -> str:
    """What a place asked for: `stdout's buffer`, `unknown`, `several: 96 % unknown`."""
    if row["purpose"] != SEVERAL:
        return row["purpose"] or "unknown"
    largest = row["by_purpose"][0]
    return "%s: %s %s" % (SEVERAL, percent(largest["share"]), largest["purpose"] or "unknown")


def percent(share: float) -> str:
    """`96 %`; what is not all is not said to be all, and what is not nothing not nothing."""
    rounded = round(100 * share)
    if 0 < share < 1 and rounded in (0, 100):
        return "< 1 %" if rounded == 0 else "> 99 %"
    return "%d %%" % rounded


def command_line(summary: dict[str, Any]) -> str:
    """The command as one can repeat it in a shell, fit for a terminal."""
    return visible(
        " ".join(shlex.quote(word) for word in summary["command"] or [summary["program"]])
    )


def unseen(summary: dict[str, Any]) -> list[str]:
    """What was not seen, one sentence a row."""
    rows = []
    for row in summary["not_seen"]:
        number = "" if row["count"] is None else " (%s)" % grouped(row["count"])
        rows.append(visible(row["why"]) + number)
    return rows


def unseen_in_short(summary: dict[str, Any]) -> str:
    """The same in one line: `3 child processes, growth of stacks …`."""
    sums: dict[tuple[str, ...], int | None] = {}  # what is called the same is one number
    for row in summary["not_seen"]:
        names = tuple(row["names"])
        sums[names] = (
            row["count"] if row["count"] is None else (sums.get(names) or 0) + row["count"]
        )
    said = [names[1] if number is None else count(number, *names) for names, number in sums.items()]
    return visible(", ".join(said))


def also_watched(summary: dict[str, Any]) -> str:
    """Allocators under other names, in one line: `jemalloc (9 functions)`, and the user's own."""
    own = []
    known: dict[str, int] = {}
    for row in summary["also_watched"]:
        if not row.get("by_user"):
            known[row["from"]] = known.get(row["from"], 0) + 1
        elif row.get("found"):
            own.append("%s as %s (%s)" % (row["name"], row["point"], row["from"]))
    parts = own + ["%s (%s)" % (name, count(n, "function")) for name, n in sorted(known.items())]
    return visible("; ".join(parts))


def hint(row: dict[str, str]) -> str:
    """One thing that more could be told with."""
    return visible("%s: %s (%s)" % (row["command"], row["gives"], row["missing"]))


def trace_name(trace: Trace) -> str:
    """The trace as one types it in a shell, whole; a placeholder where it is in no file."""
    path = getattr(trace, "path", None)
    return as_typed(path) if path else "TRACE"


def as_typed(path: str) -> str:
    """A path as one types it in a shell, fit for a terminal."""
    return visible(shlex.quote(str(path)))


def how_to_see(name: str, all_shown: bool) -> Iterator[str]:
    """The commands that show the rest of the trace `name`, as one types it."""
    if not all_shown:
        yield "brkpoint events %s" % name
    yield "brkpoint report %s --json" % name


def repeat(summary: dict[str, Any]) -> str:
    """The command that records such a run again."""
    if summary.get("attached"):
        return endings.repeat(summary)
    return "brkpoint run %s" % command_line(summary)
