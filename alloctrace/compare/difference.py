"""Two sides of runs -> what changed, as plain values fit for JSON.

Of several runs of a side the one with the fewest events speaks for it, for noise only adds; what
the runs before do not agree on is `noisy`. Rows add up to the difference of the totals.
"""

from __future__ import annotations

from operator import add, itemgetter

from alloctrace import fields, words
from alloctrace.compare import entries, fairness, likeness, matching, names, strips
from alloctrace.summary.totals import ORIGIN_RANK, PHASE_RANK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.compare.entries import Run
    from alloctrace.compare.matching import Row
    from alloctrace.trace.read import Trace

MEASURES = entries.MEASURES
_JUDGED = [MEASURES.index(name) for name in ("count", "bytes", "live_blocks", "live_bytes")]
_judged = itemgetter(*_JUDGED)


def compare(before: list[Trace], after: list[Trace], with_strips: bool = False) -> dict[str, Any]:
    """What changed; `before`, `after`: lists of alloctrace.trace.trace.Trace, at least one each.

    `with_strips`: also `strips`, of strips.of: that reads each event.
    """
    runs = entries.of_traces(before + after)
    ours, theirs = runs[: len(before)], runs[len(before) :]
    speakers = _speaker(ours), _speaker(theirs)
    one, other = ours[speakers[0]], theirs[speakers[1]]
    rows = matching.match([run.entries for run in ours], [run.entries for run in theirs])
    told = [_row(row, speakers) for row in rows]
    alike = _alike(told)
    peaks = _peaks(ours, theirs, speakers)
    compared = {
        "kind": "diff",
        "schema": 1,
        "before": _side(one, ours),
        "after": _side(other, theirs),
        "warnings": fairness.warnings(one.trace, other.trace),
        "seen_everything": not fairness.weak(one.trace) and not fairness.weak(other.trace),
        "peak_bytes": peaks,
        "totals": _added(alike, ("kind",)),
        "tables": _tables(alike),
        "resident": _resident(one.trace, other.trace),
        "libraries": _libraries(one.trace, other.trace),
        "perhaps_the_same": [
            {"gone": rows.index(a), "new": rows.index(b), "likeness": value}
            for a, b, value in likeness.pairs(rows)
        ],
        "rows": told,
    }
    compared["same"] = not any(map(counts, told)) and peaks["same"]
    if with_strips:
        compared["strips"] = strips.of(
            (one, other), rows, lambda index: bool(told[index]["changed"])
        )
    return compared


def counts(row: dict[str, Any]) -> bool:
    """Whether a row is a difference: more than what the runs before differ by among themselves."""
    return row["changed"] and not row["within_noise"]


def _speaker(runs: list[Run]) -> int:
    sums = [tuple(map(sum, zip(*[sums for *_, sums in run.entries]))) for run in runs]
    return min(range(len(runs)), key=lambda index: sums[index])


def _side(speaker: Run, runs: list[Run]) -> dict[str, Any]:
    run = speaker.trace.run
    return {
        "trace": str(speaker.trace.path),
        "runs": [str(run.trace.path) for run in runs],
        "program": str(run.get("program") or ""),
        "command": [str(word) for word in run.get("command") or ()],
        "engine": str(run.get("engine") or ""),
        "date": str(run.get("date") or ""),
        "programs": speaker.programs,
        "complete": bool(run.get("complete")),
    }


def _row(row: Row, speakers: tuple[int, int]) -> dict[str, Any]:
    sides = (row.before, row.after)
    side = row.after or row.before
    assert side is not None  # a row has one side at least
    entry = side[0]
    vectors = [side[1] if side else None for side in sides]
    zeros = [0] * len(MEASURES)
    chosen = [of[index] if of else zeros for of, index in zip(vectors, speakers)]
    of_runs = vectors[0] or [zeros]
    found: dict[str, Any] = {
        "how": row.how,
        "process": list(entry.place),
        "phase": entry.phase,
        "phase_before": row.before[0].phase if row.before else None,
        **{name: getattr(entry, name) for name in _TOLD},
        "function": entry.shown or entry.function,
        "via": list(entry.via),
        "function_before": (row.before[0].shown or row.before[0].function) if row.before else None,
        "via_before": list(row.before[0].via) if row.before else [],
        "before": dict(zip(MEASURES, chosen[0])),
        "after": dict(zip(MEASURES, chosen[1])),
        "changed": row.how == "moved" or _judged(chosen[0]) != _judged(chosen[1]),
        "noisy": len(of_runs) > 1 and len(set(map(_judged, of_runs))) > 1,
    }
    if len(of_runs) > 1 or (vectors[1] and len(vectors[1]) > 1):
        found["of_runs"] = {
            side: [dict(zip(MEASURES, run)) for run in of or ()]
            for side, of in zip(("before", "after"), vectors)
        }
    found["within_noise"] = found["noisy"] and all(
        min(run[at] for run in of_runs) <= chosen[1][at] <= max(run[at] for run in of_runs)
        for at in _JUDGED
    )
    return found


