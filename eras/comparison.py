"""The one comparison that every form of the report is made of. Pure.

Results are what cell.json files hold; a cell without a result was not run.
"""

from __future__ import annotations

from alloctrace import words

from . import changes, figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .plan import Cell, Era, Plan, Target

    Results = Mapping[str, dict[str, Any]]  # by the names of their cells

SCHEMA = 1
DONE, NOT_RUN = "done", "not run"


def of(plan: Plan, results: Results, made: str) -> dict[str, Any]:
    """The comparison. `results`: {cell's name: its result}; `made`: the date, in words."""
    return {
        "kind": "eras",
        "schema": SCHEMA,
        "made": made,
        "eras": [_era(era, plan, results) for era in plan.eras],
        "targets": [_target(target, plan, results) for target in plan.targets],
        "rust": _rust(plan, results),
        "allocators": _allocators(plan, results),
        "without": [_without(cell, results) for cell in plan.cells if not _is_done(cell, results)],
    }


def _is_done(cell: Cell, results: Results) -> bool:
    return results.get(cell.name, {}).get("state") == DONE


def _without(cell: Cell, results: Results) -> dict[str, Any]:
    row = _head(cell, results)
    return {name: row[name] for name in ("cell", "state", "why")}


def _head(cell: Cell, results: Results) -> dict[str, Any]:
    """What is said of a cell in every list."""
    told = results.get(cell.name) or {}
    state, why = told.get("state", NOT_RUN), told.get("why")
    return {"cell": cell.name, "era": cell.era.name, "state": state, "why": why}


def _era(era: Era, plan: Plan, results: Results) -> dict[str, Any]:
    """What an era is made of, as its own cells tell it."""
    mine = [cell for cell in plan.cells if cell.era is era]
    done = [results[cell.name] for cell in mine if _is_done(cell, results)]
    states: dict[str, int] = {}
    for cell in mine:
        state = _head(cell, results)["state"]
        states[state] = states.get(state, 0) + 1
    row: dict[str, Any] = {"name": era.name, "suite": era.suite, "cells": states}
    versions = [told["versions"] for told in done]
    for name, key in (("gdb", "gdb"), ("python", "python"), ("kernel", "kernel")):
        row[name] = _first(versions, key)
    row["loader_malloc"] = _first(done, "loader_malloc")
    package = _first(versions, "package")
    row["libc"] = package and "%s %s" % ("musl" if era.builds == "musl" else "glibc", package)
    row["gcc"] = _first([t["versions"] for t in done if "gcc" in t.get("built", "")], "compiler")
    row["rustc"] = _first([t["versions"] for t in done if t["compiler"] == "rustc"], "compiler")
    return row


def _first(versions: Iterable[dict[str, Any]], key: str) -> Any:
    return next((row[key] for row in versions if row.get(key)), None)


def _target(target: Target, plan: Plan, results: Results) -> dict[str, Any]:
    """One target as each era's own compiler builds it, and what changed from era to era."""
    mine = [cell for cell in plan.cells if cell.target is target and "@" not in cell.name]
    done = [results[cell.name] for cell in mine if _is_done(cell, results)]
    return {
        "name": target.name,
        "about": target.about,
        "group": target.group,
        "cells": [_cell(cell, results) for cell in mine],
        "purposes": _purposes(done),
        "changes": [changes.between(*pair) for pair in zip(done, done[1:])],
    }


def _purposes(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What for, in each era: [{"origin", "owner", "kind", "what", "eras": {era: sums}}]."""
    rows: dict[changes.Purpose, dict[str, Any]] = {}
    for told in done:
        for key, sums in changes.by_purpose(told).items():
            row = dict(zip(("origin", "owner", "kind", "what"), key))
            eras = rows.setdefault(key, dict(row, eras={}))["eras"]
            eras[told["era"]] = {"count": sums["count"], "bytes": sums["bytes"]}
    return [rows[key] for key in sorted(rows, key=_by_origin)]


def _by_origin(key: changes.Purpose) -> tuple[Any, ...]:
    return words.ORIGINS.index(key[0]), *map(str, key)


def _cell(cell: Cell, results: Results) -> dict[str, Any]:
    told, row = results.get(cell.name), _head(cell, results)
    if told and row["state"] == DONE:
        row.update(figures=figures.of(told), versions=told["versions"], complete=told["complete"])
        row["program_bytes"] = told.get("program_bytes")
        row["loader_malloc"] = told.get("loader_malloc")
        row["libraries"] = [
            {"name": r["name"], "segments": r["segments"], "mmaps": changes.mmaps(told, r["name"])}
            for r in told["libraries"]
            if r["role"] == "library"
        ]
        row["asked"] = [_asked(event) for event in told["events"] if event["origin"] != "loader"]
    return row


def _asked(event: dict[str, Any]) -> dict[str, Any]:
    """A call or syscall that is not the loader's, as the list of a cell tells it."""
    names = ("phase", "kind", "name", "bytes", "origin", "owner", "purpose")
    return dict({name: event[name] for name in names}, who=figures.who(event))


def _rust(plan: Plan, results: Results) -> list[dict[str, Any]]:
    """Each compiler and variant: what it costs before, in and after main."""
    rows = []
    for cell in plan.cells:
        if cell.target.group == "rust":
            told = results.get(cell.name) or {}
            row = _head(cell, results)
            row.update(compiler=cell.compiler, target=cell.target.name, about=cell.target.about)
            row["version"] = (told.get("versions") or {}).get("compiler")
            if row["state"] == DONE:
                row["figures"] = figures.of(told)
            rows.append(row)
    return rows


def _allocators(plan: Plan, results: Results) -> list[dict[str, Any]]:
    """Each target of the axis in each way: what was asked of the kernel for the same calls."""
    rows = []
    for cell in plan.cells:
        if cell.way is not None:
            told = results.get(cell.name)
            row = dict(_head(cell, results), target=cell.target.name, way=cell.way.name)
            if told and row["state"] == DONE:
                row["figures"] = figures.of(told)
                row["kernel"] = _kernel(told)
            rows.append(row)
    return rows


def _kernel(told: dict[str, Any]) -> dict[str, Any]:
    """Calls of the program and its libraries, and the syscalls made besides those of the loader."""
    mine = [entry for entry in told["entries"] if entry["origin"] != "loader"]
    calls = [entry for entry in mine if figures.asks(entry)]
    syscalls: dict[str, int] = {}
    lengths: dict[str, int] = {}
    for entry in mine:
        if entry["kind"] == "syscall":
            name = entry["name"]
            syscalls[name] = syscalls.get(name, 0) + entry["count"]
            lengths[name] = lengths.get(name, 0) + entry["bytes"]
    return {
        "calls": sum(entry["count"] for entry in calls),
        "bytes": sum(entry["bytes"] for entry in calls),
        "syscalls": syscalls,
        "lengths": lengths,
    }
