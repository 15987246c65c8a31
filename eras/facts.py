"""A recorded cell as plain values: what eras are compared by. Reads the trace and the ELF files.

An entry is what is alike of the events of a run: origin, phase, purpose, who asked. A purpose is
compared without its numbers, and a library under the name that programs ask for (DT_SONAME), so
that `link_map of libc-2.31.so` and `link_map of libc.so.6` are the same.
"""

from __future__ import annotations

import os
import re

from alloctrace.elf.elf import PT_LOAD, ElfError, ElfFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Event, Module
    from alloctrace.trace.read import Trace

SCHEMA = 1
MOST = 400  # events that are told one by one
_NUMBER = re.compile(r"(?<![\w.+-])\d[\d,]*(?![\w.-])(?!\.\d)")
_PROGRAM = "/cell/"
FREEING = "free"


def of(trace: Trace, root: str, cell: str) -> dict[str, Any]:
    """The facts of a run. `root`: where the era's files lie, "" for this machine; `cell`: the
    folder that was /cell."""
    files = _files(trace, root, cell)
    names = {path.rsplit("/", 1)[-1]: row["name"] for path, row in files.items()}
    entries: dict[tuple[Any, ...], dict[str, Any]] = {}
    told: list[dict[str, Any]] = []
    first: Event | None = None
    for event in trace.events():
        if event.outer is not None:
            continue
        row = _of_event(event, trace, names)
        if first is None and row["origin"] == "loader" and row["kind"] == "call":
            first = event
        _add(entries, row)
        if len(told) < MOST and event.name != FREEING:
            told.append(row)
    return {
        "schema": SCHEMA,
        "entries": sorted(map(_closed, entries.values()), key=_order),
        "events": told,
        "loader_malloc": _loader_malloc(trace, first),
        "libraries": [row for row in files.values() if row["role"] != "executable"],
        "needed": next((r["needed"] for r in files.values() if r["role"] == "executable"), []),
        "bindings": _bindings(files),
        "versions": trace.run.get("versions") or {},
        "exit": trace.run.get("exit") or {},
        "complete": bool(trace.run.get("complete")),
        "events_lost": trace.run.get("events_lost") or 0,
        "engine": trace.run.get("engine"),
    }


def _of_event(event: Event, trace: Trace, names: dict[str, str]) -> dict[str, Any]:
    verdict, purpose = event.verdict, event.purpose
    frame = trace.tree.deciding_frame(event.stack, verdict)
    text = _renamed(purpose.text if purpose else None, names)
    times = 1 if event.nmemb is None else event.nmemb
    return {
        "kind": event.kind,
        "name": event.name,
        "phase": event.phase,
        "origin": verdict.origin if verdict else "unknown",
        "owner": verdict.owner if verdict else None,
        "what": text and _NUMBER.sub("N", text),
        "purpose": text,
        "asked": frame.function if frame else None,
        "via": list(verdict.via) if verdict else [],
        "crate": crate(_functions(trace, event)),
        "bytes": (event.size or 0) * times,
        "library": _library(text, names),
        "cause": event.cause is not None,
    }


def _loader_malloc(trace: Trace, event: Event | None) -> str | None:
    """Where the loader's first call ends: `calloc, dl-minimal.c`; None without a loader."""
    frames = trace.stack(event.stack) if event else ()
    if not frames or not frames[0].function:
        return None
    file = (frames[0].file or "").rsplit("/", 1)[-1]
    return ", ".join(word for word in (frames[0].function, file) if word)


def _functions(trace: Trace, event: Event) -> list[str]:
    return [frame.function for frame in trace.stack(event.stack) if frame.function]


def crate(functions: list[str]) -> str | None:
    """Of Rust's functions in a stack, innermost first, the crate of the first that is no part of
    allocating itself; None without one."""
    for name in functions:
        word = re.match(r"<?&?(?:mut )?(\w+)(?:\[\w+\])?::", name)
        if word and word[1] not in ("alloc", "core", "hashbrown"):
            return word[1]
    return None


def _renamed(text: str | None, names: dict[str, str]) -> str | None:
    for name, known in names.items():
        if text and name != known:
            text = text.replace(name, known)
    return text


def _library(text: str | None, names: dict[str, str]) -> str | None:
    """The library that a purpose names, or None."""
    known = set(names.values())
    return next((w for w in re.findall(r"[\w.+-]+", text or "") if w in known), None)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("kind", "name", "phase", "origin", "owner", "what", "asked", "crate", "library")
    return tuple(row[name] for name in names)


def _add(entries: dict[tuple[Any, ...], dict[str, Any]], row: dict[str, Any]) -> None:
    entry = entries.setdefault(_key(row), dict(row, count=0, bytes=0, sizes={}, via=row["via"]))
    entry["count"] += 1
    entry["bytes"] += row["bytes"]
    entry["sizes"][row["bytes"]] = entry["sizes"].get(row["bytes"], 0) + 1


def _closed(entry: dict[str, Any]) -> dict[str, Any]:
    entry = {key: value for key, value in entry.items() if key not in ("purpose", "cause")}
    entry["sizes"] = [[size, count] for size, count in sorted(entry["sizes"].items())]
    return entry


def _order(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in _key(entry))


# -- files


def _files(trace: Trace, root: str, cell: str) -> dict[str, dict[str, Any]]:
    """{path: what is known of the file}, in the order in which they were loaded."""
    found: dict[str, dict[str, Any]] = {}
    for module in trace.modules:
        if module.role == "vdso" or module.path in found:
            continue
        found[module.path] = _of_file(module, _place(module.path, root, cell))
    return found


def _place(path: str, root: str, cell: str) -> str:
    if root and path.startswith(_PROGRAM):
        return os.path.join(cell, path[len(_PROGRAM) :])
    if not root:
        return path
    return _inside(root, path)


def _inside(root: str, path: str) -> str:
    """A path of a root, on this machine; links in it are links of the root."""
    for _ in range(8):
        place = root + path
        if not os.path.islink(place):
            break
        target = os.readlink(place)
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))
    return os.path.join(root, path.lstrip("/"))


def _of_file(module: Module, place: str) -> dict[str, Any]:
    row: dict[str, Any] = {"path": module.path, "role": module.role, "name": module.name}
    row.update(segments=None, needed=[], wanted=[], given=[])
    if module.role == "executable":
        row["name"] = "the program"
    try:
        with ElfFile(place) as file:
            symbols = [symbol for symbol in file.symbols() if symbol.table == "dynsym"]
            row.update(
                name=file.soname or row["name"],
                segments=len(file.segments_of(PT_LOAD)),
                needed=file.needed,
                wanted=sorted({s.name for s in symbols if not s.defined and s.name}),
                given=sorted({s.name for s in symbols if s.defined and s.bind != "LOCAL"}),
            )
    except (ElfError, OSError):
        pass  # it was on another machine: its name alone is known
    return row


def _bindings(files: dict[str, dict[str, Any]]) -> dict[str, str]:
    """{symbol that the program or a library of its language asks for: library that has it}."""
    givers: dict[str, str] = {}
    for row in files.values():
        for symbol in row.pop("given"):
            givers.setdefault(symbol, row["name"])
    wanted = {symbol for row in files.values() for symbol in row.pop("wanted")}
    return {symbol: givers[symbol] for symbol in sorted(wanted) if symbol in givers}
