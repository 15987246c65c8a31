"""What a cell costs, as numbers: sums of its entries. Pure."""

from __future__ import annotations

from alloctrace import words

from .facts import FREEING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

BEFORE, IN, AFTER = "before main", "in main", "after main"
MOMENTS = {"load": BEFORE, "init": BEFORE, "main": IN, "exit": AFTER}
PARTS = (BEFORE, IN, AFTER)
BRK_MMAP = ("brk", "mmap")


def asks(entry: dict[str, Any]) -> bool:
    """Whether an entry is of calls that ask for memory, and do not give it back."""
    return bool(entry["kind"] == "call" and entry["name"] != FREEING)


def of(told: dict[str, Any]) -> dict[str, Any]:
    """The figures of a cell's result, for JSON and for tables."""
    entries = told["entries"]
    calls = [entry for entry in entries if asks(entry)]
    syscalls = [entry for entry in entries if entry["kind"] == "syscall"]
    return {
        "calls": _by(calls, "origin", words.ORIGINS),
        "calls_by_owner": _owners(calls),
        "frees": sum(e["count"] for e in entries if e["name"] == FREEING),
        "bytes": sum(entry["bytes"] for entry in calls),
        "bytes_by_origin": _by(calls, "origin", words.ORIGINS, "bytes"),
        "syscalls": _by(syscalls, "name", words.SYSCALL_NAMES),
        "brk_mmap": sum(e["count"] for e in syscalls if e["name"] in BRK_MMAP),
        "brk_mmap_by_origin": _by(
            [e for e in syscalls if e["name"] in BRK_MMAP], "origin", words.ORIGINS
        ),
        "mapped": sum(e["bytes"] for e in syscalls if e["name"] in BRK_MMAP),
        "purposes": len({e["what"] for e in calls + syscalls if e["what"]}),
        "without_purpose": sum(e["count"] for e in calls + syscalls if not e["what"]),
        "parts": {part: _of_part(entries, part) for part in PARTS},
    }


def _by(
    entries: list[dict[str, Any]], key: str, known: Iterable[str], what: str = "count"
) -> dict[str, int]:
    found = dict.fromkeys(known, 0)
    for entry in entries:
        found[entry[key]] = found.get(entry[key], 0) + entry[what]
    return found


def _owners(calls: list[dict[str, Any]]) -> dict[str, int]:
    return {
        owner: sum(entry["count"] for entry in calls if entry["owner"] == owner)
        for owner in sorted({entry["owner"] for entry in calls if entry["owner"]})
    }


def _of_part(entries: list[dict[str, Any]], part: str) -> dict[str, Any]:
    """Of what does not belong to the loader, whose share depends on the libraries alone."""
    mine = [e for e in entries if MOMENTS.get(e["phase"]) == part and e["origin"] != "loader"]
    calls = [entry for entry in mine if asks(entry)]
    return {
        "calls": sum(entry["count"] for entry in calls),
        "bytes": sum(entry["bytes"] for entry in calls),
        "brk_mmap": sum(e["count"] for e in mine if e["name"] in BRK_MMAP),
        "asked": _asked([entry for entry in mine if entry["name"] != FREEING]),
    }


def _asked(entries: list[dict[str, Any]]) -> list[list[Any]]:
    """[[who asked, calls]]: the libc function where one lies between, else the crate, or the
    function of C."""
    found: dict[str, int] = {}
    for entry in entries:
        if entry["kind"] == "call":
            key = who(entry)
            found[key] = found.get(key, 0) + entry["count"]
    return [list(item) for item in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def who(entry: dict[str, Any]) -> str:
    """`std, fopen`: the crate, and the function of libc that it called."""
    libc = next((name for name in entry["via"] if "::" not in name), None)
    asked = None if entry["asked"] in words.ENTRY_POINTS else entry["asked"]
    first = entry["crate"] or (entry["owner"] if libc else asked or entry["owner"])
    return ", ".join(word for word in (first, libc) if word) or "unknown"
