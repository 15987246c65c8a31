"""Trace -> the one summary that every report renders. Pure; one pass over the groups of events.

The fields of design section 5 (`report --json`) are a contract: added to, never renamed.
"""

from __future__ import annotations

from array import array

from alloctrace.history import run_facts
from alloctrace.model import by_image
from alloctrace.summary import chosen, coverage, group_kinds, lives, processes
from alloctrace.summary.causes import Causes
from alloctrace.summary.many_sites import ManySites
from alloctrace.summary.memory import Memory
from alloctrace.summary.phases import Phases
from alloctrace.summary.processes import Processes
from alloctrace.summary.sites import Sites
from alloctrace.summary.totals import Tally, Totals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Border, Group
    from alloctrace.summary.asked_for import AskedFor
    from alloctrace.summary.chosen import Chosen
    from alloctrace.summary.group_kinds import Kinds
    from alloctrace.summary.lives import Program
    from alloctrace.summary.phases import Borders
    from alloctrace.trace.read import Trace

    class _Counter(Protocol):
        def add(self, group: Group) -> None:
            ...


SCHEMA = 1
TOP_SITES = 1000


def summarise(
    trace: Trace,
    top_sites: int = TOP_SITES,
    process: str = chosen.ALL,
    kinds: Kinds | None = None,
    by: str = "bytes",
) -> dict[str, Any]:
    """The summary of one run as plain values, fit for JSON. `trace`: alloctrace.trace.trace.Trace.

    `process`: what it is about, as in chosen.choose, whose NoSuchProcess may be raised.
    `kinds`: what trace.write counted, where the trace was written just now: it is not read again.
    `by`: one of sites.SUMS, by which the sites are ordered.
    """
    run = dict(trace.run)
    chosen.check(run, process)  # before events are read, which takes seconds where they are many
    peak = run.get("peak") or {} if kinds else trace.sums().peak
    kinds = kinds or _kinds(trace)
    rows = list(kinds.rough)  # each is made when it is asked for: once, and not by each who asks
    about = chosen.choose(lives.of_run(run, rows), process)
    counters = _Counters(kinds, rows, peak, run, about)
    if not kinds.by_place:
        counters.look_at_places(trace)
    summary = _about_run(run)
    summary.update(_contract(counters, trace, top_sites, by))
    summary.update(_added(counters, trace, run))
    summary.update(_of_processes(counters, trace))
    return summary


def _kinds(trace: Trace) -> Kinds:
    groups = trace.sums().groups
    return group_kinds.of(groups, trace.tree, trace.tree.nodes(groups.stack), group_kinds.MOST)


def _without_libc(borders: list[Border], about: Chosen) -> bool:
    """Whether the program begins with its own code: it has no allocator that could be missed."""
    image = about.one.image if about.one else 0
    first = next((border for border in borders if border.image == image), None)
    return first is not None and first.phase == "main"


def _text(value: str | None) -> str | None:
    """A trace may come from a stranger: what should be text and is none, is not there."""
    return value if isinstance(value, str) else None


