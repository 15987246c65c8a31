"""What a program's start cost, as a sum: mmap by what was mapped, the loader's calls by what for.

Pure, from the events and modules of one trace. Whatever stands for events carries their numbers.
"""

from __future__ import annotations

import os
import re

from alloctrace import measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alloctrace.model import Event, Module
    from alloctrace.trace.read import Trace
    from article.words import Fact

_MAPPED = ("library", "executable")  # what the loader maps; itself and the vdso the kernel maps


def facts(events: list[Event], loader: list[Event], trace: Trace) -> Fact:
    """{fact: value}. `loader`: the un-nested calls of the loader's own allocator."""
    allocations = [event for event in loader if not measure.frees(event)]
    return {
        "libraries": [_library(m) for m in trace.modules if m.role == "library"],
        "mmaps": mmaps(events, trace.modules),
        "brks": _grouped(((_purpose(e), "brk"), e) for e in events if e.name == "brk"),
        "loader_calls": len(allocations),
        "loader_first": _first(loader),
        "loader_kinds": _kinds(allocations, trace.modules),
        "loader_arena": _arena(allocations, trace.modules),
        "loader_seqs": [event.seq for event in allocations],
    }


def _library(module: Module) -> Fact:
    return {"name": module.name, "path": module.path}


def mmaps(events: Iterable[Event], modules: Sequence[Module]) -> list[Fact]:
    """[{what, kind, seqs, bytes}] in the order of the first of each; kind: `file` of a module,
    `other file`, or `memory` without a file, told by its purpose."""
    return _grouped((_mapped(e, modules), e) for e in events if e.name == "mmap")


def _mapped(event: Event, modules: Sequence[Module]) -> tuple[str, str]:
    """(what, kind) of an mmap; a library's .bss has no file, and the library in its purpose."""
    path = str(event.args.get("path") or "")
    for module in modules:
        bss = not path and _purpose(event).startswith(module.name + ": ")
        if module.role in _MAPPED and (module.path == path or bss):
            return module.name, "file"
    if path:
        return os.path.basename(path), "other file"
    return _purpose(event), "memory"


def _purpose(event: Event) -> str:
    return measure.purpose(event) or "unknown"


def _grouped(rows: Iterable[tuple[tuple[str, str], Event]]) -> list[Fact]:
    """[{what, kind, seqs, bytes}] of ((what, kind), event)."""
    found: dict[tuple[str, str], Fact] = {}
    for key, event in rows:
        group = found.setdefault(key, {"what": key[0], "kind": key[1], "seqs": [], "bytes": 0})
        group["seqs"].append(event.seq)
        group["bytes"] += event.size or 0
    return list(found.values())


def _first(loader: list[Event]) -> Fact | None:
    if not loader:
        return None
    event = loader[0]
    return {"seq": event.seq, "size": measure.bytes_asked(event), "function": event.impl}


def _kinds(allocations: Iterable[Event], modules: Sequence[Module]) -> dict[str, list[int]]:
    """{what for, without the names of objects: [seq]}: what can be compared between programs."""
    found: dict[str, list[int]] = {}
    for event in allocations:
        found.setdefault(kind_of(_purpose(event), modules), []).append(event.seq)
    return found


def kind_of(purpose: str, modules: Iterable[Module]) -> str:
    """`path of libm.so.6` -> `path of an object`; what follows a colon is left away."""
    text = purpose.split(":")[0]
    names = sorted({module.name for module in modules} - {""}, key=len, reverse=True)
    names += ["the program", "the vdso"]
    return re.sub(r"\b(%s)(?!\w)" % "|".join(map(re.escape, names)), "an object", text, count=1)


def _arena(allocations: Iterable[Event], modules: Sequence[Module]) -> Fact:
    """How many of the loader's blocks lie in its own file's mapping, and [seq] of these."""
    loaders = [module for module in modules if module.role == "loader"]
    inside = [
        event.seq
        for event in allocations
        if any(m.start <= (event.result or 0) < m.end for m in loaders)
    ]
    return {"inside": len(inside), "seqs": inside}
