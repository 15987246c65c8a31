"""The tables of the report of eras, as lists of text, for every form alike.

`comparison`: what eras/comparison.py makes.
"""

from __future__ import annotations

from collections import namedtuple

from reports.quantities import short_size as size

from . import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NamedTuple

    class Table(NamedTuple):
        title: str
        lead: str
        head: list[str]
        align: str
        rows: list[list[str]]

else:
    Table = namedtuple("Table", "title lead head align rows")

_MARK = "·"


def eras(comparison: dict[str, Any]) -> Table:
    head = ["era", "libc", "loader's malloc", "gdb", "Python", "gcc", "rustc"]
    keys = ("libc", "loader_malloc", "gdb", "python", "gcc", "rustc")
    rows = [[row["name"]] + [_version(row[key]) for key in keys] for row in comparison["eras"]]
    lead = "Each with its own compilers, gdb and Python."
    return Table("The eras", lead, head, "lllllll", rows)


def _version(text: str | None) -> str:
    if not text:
        return _MARK
    found = text.split(" (")[0] if text.startswith("rustc") else text.split(", ")[-1]
    return words.short_version(found)


def overview(comparison: dict[str, Any]) -> Iterator[Table]:
    """Two tables of a row a target and a column an era: calls by origin, brk and mmap."""
    lead = "Of loader + runtimes + your code; a fourth number, with a ?, is of unknown origin."
    yield _overview(comparison, "Calls", lead, _calls_by_origin)
    yield _overview(comparison, "brk and mmap", "", lambda figures: str(figures["brk_mmap"]))


def _overview(
    comparison: dict[str, Any], title: str, lead: str, told: Callable[[dict[str, Any]], str]
) -> Table:
    names = [era["name"] for era in comparison["eras"]]
    rows = []
    for target in comparison["targets"]:
        cells = {cell["era"]: cell for cell in target["cells"]}
        rows.append([target["name"]] + [_of_cell(cells.get(name), told) for name in names])
    return Table(title, lead, ["target", *names], "l" + "r" * len(names), rows)


def _of_cell(cell: dict[str, Any] | None, told: Callable[[dict[str, Any]], str]) -> str:
    if cell is None:
        return _MARK
    return told(cell["figures"]) if "figures" in cell else str(cell["state"])


def _calls_by_origin(figures: dict[str, Any]) -> str:
    calls = figures["calls"]
    parts = [str(calls[origin]) for origin in ("loader", "runtime", "user")]
    if calls["unknown"]:
        parts.append("%d?" % calls["unknown"])
    return "+".join(parts)


def target(row: dict[str, Any]) -> Table:
    """The figures of one target, a column an era."""
    cells = [cell for cell in row["cells"] if "figures" in cell]
    head = ["what"] + [cell["era"] for cell in cells]
    lines = [
        [title] + [pick(cell) for cell in cells]
        for title, pick in _FIGURES
        if any(pick(cell) not in ("0", "0 B", "") for cell in cells)
    ]
    lines += [
        ["mmap of %s / its segments" % name] + [_mapped(cell, name) for cell in cells]
        for name in dict.fromkeys(r["name"] for cell in cells for r in cell["libraries"])
    ]
    return Table(row["name"], row["about"], head, "l" + "r" * len(cells), lines)


def _mapped(cell: dict[str, Any], name: str) -> str:
    row = next((row for row in cell["libraries"] if row["name"] == name), None)
    return _MARK if row is None else "%d / %s" % (row["mmaps"], row["segments"])


def purposes(row: dict[str, Any]) -> Table:
    """What one target asks for memory for, a column an era; libraries are in `target`."""
    names = [cell["era"] for cell in row["cells"] if "figures" in cell]
    lines = [
        [words.origin(one), one["kind"], one["what"]] + [_sums(one["eras"].get(n)) for n in names]
        for one in row["purposes"]
    ]
    title = row["name"] + ": what for"
    lead = "How often, and bytes in all, of calls, brk and mmap; those for a library are apart."
    head = ["who", "kind", "for", *names]
    return Table(title, lead, head, "lll" + "r" * len(names), lines)


def _sums(sums: dict[str, Any] | None) -> str:
    if sums is None:
        return _MARK
    return ("%d: " % sums["count"] if sums["count"] > 1 else "") + size(sums["bytes"])


def _calls(origin: str) -> Callable[[dict[str, Any]], str]:
    return lambda cell: str(cell["figures"]["calls"][origin])


