"""What changed between a target in two eras, and why, as far as the evidence says. Pure.

The differences of a sum are accounted for: each row of an account is a library or a purpose, and
the rows add up to the difference of the sum.
"""

from __future__ import annotations

from collections import OrderedDict

from . import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

    Purpose = tuple[str, Optional[str], str, str]  # origin, owner, kind, what for

SHOWN = 3  # names of functions that are told as examples
_LIBRARY = "library"


def between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The changes from one cell's result to another's, as plain values."""
    pair = (before, after)
    return {
        "from": before["era"],
        "to": after["era"],
        "calls": account(*(_chosen(told, figures.asks) for told in pair)),
        "brk_mmap": account(*(_chosen(told, _is_brk_mmap) for told in pair)),
        "libraries": libraries(before, after),
        "purposes": purposes(before, after),
        "versions": versions(before, after),
    }


def _chosen(told: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    return [entry for entry in told["entries"] if wanted(entry)]


def _is_brk_mmap(entry: dict[str, Any]) -> bool:
    return entry["name"] in figures.BRK_MMAP


def account(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> dict[str, Any]:
    """{"before", "after": sums, "rows": [{"of", "name", "before", "after"}]}, all that differ."""
    sums: list[int] = []
    rows: OrderedDict[tuple[str, str], list[int]] = OrderedDict()
    for side, entries in enumerate((before, after)):
        sums.append(sum(entry["count"] for entry in entries))
        for entry in entries:
            key = _row_of(entry)
            rows.setdefault(key, [0, 0])[side] += entry["count"]
    told: list[dict[str, Any]] = [
        {"of": of, "name": name, "before": counts[0], "after": counts[1]}
        for (of, name), counts in rows.items()
        if counts[0] != counts[1]
    ]
    told.sort(key=lambda row: (-abs(row["after"] - row["before"]), row["of"], row["name"]))
    return {"before": sums[0], "after": sums[1], "rows": told}


def _row_of(entry: dict[str, Any]) -> tuple[str, str]:
    if entry["library"]:
        return _LIBRARY, entry["library"]
    return entry["origin"], entry["what"] or "unknown, asked by %s" % entry["asked"]


# -- libraries


def libraries(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What became of the libraries: {"gone", "new", "segments"}, lists of dicts."""
    ours, theirs = _by_name(before), _by_name(after)
    return {
        "gone": [_moved(name, before, after) for name in ours if name not in theirs],
        "new": [_moved(name, after, before) for name in theirs if name not in ours],
        "segments": [
            {
                "name": name,
                "before": ours[name]["segments"],
                "after": theirs[name]["segments"],
                "mmaps": [mmaps(told, name) for told in (before, after)],
            }
            for name in ours
            if name in theirs and _is_mapped_otherwise(name, before, after, ours, theirs)
        ],
    }


def _by_name(told: dict[str, Any]) -> OrderedDict[str, dict[str, Any]]:
    return OrderedDict((row["name"], row) for row in told["libraries"])


def _is_mapped_otherwise(
    name: str,
    before: dict[str, Any],
    after: dict[str, Any],
    ours: dict[str, Any],
    theirs: dict[str, Any],
) -> bool:
    if None in (ours[name]["segments"], theirs[name]["segments"]):
        return False
    same = ours[name]["segments"] == theirs[name]["segments"]
    return not same or mmaps(before, name) != mmaps(after, name)


def mmaps(told: dict[str, Any], name: str) -> int:
    """How many mmap the loader made of a library."""
    return sum(e["count"] for e in told["entries"] if e["name"] == "mmap" and e["library"] == name)


def _moved(name: str, where: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A library that only `where` has: what it cost, and where the other era has its functions."""
    taken = [symbol for symbol, giver in where["bindings"].items() if giver == name]
    elsewhere: dict[str, list[str]] = {}
    for symbol in taken:
        giver = other["bindings"].get(symbol)
        if giver:
            elsewhere.setdefault(giver, []).append(symbol)
    calls = [e for e in where["entries"] if e["library"] == name and figures.asks(e)]
    return {
        "name": name,
        "mmaps": mmaps(where, name),
        "calls": sum(entry["count"] for entry in calls),
        "functions": len(taken),
        "elsewhere": [
            {"library": giver, "functions": len(names), "examples": names[:SHOWN]}
            for giver, names in sorted(elsewhere.items(), key=lambda row: -len(row[1]))
        ],
    }


# -- purposes


def purposes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """[{"change": came | gone | more | fewer | size, "origin", "what", …}], libraries' apart."""
    ours, theirs = by_purpose(before), by_purpose(after)
    found = []
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        change = _change(ours.get(key), theirs.get(key))
        if change:
            origin, _, kind, what = key
            sides = {"before": ours.get(key), "after": theirs.get(key)}
            found.append(dict(change=change, origin=origin, kind=kind, what=what, **sides))
    order = ("gone", "came", "size", "fewer", "more")
    return sorted(found, key=lambda row: order.index(row["change"]))


def by_purpose(told: dict[str, Any]) -> OrderedDict[Purpose, dict[str, Any]]:
    """{(origin, owner, kind, what for): its sums} of calls, brk and mmap; libraries' apart."""
    found: OrderedDict[Purpose, dict[str, Any]] = OrderedDict()
    for entry in told["entries"]:
        if entry["library"] or not (figures.asks(entry) or _is_brk_mmap(entry)):
            continue
        key = entry["origin"], entry["owner"], entry["kind"], _row_of(entry)[1]
        row = found.setdefault(
            key,
            {
                "count": 0,
                "bytes": 0,
                "sizes": {},
                "names": [],
                "asked": [],
                "owner": entry["owner"],
            },
        )
        row["count"] += entry["count"]
        row["bytes"] += entry["bytes"]
        for size, count in entry["sizes"]:
            row["sizes"][size] = row["sizes"].get(size, 0) + count
        for name, value in (("names", entry["name"]), ("asked", figures.who(entry))):
            if value not in row[name]:
                row[name].append(value)
    for row in found.values():
        row["sizes"] = sorted(map(list, row["sizes"].items()))
    return found


def _change(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str | None:
    if before is None or after is None:
        return "came" if before is None else "gone"
    if before["count"] != after["count"]:
        return "more" if after["count"] > before["count"] else "fewer"
    return "size" if before["sizes"] != after["sizes"] else None


def versions(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[str | None]]:
    """{what: [before, after]} of what built and ran it, where they differ."""
    names = sorted(set(before["versions"]) | set(after["versions"]))
    sides = {n: [before["versions"].get(n), after["versions"].get(n)] for n in names}
    return {name: pair for name, pair in sides.items() if pair[0] != pair[1]}