class _Counters:
    """Everything that counts, fed in one pass with `rows`, all of kinds.rough, and what rests on
    places with kinds.groups. `about`: chosen.Chosen."""

    def __init__(
        self,
        kinds: Kinds,
        rows: list[Group],
        peak: dict[str, Any],
        run: dict[str, Any],
        about: Chosen,
    ) -> None:
        self.about = about
        self.totals, self.tally, self.causes = Totals(), Tally(), Causes()
        self.memory, self.phases = Memory(), Phases()
        looks = [look for key, look in kinds.looks.items() if about.has(key)]
        self.understood = coverage.Understood(kinds.tree, set().union(*looks))
        self.processes = Processes()
        self.of_cache = coverage.OfCache()
        self._peak = {"bytes": 0, "seq": None, "t_ns": None, "phase": None, **peak}
        everything = processes.programs_of(about.processes)
        self.peaks = processes.peaks(run, everything, self._peak)
        self._chosen: list[_Counter] = [self.totals, self.tally, self.causes, self.memory]
        self._chosen += [self.understood, self.of_cache]

        for kind in rows:
            self._add(kind)
        holds = [about.has(key) for key in kinds.groups.programs()]
        self.understood.look_at_lines(kinds.groups, kinds.deciders, holds)
        self.sites: Sites | ManySites = Sites(kinds.tree.deciding_frame)
        if kinds.by_place:
            peaks = self._peaks(kinds.groups)
            self.sites.add_all(kinds.groups, kinds.tree.frames, kinds.deciders, holds, peaks)

    def _add(self, group: Group) -> None:
        self.processes.add(group)
        self.phases.add(group)
        if self.about.holds(group):
            for counter in self._chosen:
                counter.add(group)

    def look_at_places(self, trace: Trace) -> None:
        """Of so many that they cannot be told apart by kinds: the sites, of all groups."""
        groups = trace.sums().groups
        nodes, at_peak = trace.tree.nodes(groups.stack), self._at_peak(groups)
        holds, peaks = self.about.has, self._peaks(groups)
        self.sites = ManySites(groups, trace.tree, nodes, holds, at_peak, peaks)

    def _peaks(self, groups: GroupTable) -> array[int] | None:
        """What each held at the peak that is told. None: of an older trace it is not known."""
        if self.about.keys is None:
            return groups.sums["peak_bytes"]
        if not any(groups.own_peak):
            return None
        key = self._highest()
        is_its = [program == key for program in groups.programs()]
        rows = zip(groups.what, groups.own_peak)
        return array("q", [own if is_its[what] else 0 for what, own in rows])

    def peak(self) -> dict[str, Any]:
        """Of all processes the most at one time, with what those that had ended held at their end;
        of one program its own; of several the largest of them."""
        if self.about.keys is None:
            return dict(self.memory.peak(self._peak), pid=None, image=None)
        nothing: dict[str, Any] = dict.fromkeys(("bytes", "seq", "t_ns", "phase"))
        nothing["by_origin"] = {}
        pid, image = self._highest() or (None, None)
        return dict(self.peaks.get((pid, image), nothing), pid=pid, image=image)

    def _highest(self) -> tuple[int, int] | None:
        """The program whose own peak is told."""
        own = [p.key for p in self.about.programs if p.key in self.peaks]
        sizes = {key: int(self.peaks[key]["bytes"]) for key in own}
        return max(sizes, key=lambda key: sizes[key]) if sizes else None

    def _at_peak(self, groups: GroupTable) -> Callable[[Group], int | None] | None:
        """What a group held at the peak that is told. None: of an older trace it is not known."""
        if self.about.keys is None:
            return None
        if not any(groups.own_peak):
            return lambda group: None
        return chosen.at_peak_of(self._highest())


def _about_run(run: dict[str, Any]) -> dict[str, Any]:
    """What was run, by what, and how it ended."""
    ended = run.get("exit") or {}
    lost = run.get("events_lost") or 0
    return {
        "schema": SCHEMA,
        "program": run.get("program") or "",
        "program_file": _text(run.get("program_file")) or run.get("program") or "",
        "command": list(run.get("command") or ()),
        "engine": run.get("engine") or "",
        "why_engine": _text(run.get("why_engine")),
        "complete": bool(run.get("complete")),
        "incomplete_because": _text(run.get("incomplete_because")),
        "events_lost": lost,
        "programs_not_seen": run.get("programs_not_seen") or 0,
        "exit": {"kind": ended.get("kind") or "unknown", "status": ended.get("status")},
        "date": _text(run.get("date")),
        "versions": {str(name): str(v) for name, v in (run.get("versions") or {}).items()},
    }


def _attached(run: dict[str, Any], ends: int) -> dict[str, int | None] | None:
    """Of a program that ran before: its number, and how many older blocks it freed or moved."""
    if not run_facts.is_attached(run):
        return None
    pid = run.get("pid")
    return {"pid": pid if isinstance(pid, int) else None, "unknown_blocks": ends}


