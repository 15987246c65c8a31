"""The phases of a program with what the process cost at their borders: asking is not touching.

The phases of each program begin at its own exec and end with it: nothing here is a difference of
two processes, nor of two programs of one.
"""

from __future__ import annotations

from collections import defaultdict

from alloctrace import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Border, Group
    from alloctrace.summary.lives import Program

    Borders = dict[int, list[Border]]  # by image

_COSTS = ("rss_bytes", "minor_faults", "major_faults", "mapped_bytes")


class Phases:
    """Adds up groups by program and phase."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[int, int, str], defaultdict[str, int]] = defaultdict(
            lambda: defaultdict(int)
        )

    def add(self, group: Group) -> None:
        if not group.is_counted:
            return
        sums = self._sums[group.pid, group.image, group.phase]
        if group.kind == "call":
            sums["calls"] += group.count
            sums["allocated_bytes"] += group.allocated
        else:
            sums["syscalls"] += group.count
            sums["brk_mmap"] += group.count if group.name in ("brk", "mmap") else 0

    def of_images(self, borders: Borders, programs: list[Program]) -> list[dict[str, Any]]:
        """One row a phase and image, in time. Counts are of all processes that ran the image: also
        of children that were forked and did not exec. `programs`: of lives.Program."""
        sharing = defaultdict(list)
        for program in programs:
            sharing[program.image].append(program)
        counted: dict[int, list[tuple[int, int]]] = {}
        for pid, image, _ in self._sums:
            counted.setdefault(image, []).append((pid, image))
        for image in (*counted, *borders):
            sharing.setdefault(image, [])
        rows = []
        for image in sorted(sharing) or [0]:
            owner = next((p for p in sharing[image] if p.began != "fork"), None)
            keys = [program.key for program in sharing[image]]
            keys += counted.get(image, ())
            rows += self._rows(image, borders, owner, list(dict.fromkeys(keys)))
        return rows

    def of_program(self, borders: Borders, program: Program) -> list[dict[str, Any]]:
        """One row a phase of one program of one process."""
        if program.began != "fork":
            return self._rows(program.image, borders, program, [program.key])
        rows = []
        for phase in words.PHASES:
            if (*program.key, phase) in self._sums:
                rows.append(self._row(program.image, phase, {}, {}, [program.key]))
                rows[-1].update(reached=True, passed=True, replaced=program.execs)
        if rows:
            rows[0].update(start_ns=program.began_ns, how="it was forked")
            rows[-1]["end_ns"] = program.ended_ns
        return rows

    def _rows(
        self, image: int, borders: Borders, owner: Program | None, keys: list[tuple[int, int]]
    ) -> list[dict[str, Any]]:
        mine = {border.phase: border for border in borders.get(image, ())}
        closing: dict[str, int | None] = {}
        if owner is not None:
            closing = {**owner.closing, "t_ns": owner.ended_ns}
        begin = owner.began_ns if owner is not None else None
        rows, rest = [], list(words.PHASES)
        for phase in words.PHASES:
            rest.remove(phase)
            later = [mine[name] for name in rest if name in mine]
            until = _as_dict(later[0], begin) if later else closing
            border = mine.get(phase)
            rows.append(self._row(image, phase, _as_dict(border, begin), until, keys))
            rows[-1]["how"] = border.how if border else None
            rows[-1]["reached"] = border is not None
            rows[-1]["passed"] = border is not None or bool(later)
            rows[-1]["replaced"] = owner is not None and owner.execs
        return rows

    def _row(
        self,
        image: int,
        phase: str,
        start: dict[str, int | None],
        until: dict[str, int | None],
        keys: list[tuple[int, int]],
    ) -> dict[str, Any]:
        row: dict[str, Any] = {"phase": phase, "image": image, "how": None}
        row["start_ns"] = start.get("t_ns")
        row["end_ns"] = _behind(until.get("t_ns"), row["start_ns"])
        for name in _COSTS:
            row[name] = start.get(name)
            row[name + "_grown"] = _difference(start.get(name), until.get(name))
        for name in ("calls", "syscalls", "brk_mmap", "allocated_bytes"):
            row[name] = sum(
                self._sums[(*key, phase)][name] for key in keys if (*key, phase) in self._sums
            )
        return row


def _as_dict(border: Border | None, begin: int | None) -> dict[str, int | None]:
    """`begin`: when its program began. Older traces have 0 for the first border of each."""
    if border is None:
        return {}
    found = {name: getattr(border, name) for name in _COSTS}
    return dict(found, t_ns=border.t_ns if begin is None else max(border.t_ns, begin))


def _behind(end: int | None, start: int | None) -> int | None:
    """None where the end is not known, or is no end: the trace is a stranger's."""
    return None if start is None or end is None or end < start else end


def _difference(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start