def _syscalls(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda cell: str(cell["figures"]["syscalls"][name])


_FIGURES: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("calls of the loader", _calls("loader")),
    ("calls of runtimes", _calls("runtime")),
    ("calls of your code", _calls("user")),
    ("calls of unknown origin", _calls("unknown")),
    ("frees", lambda cell: str(cell["figures"]["frees"])),
    ("bytes asked for", lambda cell: size(cell["figures"]["bytes"])),
    ("brk", _syscalls("brk")),
    ("mmap", _syscalls("mmap")),
    ("munmap", _syscalls("munmap")),
    ("mremap", _syscalls("mremap")),
    ("mprotect", _syscalls("mprotect")),
    ("madvise", _syscalls("madvise")),
    ("bytes of the program", lambda cell: str(cell.get("program_bytes") or "")),
    ("libraries", lambda cell: str(len(cell["libraries"]))),
    ("purposes", lambda cell: str(cell["figures"]["purposes"])),
    ("without a known purpose", lambda cell: str(cell["figures"]["without_purpose"])),
)


def asked(cell: dict[str, Any]) -> Table:
    """What is not the loader's in one cell, event by event."""
    rows = [
        [
            e["phase"],
            e["name"],
            str(e["bytes"]),
            words.origin(e),
            e["purpose"] or "unknown",
            e["who"],
        ]
        for e in cell["asked"]
        if e["kind"] == "call"
    ]
    title = "%s: the calls that are not the loader's" % cell["cell"]
    head = ["when", "call", "bytes", "who", "for", "asked by"]
    return Table(title, "", head, "llrlll", rows)


def listed(comparison: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells of Rust's targets, whose calls are told one by one."""
    for row in comparison["targets"]:
        if row["group"] == "rust":
            yield from (cell for cell in row["cells"] if 0 < len(cell.get("asked", ())) <= _MOST)


_MOST = 60
PARTS = (("before main", "before"), ("in main", "in"), ("after main", "after"))


def rust(comparison: dict[str, Any]) -> Iterator[Table]:
    """A table for each program of Rust's: a row a compiler and era."""
    head = ["era", "rustc"]
    for _, short in PARTS:
        head += [short, "bytes"]
    head += ["brk/mmap", "who asked"]
    align = "ll" + "rr" * len(PARTS) + "rl"
    rows: dict[tuple[str, str], list[list[str]]] = {}
    for row in comparison["rust"]:
        if row["state"] == "done":
            rows.setdefault((row["target"], row["about"]), []).append(_rust_row(row))
    for (name, about), lines in rows.items():
        lead = about + ". What is not the loader's: calls and bytes before, in and after main."
        yield Table("Rust: %s" % name, lead, head, align, lines)


def _rust_row(row: dict[str, Any]) -> list[str]:
    parts = row["figures"]["parts"]
    cells: list[str] = []
    who: dict[str, int] = {}
    for name, _ in PARTS:
        part = parts[name]
        cells += [str(part["calls"]), size(part["bytes"])] if part["calls"] else [_MARK, ""]
        for key, count in part["asked"]:
            who[key] = who.get(key, 0) + count
    kernel = "+".join(str(parts[name]["brk_mmap"]) for name, _ in PARTS)
    said = "; ".join("%s %d" % item for item in sorted(who.items(), key=lambda i: (-i[1], i[0])))
    compiler = words.short_version(row["version"] or "") or row["compiler"]
    if row["compiler"] != "rustc":
        compiler = "%s (%s)" % (compiler.split("-")[0], row["compiler"])
    return [row["era"], compiler, *cells, kernel, said]


_OF_KERNEL = ("brk", "mmap", "munmap", "mremap", "mprotect", "madvise")


def allocators(comparison: dict[str, Any]) -> Iterator[Table]:
    """A table for each target and era: a row a way."""
    head = ["way", "calls", "asked for", *_OF_KERNEL, "mapped"]
    tables: dict[tuple[str, str], list[list[str]]] = {}
    for row in comparison["allocators"]:
        if row["state"] == "done":
            tables.setdefault((row["target"], row["era"]), []).append(_allocator_row(row))
    lead = "What each allocator asks of the kernel for the same calls; the loader's share apart."
    for (target_name, era), rows in tables.items():
        title = "Allocators: %s in %s" % (target_name, era)
        yield Table(title, lead, head, "l" + "r" * (len(head) - 1), rows)


def _allocator_row(row: dict[str, Any]) -> list[str]:
    kernel = row["kernel"]
    counts = [str(kernel["syscalls"].get(name, 0) or _MARK) for name in _OF_KERNEL]
    mapped = sum(kernel["lengths"].get(name, 0) for name in ("mmap", "brk"))
    return [row["way"], str(kernel["calls"]), size(kernel["bytes"]), *counts, size(mapped)]


def without(comparison: dict[str, Any]) -> Table:
    """Alike ones on one line."""
    alike: dict[tuple[str, str], list[str]] = {}
    for row in comparison["without"]:
        alike.setdefault((row["state"], row["why"] or ""), []).append(row["cell"])
    rows = [
        [state, str(len(cells)), why, ", ".join(cells[:_FEW]) + (", …" if cells[_FEW:] else "")]
        for (state, why), cells in alike.items()
    ]
    return Table("Cells without a result", "", ["state", "cells", "why", "which"], "lrll", rows)


_FEW = 4