def _contract(counters: _Counters, trace: Trace, top_sites: int, by: str) -> dict[str, Any]:
    borders, about = by_image(trace.borders), counters.about
    return {
        "totals": counters.totals.rows(),
        "sites": counters.sites.rows(top_sites, by),
        "sites_by": {"measure": by, "sum": counters.sites.sum(by)},
        "causes": counters.causes.figures(),
        "phases": _phases(counters.phases, borders, about),
        "peak_bytes": counters.peak()["bytes"],
        "leaked": counters.memory.of("leaked"),
        "temporary": counters.memory.of("temporary"),
    }


def _phases(phases: Phases, borders: Borders, about: Chosen) -> list[dict[str, Any]]:
    if about.keys is None:
        return phases.of_images(borders, about.programs)
    return [row for program in about.programs for row in phases.of_program(borders, program)]


def _of_processes(counters: _Counters, trace: Trace) -> dict[str, Any]:
    """Who is who of them, and which of them the sums are of."""
    about, asked = counters.about, counters.about.asked
    rows = counters.processes.rows(
        about.processes, counters.phases, by_image(trace.borders), counters.peaks
    )
    return {
        "processes": rows,
        "asked_for": _asked_for(asked) if asked else None,
        "sums_over": {
            "what": about.what,
            "programs": len(about.programs),
            "processes": len({program.pid for program in about.programs}),
            "others": about.others,
            "members": []
            if about.keys is None
            else [{"pid": p.pid, "image": p.image} for p in about.programs],
            **(_named(about.one) if about.one else dict.fromkeys(_NAMES)),
        },
    }


def _asked_for(asked: AskedFor) -> dict[str, Any]:
    steps = [{"how": how, **_named(before), "why": why} for how, before, why in asked.steps]
    return {**_named(asked.program), "steps": steps}


_NAMES = ("pid", "image", "name", "file", "script")


def _named(program: Program) -> dict[str, Any]:
    found = {name: getattr(program, name) for name in _NAMES}
    return {name: None if value == "" else value for name, value in found.items()}


def _timeline(run: dict[str, Any], about: Chosen) -> dict[str, Any]:
    if about.keys is None:
        return run.get("live_by_origin") or _NO_TIMELINE
    if about.one:
        for row in run.get("live_by_program") or ():
            if (row.get("pid"), row.get("image")) == about.one.key:
                return {name: row[name] for name in _NO_TIMELINE}
    return _NO_TIMELINE


_NO_TIMELINE: dict[str, Any] = {"seq": [], "t_ns": [], "live_bytes": {}}


def _added(counters: _Counters, trace: Trace, run: dict[str, Any]) -> dict[str, Any]:
    tally = counters.tally
    ends = coverage.unknown_ends(run, counters.of_cache)
    begins = not run_facts.is_attached(run)
    hooked = run.get("calls_hooked", True)
    hooked = hooked or (begins and _without_libc(trace.borders, counters.about))
    unseen = coverage.unseen(run, hooked)
    return {
        "attached": _attached(run, ends),
        "events": tally.events,
        "verdict": tally.figures(),
        "reached_kernel": counters.causes.rows(),
        "site_count": len(counters.sites),
        "peak": counters.peak(),
        "allocated": counters.memory.of("allocated"),
        "held": counters.memory.of("held"),
        "until": _text(run.get("until")) or "end",
        "purpose_known": counters.understood.figures(),
        "purposes_by_example": run.get("purposes") == "examples",
        "keep": run.get("keep") or "all",
        "timeline": _timeline(run, counters.about),
        "seen_everything": not unseen,
        "unseen": unseen,
        "not_seen": coverage.not_seen(run, run.get("cuts") or {}, hooked, ends),
        "hints": coverage.hints(counters.understood, trace.notes) + list(run.get("hints") or ()),
        "also_watched": list(run.get("also_watched") or ()),
        "cost": {k: v for k, v in (run.get("cost") or {}).items() if isinstance(v, int)},
        "notes": [str(note) for note in trace.notes],
        "calls_hooked": hooked,
    }
