"""Whether a run of brkpoint is what a target's `Expect:` says: tests/expectations.py has the words.

Everything here reads the JSON contract (`report --json`, `events --json`), never a drawing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """What brkpoint said of one run: its events, its report, and the program's features."""

    events: list
    report: dict
    features: frozenset


def failures(clauses, run):
    """What does not hold, one line each; a clause that does not apply here is no failure."""
    found = [_CHECKS[c.kind](c, run) for c in clauses if c.applies(run.features)]
    return [line for line in found if line]


def _check_exit(clause, run):
    wanted = {"exit": "exited", "signalled": "signalled"}[clause.kind]
    seen = run.report["exit"]
    if (seen["kind"], seen["status"]) != (wanted, clause.number):
        return "%s: it %s %s" % (clause.text, seen["kind"], seen["status"])
    return None


def _check_blocks(clause, run):
    row = run.report[clause.kind]["by_origin"].get(clause.origin, {"blocks": 0, "bytes": 0})
    if row["blocks"] != clause.number or clause.size not in (None, row["bytes"]):
        return "%s: %d blocks of %d bytes" % (clause.text, row["blocks"], row["bytes"])
    return None


def _check_figure(clause, run):
    count = _FIGURES[clause.kind](run)
    if count is None or count not in clause.count:
        return "%s: %s" % (clause.text, "not measured" if count is None else count)
    return None


def _resident(run):
    """Resident bytes where the phase after main begins: the end of main."""
    for row in run.report["phases"]:
        if row["phase"] == "exit":
            return row["rss_bytes"]
    return None


_FIGURES = {
    "resident": _resident,
    "threads": lambda run: len({event["tid"] for event in run.events}),
    "unfinished": lambda run: sum(
        event["kind"] == "call" and event["dur_ns"] is None for event in run.events
    ),
}


def _check_events(clause, run):
    names = {event["seq"]: event["name"] for event in run.events}
    chosen = [event for event in run.events if _passes(event, clause.filters, names)]
    if not clause.items and chosen:
        return "%s: there is %s" % (clause.text, _told(chosen))
    for item in clause.items:
        count = sum(item.matches(event) for event in chosen)
        if count not in item.count:
            return "%s: %d, not %s, of %s; there is %s" % (
                (clause.text, count, item.count, item.what) + (_told(chosen),)
            )
    if clause.only:
        others = [e for e in chosen if not any(item.matches(e) for item in clause.items)]
        if others:
            return "%s: there is also %s" % (clause.text, _told(others))
    return None


def _passes(event, filters, names):
    """Whether the event is one of those that the filters choose; nested calls only on request."""
    if (event["outer"] is not None) != ("nested" in filters):
        return False
    if "failed" in filters and event["errno"] is None:
        return False
    if "direct" in filters and not event["direct"]:
        return False
    if "by" in filters and names.get(event["cause"]) != filters["by"]:
        return False
    return all(event[key] == filters[key] for key in ("origin", "phase") if key in filters)


def _told(events):
    """The events in few words: `malloc(1009) x2, brk(0)`."""
    counts = {}
    for event in events:
        key = "%s %s(%s)" % (event["origin"], event["name"], event["size"])
        counts[key] = counts.get(key, 0) + 1
    told = ["%s x%d" % pair if pair[1] > 1 else pair[0] for pair in counts.items()]
    return ", ".join(told[:12]) + (", ..." if len(told) > 12 else "") if told else "nothing"


_CHECKS = {
    "exit": _check_exit,
    "signalled": _check_exit,
    "leaked": _check_blocks,
    "temporary": _check_blocks,
    "resident": _check_figure,
    "threads": _check_figure,
    "unfinished": _check_figure,
    "events": _check_events,
}
