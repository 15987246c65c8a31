"""Which programs of a run a report is about: the one that was asked for, others by number or name,
or all. A program is one image of one process (lives.py)."""

from __future__ import annotations

from . import asked_for, lives, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.model import Event, Group
    from alloctrace.summary.lives import Process, Program

ALL, ASKED = "all", "asked"


class NoSuchProcess(LookupError):
    """None bears that number or name. One line, for people, not escaped."""


class Chosen:
    """`keys`: {(pid, image)}, None: all. `programs`: lives.Program. `what`: all, one, several."""

    def __init__(
        self, run_processes: list[Process], keys: set[tuple[int, int]] | None = None
    ) -> None:
        self.processes = run_processes
        everything = processes.programs_of(run_processes)
        self.programs = [p for p in everything if keys is None or p.key in keys]
        self.keys = None if keys is None or len(keys) == len(everything) else keys
        self.asked = asked_for.find(run_processes)
        self.others = len(everything) - len(self.programs)
        one = len(self.programs) <= 1
        self.what = "one" if one else "all" if self.keys is None else "several"

    @property
    def one(self) -> Program | None:
        """The only program that it is about; None: it is about several."""
        return self.programs[0] if len(self.programs) == 1 else None

    def holds(self, group: Group) -> bool:
        """Whether a group of events, or an event, is of it."""
        return self.has((group.pid, group.image))

    def has(self, key: tuple[int, int]) -> bool:
        """Whether the program with this key is of it."""
        return self.keys is None or key in self.keys

    def has_image(self, image: int) -> bool:
        """Whether it is about a program that began with this image."""
        if self.keys is None:
            return True
        return any(p.image == image and p.began != "fork" for p in self.programs)


def choose(run_processes: list[Process], wanted: str = ALL) -> Chosen:
    """The Chosen of `wanted`: "all", "asked", a process's number, or a program's name.

    Raises NoSuchProcess.
    """
    if wanted == ALL:
        return Chosen(run_processes)
    if wanted == ASKED:
        asked = asked_for.find(run_processes)
        return Chosen(run_processes, {asked.program.key} if asked else None)
    keys = _by_number(run_processes, wanted) or _by_name(run_processes, wanted)
    if not keys:
        raise NoSuchProcess(
            "no process is called %s; there are %s" % (wanted, _named(run_processes))
        )
    return Chosen(run_processes, keys)


def check(run: dict[str, Any], wanted: str) -> None:
    """Raises NoSuchProcess where the run alone, without its events, tells that there is none."""
    if wanted in (ALL, ASKED):
        return
    images = [image for image in run.get("images") or () if isinstance(image, dict)]
    if not any("pid" in image for image in images) and wanted.isdigit():
        return  # an older trace: only its events say which processes there were
    choose(lives.of_run(run, ()), wanted)


def _by_number(run_processes: list[Process], wanted: str) -> set[tuple[int, int]]:
    """Of a process that was several programs the last one."""
    if not (wanted.isascii() and wanted.isdigit()):
        return set()
    found = [p for p in run_processes if p.pid == int(wanted) and p.programs]
    return {process.last.key for process in found}


def _by_name(run_processes: list[Process], wanted: str) -> set[tuple[int, int]]:
    """Without what a child was between its fork and its exec."""
    return {
        program.key
        for program in processes.programs_of(run_processes)
        if wanted in (program.name, program.file, program.path, program.script)
        and wanted
        and not (program.began == "fork" and program.execs)
    }


def _named(run_processes: list[Process]) -> str:
    names = dict.fromkeys(p.name for p in processes.programs_of(run_processes) if p.name)
    shown = list(names)[:12]
    return ", ".join(shown) + (" and %d more" % (len(names) - 12) if len(names) > 12 else "")


def at_peak_of(key: tuple[int, int] | None) -> Callable[[Group], int]:
    """A function that says what a group held at the peak of the program `key`; None: of the run."""
    if key is None:
        return lambda group: group.peak_bytes
    return lambda group: group.own_peak_bytes if (group.pid, group.image) == key else 0


def at_peak(summary: dict[str, Any]) -> Callable[[Group], int]:
    """The same of the peak that a summary tells of."""
    peak = summary["peak"]
    return at_peak_of(None if peak["pid"] is None else (peak["pid"], peak["image"]))


def of_summary(summary: dict[str, Any]) -> Callable[[Event | Group], bool] | None:
    """What Chosen.holds does, of a summary; None where it holds all."""
    over = summary["sums_over"]
    if not over["others"]:
        return None
    keys = {(row["pid"], row["image"]) for row in over["members"]}
    return lambda group: (group.pid, group.image) in keys
