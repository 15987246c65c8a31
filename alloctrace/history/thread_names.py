"""What the threads of a run were called, as they ended: engines look then, for names may change."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Event

LONGEST = 15  # bytes of a thread's name: the kernel cuts longer ones, linux/sched.h


def cut(name: str) -> str:
    """As the kernel has it."""
    return name.encode("utf-8", "surrogateescape")[:LONGEST].decode("utf-8", "surrogateescape")


def check(run: dict[str, Any]) -> None:
    """Raise ValueError where the facts of a trace's run hold what is no name."""
    for row in run.get("thread_names") or ():
        numbers = [row.get(key) for key in ("pid", "tid", "t_ns")]
        if not isinstance(row.get("name"), str) or not all(type(n) is int for n in numbers):
            raise ValueError("run: a thread's name that is malformed")


class ThreadNames:
    """Of the facts of a run. Numbers are used again: a name holds up to the end of its thread."""

    def __init__(self, run: dict[str, Any]) -> None:
        # By (pid, tid): [(t_ns, name)].
        self._ends: defaultdict[tuple[int, int], list[tuple[int, str]]] = defaultdict(list)
        for row in run.get("thread_names") or ():
            self._ends[row["pid"], row["tid"]].append((row["t_ns"], row["name"]))
        for ends in self._ends.values():
            ends.sort()

    def of(self, event: Event) -> str | None:
        """None: it is not known."""
        ends = self._ends.get((event.pid, event.tid))
        if not ends:
            return None
        return ends[min(bisect_left(ends, (event.t_ns,)), len(ends) - 1)][1]

    def lasting(self, pid: int, tid: int) -> set[str | None]:
        """All that a thread of that number was called; {None}: it is not known."""
        names: set[str | None] = {name for _, name in self._ends.get((pid, tid), ())}
        return names or {None}

    def plainly(self) -> dict[int, str]:
        """{tid: name}, of the threads that had one alone as long as their number was theirs."""
        found: defaultdict[int, set[str]] = defaultdict(set)
        for (_, tid), ends in self._ends.items():
            found[tid].update(name for _, name in ends)
        return {tid: min(names) for tid, names in found.items() if len(names) == 1}

    def has(self, name: str) -> bool:
        return any(name == known for ends in self._ends.values() for _, known in ends)
