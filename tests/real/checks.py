"""What must hold of a run under brkpoint. Each check: Seen -> [complaint]; [] when it holds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

COLUMNS, LINES = 80, 100
TIMES = {"plain": 3, "children": 10}
MORE_S = 0.5
GAP_MS = 50
# What shrinks may be said as a negative number: docs/report.md.
_MAY_SHRINK = re.compile(
    r"\.(rss_bytes_grown|mapped_bytes_grown|reached_kernel\[\]\.syscall_bytes)$"
)
_BREAK = "brk"


@dataclass
class Seen:
    """All that a row's runs have shown. Counters are by name, in lists of one for each run."""

    program: object
    alone: object  # runs.Run, the least CPU of several
    watched: object
    report: dict = None  # the JSON; None where there is none
    text: str = ""
    troubles: list = field(default_factory=list)  # of making reports
    strace: list = field(default_factory=list)
    counter: list = field(default_factory=list)
    syscalls: list = field(default_factory=list)  # brkpoint's
    calls: list = field(default_factory=list)
    strangers: list = field(default_factory=list)  # names of ours in folders that all share
    cold: float = 0.0  # CPU of the first run, nothing known from before
    events: int = 0
    gaps: tuple = ()  # of an attach: largest in ms, alone and attached


def ends(seen):
    if seen.watched.hung:
        return ["no end after %.0f s: %s" % (seen.watched.wall, "; ".join(seen.watched.hung))]
    return []


def ends_as_alone(seen):
    if seen.watched.hung or "status" not in seen.program.compare:
        return []
    alone, ours = seen.alone.status, seen.watched.status
    ours = 128 - ours if ours < 0 else ours
    alone = 128 - alone if alone < 0 else alone
    return [] if alone == ours else ["status %s, alone %s" % (ours, alone)]


def says_as_alone(seen):
    """Standard output, standard error and what the client got, but for what the row masks."""
    if seen.watched.hung:
        return []
    found = []
    for name in ("stdout", "stderr", "client"):
        if name in seen.program.compare:
            alone, ours = (masked(getattr(r, name), seen) for r in (seen.alone, seen.watched))
            if alone != ours:
                found.append("%s differs: %s" % (name, first_difference(alone, ours)))
    return found


def masked(data, seen):
    text = data.decode(errors="replace")
    for pattern in seen.program.mask:
        text = re.sub(pattern, "~", text)
    return text


def first_difference(alone, ours):
    pairs = zip(alone.splitlines() + ["(end)"], ours.splitlines() + ["(end)"])
    a, b = next(((a, b) for a, b in pairs if a != b), ("", ""))
    return "%.90r, alone %.90r" % (b, a)


def is_complete(seen):
    if seen.report is None:
        return ["; ".join(["no report", *seen.troubles])]
    found = list(seen.troubles)
    if not seen.report["complete"]:
        found.append("not complete: %s" % seen.report.get("incomplete_because"))
    if seen.report["events_lost"]:
        found.append("%d events lost" % seen.report["events_lost"])
    return found


def has_no_negative_number(seen):
    found = sorted(set(negative("", seen.report))) if seen.report else []
    return ["negative: " + ", ".join(found[:3])] if found else []


def negative(path, value):
    """Yield where in the JSON a number is below zero that may not be."""
    if isinstance(value, dict):
        of_break = value.get("name") == _BREAK
        for key, inner in value.items():
            if not (of_break and key == "bytes"):
                yield from negative("%s.%s" % (path, key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from negative(path + "[]", inner)
    elif isinstance(value, (int, float)) and value < 0 and not _MAY_SHRINK.search(path):
        yield "%s %s" % (path.lstrip("."), value)


def is_narrow(seen):
    wide = [line for line in seen.text.splitlines() if len(line) > COLUMNS]
    return ["%d columns: %.60s" % (len(wide[0]), wide[0].strip())] if wide else []


def is_short(seen):
    lines = len(seen.text.splitlines())
    return ["%d lines of text" % lines] if lines > LINES else []


def has_a_tree_of_processes(seen):
    if not seen.report or "attach" == seen.program.kind:
        return []
    rows = seen.report["processes"]
    pids = [row["pid"] for row in rows]
    found = []
    if len(set(pids)) != len(pids):
        found.append("a process has two rows")
    strangers = [r for r in rows[1:] if r["parent"] not in pids]
    if strangers:
        found.append("parent of %s is no process of the run" % strangers[0]["program"])
    nameless = [r for r in rows if not r["program"]]
    return found + (["%d processes without a program" % len(nameless)] if nameless else [])


def counts_as_strace(seen):
    return differences("strace", seen.strace, seen.syscalls)


def counts_as_the_counter(seen):
    return differences("counter", seen.counter, seen.calls)


def agreed(runs):
    """{name: count} of what all runs of a witness say alike; {} of fewer than two."""
    if len(runs) < 2 or None in runs:
        return {}
    names = set().union(*runs)
    return {n: runs[0][n] for n in names if len({run[n] for run in runs}) == 1}


def differences(who, theirs, ours):
    """Where the witness agrees with itself, and none of our runs with it."""
    sure, found = agreed(theirs), []
    for name in sorted(sure):
        mine = [run[name] for run in ours]
        if ours and sure[name] not in mine:
            found.append("%s: %s %d, ours %s" % (who, name, sure[name], mine[-1]))
    return found


def costs_little(seen):
    times = TIMES.get(seen.program.kind)
    if not times or seen.watched.hung:
        return []
    most = times * seen.alone.cpu + MORE_S
    if seen.watched.cpu <= most:
        return []
    return ["CPU %.2f s, alone %.2f s (at most %.2f)" % (seen.watched.cpu, seen.alone.cpu, most)]


def leaves_nothing(seen):
    found = []
    if seen.watched.hung:
        return found
    left = Counter(seen.watched.left) - Counter(seen.alone.left)
    if left:
        found.append("processes left: " + ", ".join(sorted(left)))
    files = sorted(seen.watched.files - seen.alone.files) + sorted(seen.strangers)
    if files:
        found.append("files left: " + ", ".join(files[:4]))
    return found


def stops_it_shortly(seen):
    if not seen.gaps:
        return []
    alone, ours = seen.gaps
    if ours is None or alone is None:
        return ["its client got no answer"]
    return ["a client waited %.0f ms (alone %.0f)" % (ours, alone)] if ours > GAP_MS + alone else []


ALL = (
    ends, ends_as_alone, says_as_alone, is_complete, has_no_negative_number, is_narrow, is_short,
    has_a_tree_of_processes, counts_as_strace, counts_as_the_counter, costs_little,
    leaves_nothing, stops_it_shortly,
)  # fmt: skip


def complaints(seen):
    """[(name of the check, complaint)]"""
    return [(check.__name__, text) for check in ALL for text in check(seen)]