_TOLD = ("origin", "owner", "kind", "name", "purpose", "module", "file", "line")


def _peaks(ours: list[Run], theirs: list[Run], speakers: tuple[int, int]) -> dict[str, int]:
    """The most that was live at once; the same where it lies between those of the runs before."""
    before = [run.trace.sums().peak.get("bytes") or 0 for run in ours]
    after = [run.trace.sums().peak.get("bytes") or 0 for run in theirs]
    chosen = after[speakers[1]]
    return {
        "before": before[speakers[0]],
        "after": chosen,
        "noisy": len(set(before)) > 1,
        "same": min(before) <= chosen <= max(before),
    }


def _tables(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The same rows added up in other ways; each adds up to the totals."""
    return {
        "by_phase_and_origin": _added(rows, ("phase", "origin", "owner", "kind")),
        "by_purpose": _added(rows, ("origin", "kind", "purpose")),
        "by_name": _added(rows, ("kind", "name")),
        "by_process": _added(rows, ("process", "kind")),
    }


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same sums in few rows: one for all that no table tells apart."""
    found: dict[tuple[Any, ...], dict[str, list[int]]] = {}
    for row in rows:
        key = (*map(row.__getitem__, _TOLD_APART), tuple(row["process"]))
        sums = found.get(key)
        if sums is None:
            sums = found[key] = {side: [0] * len(MEASURES) for side in _SIDES}
        for side in _SIDES:
            sums[side] = list(map(add, sums[side], row[side].values()))
    names = (*_TOLD_APART, "process")
    return [
        {**dict(zip(names, key)), **{s: dict(zip(MEASURES, sums[s])) for s in _SIDES}}
        for key, sums in found.items()
    ]


_TOLD_APART = ("phase", "phase_before", "origin", "owner", "kind", "purpose", "name")


def _added(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    found: dict[tuple[str | tuple[Any, ...] | None, ...], dict[str, dict[str, int]]] = {}
    for row in rows:
        for side in _SIDES:
            key = tuple(map(row.__getitem__, keys))
            if side == "before" and row["phase_before"] and keys[0] == "phase":
                key = (row["phase_before"], *key[1:])
            cell = found.get(key)
            if cell is None:
                cell = found[key] = {s: dict.fromkeys(MEASURES, 0) for s in _SIDES}
            sums = cell[side]
            for name, value in row[side].items():
                sums[name] += value
    ordered = sorted(found, key=lambda key: _order(dict(zip(keys, key))))
    return [{**dict(zip(keys, key)), **found[key]} for key in ordered]


_SIDES = ("before", "after")


def _order(values: dict[str, Any]) -> tuple[int, int, list[str]]:
    rest = [str(value) for value in values.values()]
    return PHASE_RANK(values.get("phase", "")), ORIGIN_RANK(values.get("origin", "")), rest


def _resident(before: Trace, after: Trace) -> list[dict[str, Any]]:
    """What the process had at the borders of its phases: told, and no part of the verdict."""
    sides = [_borders(before), _borders(after)]
    moments = [name for name in (*words.PHASES, "end") if any(name in side for side in sides)]
    return [
        {"moment": name, "before": sides[0].get(name), "after": sides[1].get(name)}
        for name in moments
    ]


def _borders(trace: Trace) -> dict[str, dict[str, int | None]]:
    found = {b.phase: _state(vars(b)) for b in trace.borders if b.image == 0}
    end = trace.run.get("process_at_end") or {}
    return dict(found, end=_state(end)) if end else found


def _state(values: dict[str, Any]) -> dict[str, int | None]:
    return {name: fields.number(values, name, None) for name in ("rss_bytes", "mapped_bytes")}


def _libraries(before: Trace, after: Trace) -> dict[str, list[str]]:
    """Libraries that only one side loaded, whatever their versions."""
    one, other = [
        {names.library(m.name): m.name for m in trace.modules if m.role == "library"}
        for trace in (before, after)
    ]
    gone, new = (
        sorted(a[name] for name in set(a) - set(b)) for a, b in ((one, other), (other, one))
    )
    return {"gone": gone, "new": new}
