"""Which calls reached the kernel: proven by containment, never by closeness in time."""

from __future__ import annotations

from collections import Counter, defaultdict

from alloctrace import measure
from alloctrace.summary.totals import ORIGIN_RANK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Group


class Causes:
    """Counts the un-nested calls during which a memory syscall was made."""

    def __init__(self) -> None:
        self._groups: dict[int, Group] = {}  # id -> Group of calls
        self._calls: Counter[Any] = Counter()
        self._reached: Counter[Any] = Counter()
        self._syscalls: dict[Any, Counter[Any]] = defaultdict(Counter)
        self._bytes: Counter[Any] = Counter()
        self._total = self._without = 0

    def add(self, group: Group) -> None:
        """A call's group comes before those that lie in it."""
        if group.kind == "syscall":
            self._add_syscalls(group)
            return
        self._groups[group.id] = group
        if group.is_call:
            key = (measure.origin(group), group.name)
            self._calls[key] += group.count
            if group.reached:
                self._reached[key] += group.reached

    def _add_syscalls(self, group: Group) -> None:
        self._total += group.count
        if not group.within:
            self._without += group.count
            return
        key = self._outermost(group)
        self._syscalls[key][group.name] += group.count
        self._bytes[key] += group.bytes

    def _outermost(self, group: Group) -> tuple[str, str]:
        """Origin and name of the un-nested call; a group lies in an older one: no cycle."""
        call = group
        while call.within in self._groups and call.within < call.id:
            call = self._groups[call.within]
        return measure.origin(call), call.name if call.kind == "call" else "call"

    def figures(self) -> dict[str, int]:
        """The contract's `causes`."""
        return {
            "calls": sum(self._calls.values()),
            "calls_reaching_kernel": sum(self._reached.values()),
            "syscalls": self._total,
            "syscalls_without_call": self._without,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row an origin and name of call: how many there were, how many reached the kernel."""
        keys = set(self._calls) | set(self._syscalls)
        return [
            {
                "origin": key[0],
                "name": key[1],
                "calls": self._calls[key],
                "calls_reaching_kernel": self._reached[key],
                "syscalls": dict(self._syscalls[key]) if key in self._syscalls else {},
                "syscall_bytes": self._bytes[key],
            }
            for key in sorted(keys, key=lambda k: (ORIGIN_RANK(k[0]), k[1]))
        ]
