"""What each process of a run did, and each program that it was: rows for JSON."""

from __future__ import annotations

from collections import Counter, defaultdict

from alloctrace import fields, words
from alloctrace.summary.memory import Memory
from alloctrace.summary.totals import Totals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from alloctrace.model import Group
    from alloctrace.summary.lives import Process, Program
    from alloctrace.summary.phases import Borders, Phases

    Peaks = dict[tuple[Optional[int], Optional[int]], dict[str, Any]]  # by (pid, image)

_SUMS = ("calls", "syscalls", "allocated_bytes", "live_blocks", "live_bytes")


class Processes:
    """Adds up groups by process and program."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self._totals: defaultdict[tuple[int, int], Totals] = defaultdict(Totals)
        self._memory: defaultdict[tuple[int, int], Memory] = defaultdict(Memory)

    def add(self, group: Group) -> None:
        key = group.pid, group.image
        sums = self._sums[key]
        if group.kind == "syscall":
            sums["syscalls"] += group.count
        elif group.is_call:
            sums["calls"] += group.count
        if group.allocated:  # most groups hand out nothing that stays
            sums["allocated_bytes"] += group.allocated
        if group.live_blocks or group.live_bytes:
            sums["live_blocks"] += group.live_blocks
            sums["live_bytes"] += group.live_bytes
        self._totals[key].add(group)
        self._memory[key].add(group)

    def rows(
        self, processes: list[Process], phases: Phases, borders: Borders, peaks: Peaks
    ) -> list[dict[str, Any]]:
        """One a process. `processes`: of lives.of_run; `peaks`: of the function below."""
        return [
            _row(process, [self._program(p, phases, borders, peaks) for p in process.programs])
            for process in processes
        ]

    def _program(
        self, program: Program, phases: Phases, borders: Borders, peaks: Peaks
    ) -> dict[str, Any]:
        memory = self._memory[program.key]
        peak = peaks.get(program.key)
        return {
            "image": program.image,
            "program": program.path or None,
            "name": program.name or None,
            "file": program.file or None,
            "script": program.script or None,
            "command": program.command,
            "began": program.began,
            "began_ns": program.began_ns,
            "ended_ns": program.ended_ns,
            "ended_by_exec": program.execs,
            **{name: self._sums[program.key][name] for name in _SUMS},
            "totals": self._totals[program.key].rows(),
            "phases": phases.of_program(borders, program),
            "peak_bytes": peak["bytes"] if peak else None,
            "peak": peak,
            "leaked": memory.of("leaked"),
            "temporary": memory.of("temporary"),
            "allocated": memory.of("allocated"),
        }


def _row(process: Process, programs: list[dict[str, Any]]) -> dict[str, Any]:
    row = {name: sum(program[name] for program in programs) for name in _SUMS}
    most = [program["peak_bytes"] for program in programs if program["peak_bytes"] is not None]
    row.update(
        pid=process.pid,
        parent=process.parent_pid,
        parent_image=process.parent_image,
        program=programs[-1]["program"] if programs else None,
        command=programs[-1]["command"] if programs else [],
        title=process.title,
        began_ns=programs[0]["began_ns"] if programs else None,
        ended_ns=programs[-1]["ended_ns"] if programs else None,
        exit={"kind": "unknown", "status": None, **process.exit},
        peak_bytes=max(most, default=None),
        copied={"blocks": process.copied[0], "bytes": process.copied[1]},
        programs=programs,
    )
    for name in ("leaked", "temporary"):
        row[name] = {
            what: sum(program[name][what] for program in programs) for what in ("blocks", "bytes")
        }
    return row


def peaks(run: dict[str, Any], programs: list[Program], whole: dict[str, Any]) -> Peaks:
    """{(pid, image): bytes, seq, t_ns, phase, by_origin}: the most that was live in it at once.

    `whole`: the run's peak, which is that of a program that was alone. Traces of older brkpoints
    do not know those of several.
    """
    found: Peaks = {}
    if "peaks" in run:
        found.update((program.key, _NOTHING) for program in programs)
    for row in run.get("peaks") or ():
        if isinstance(row, dict):
            key = fields.number(row, "pid", None), fields.number(row, "image", None)
            found[key] = _peak(row)
    busy = [program for program in programs if program.events]
    if not found and len(busy) == 1:
        found[busy[0].key] = whole
    return found


_NOTHING: dict[str, Any] = {"bytes": 0, "seq": None, "t_ns": None, "phase": None, "by_origin": {}}


def _peak(row: dict[str, Any]) -> dict[str, Any]:
    phase, by = row.get("phase"), row.get("by_origin")
    by = by if isinstance(by, dict) else {}
    return {
        "bytes": fields.signed(row, "bytes", 0),
        "seq": fields.number(row, "seq", None),
        "t_ns": fields.number(row, "t_ns", None),
        "phase": phase if phase in words.PHASES else None,
        "by_origin": {who: fields.signed(by, who, 0) for who in words.ORIGINS if who in by},
    }


def programs_of(processes: list[Process]) -> list[Program]:
    return [program for process in processes for program in process.programs]
