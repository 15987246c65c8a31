"""Trace -> the one record that every report renders. Pure; one pass over the groups of events.

The fields of design section 5 (`report --json`) are a contract: added to, never renamed.
"""

from __future__ import annotations

from alloctrace import coverage, run_facts
from alloctrace.causes import Causes
from alloctrace.memory import Memory
from alloctrace.phases import Phases
from alloctrace.processes import Processes
from alloctrace.sites import Sites
from alloctrace.totals import Tally, Totals

SCHEMA = 1
TOP_SITES = 1000


def summarise(trace, top_sites=TOP_SITES):
    """The record of one run as plain values, fit for JSON. `trace`: alloctrace.trace.Trace."""
    sums = trace.sums()
    counters = _Counters(trace.stack, sums.peak)
    for group in sums.groups:
        counters.add(group)
    run = dict(trace.run)
    record = _about_run(run)
    record.update(_contract(counters, trace, run, top_sites))
    record.update(_added(counters, trace, run))
    return record


def _without_libc(borders):
    """Whether the program begins with its own code: it has no allocator that could be missed."""
    first = next((border for border in borders if border.image == 0), None)
    return first is not None and first.phase == "main"


def _text(value):
    """A trace may come from a stranger: what should be text and is none, is not there."""
    return value if isinstance(value, str) else None


def _numbers(values):
    return {name: value for name, value in (values or {}).items() if isinstance(value, int)}


class _Counters:
    """Everything that counts, fed in one pass."""

    def __init__(self, stack_of, peak):
        self.totals, self.tally, self.causes = Totals(), Tally(), Causes()
        self.memory, self.sites, self.phases = Memory(), Sites(stack_of), Phases()
        self.understood, self.processes = coverage.Understood(stack_of), Processes()
        self._all = (self.totals, self.tally, self.causes, self.memory, self.sites, self.phases)
        self.of_cache = coverage.OfCache()
        self._all += (self.understood, self.processes, self.of_cache)
        self._peak = {"bytes": 0, "seq": None, "t_ns": None, "phase": None, **peak}

    def add(self, group):
        for counter in self._all:
            counter.add(group)

    def peak(self):
        return self.memory.peak(self._peak)


def _about_run(run):
    """What was run, by what, and how it ended."""
    ended = run.get("exit") or {}
    lost = run.get("events_lost") or 0
    return {
        "schema": SCHEMA,
        "program": run.get("program") or "",
        "command": list(run.get("command") or ()),
        "engine": run.get("engine") or "",
        "why_engine": _text(run.get("why_engine")),
        "complete": bool(run.get("complete")),
        "incomplete_because": _text(run.get("incomplete_because")),
        "events_lost": lost,
        "exit": {"kind": ended.get("kind") or "unknown", "status": ended.get("status")},
        "date": _text(run.get("date")),
        "versions": {str(name): str(v) for name, v in (run.get("versions") or {}).items()},
    }


def _attached(run, ends):
    """Of a program that ran before: its number, and how many older blocks it freed or moved."""
    if not run_facts.is_attached(run):
        return None
    pid = run.get("pid")
    return {"pid": pid if isinstance(pid, int) else None, "unknown_blocks": ends}


def _contract(counters, trace, run, top_sites):
    return {
        "totals": counters.totals.rows(),
        "sites": counters.sites.rows(top_sites),
        "causes": counters.causes.figures(),
        "phases": counters.phases.rows(list(trace.borders), _numbers(run.get("process_at_end"))),
        "peak_bytes": counters.peak()["bytes"],
        "leaked": counters.memory.of("leaked"),
        "temporary": counters.memory.of("temporary"),
    }


def _added(counters, trace, run):
    tally = counters.tally
    ends = coverage.unknown_ends(run, counters.of_cache)
    begins = not run_facts.is_attached(run)
    hooked = run.get("calls_hooked", True) or (begins and _without_libc(trace.borders))
    unseen = coverage.unseen(run, hooked)
    return {
        "attached": _attached(run, ends),
        "events": tally.events,
        "verdict": tally.figures(),
        "reached_kernel": counters.causes.rows(),
        "site_count": len(counters.sites),
        "peak": counters.peak(),
        "allocated": counters.memory.of("allocated"),
        "purpose_known": counters.understood.figures(),
        "purposes_by_example": run.get("purposes") == "examples",
        "processes": counters.processes.rows(run),
        "keep": run.get("keep") or "all",
        "timeline": run.get("live_by_origin") or {"seq": [], "t_ns": [], "live_bytes": {}},
        "seen_everything": not unseen,
        "unseen": unseen,
        "not_seen": coverage.not_seen(run, run.get("cuts") or {}, hooked, ends),
        "hints": coverage.hints(counters.understood) + list(run.get("hints") or ()),
        "also_watched": list(run.get("also_watched") or ()),
        "cost": _numbers(run.get("cost")),
        "notes": [str(note) for note in trace.notes],
        "calls_hooked": hooked,
    }
