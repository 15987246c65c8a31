"""Allocators that a program holds and that were not watched: data/allocators.ini, [unwatched …]."""

from __future__ import annotations

from collections import namedtuple

from alloctrace import allocators
from alloctrace.tables import is_yes
from . import defined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, NamedTuple

    from alloctrace.history.history import History
    from alloctrace.model import Hook, Module

    # `also`: what watches it, "" where nothing can. `weakens`: counts without it are too small.
    class Known(NamedTuple):
        marks: list[str]
        words: str
        also: str
        weakens: bool

else:
    Known = namedtuple("Known", "marks words also weakens")


def known() -> list[Known]:
    """[Known] of the table."""
    table = allocators.table().items()
    return [_known(section) for key, section in table if key.startswith(allocators.UNWATCHED)]


def _known(section: Mapping[str, str]) -> Known:
    weakens = is_yes(section, "weakens")
    return Known(section["marks"].split(), section["words"], section.get("also", ""), weakens)


def held(modules: Iterable[Module], hooks: Iterable[Hook]) -> list[tuple[Known, str]]:
    """[(Known, path of the file)] of programs in `modules` that `hooks` do not watch."""
    table, seen, found = known(), {hook.impl for hook in hooks}, []
    for path in dict.fromkeys(m.path for m in modules if m.role == "executable"):
        there = defined.functions(path, [mark for row in table for mark in row.marks])
        found += [(row, path) for row in table if (set(row.marks) & there) - seen]
    return found


def tell(history: History) -> list[dict[str, Any]]:
    """Say in `history.unseen` and `history.notes` what weakens, and give the rest as hints."""
    hints = []
    for row, path in held(history.modules, history.hooks.values()):
        how = ": --also '%s'" % row.also if row.also else ""
        if row.weakens:
            text = "not watched: %s, in %s%s" % (row.words, path.rsplit("/", 1)[-1], how)
            history.unseen.append({"kind": "allocator", "why": text, "path": path})
            history.notes.append(text)
        elif how:
            gives = "what %s hands out" % row.words
            hints.append({"missing": "it is not watched", "gives": gives, "command": how[2:]})
    return hints
