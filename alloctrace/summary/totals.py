"""Counts and bytes: origin x phase x kind x name, and the figures of the verdict.

Like all that a summary counts, they are fed with groups of events (groups.py), in their order.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from alloctrace import measure, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from alloctrace.model import Group


def _by_rank(values: Sequence[str]) -> Callable[[str], int]:
    """A sort key: a word's place in its closed list; strangers last."""
    ranks = {value: rank for rank, value in enumerate(values)}
    return lambda word: ranks.get(word, len(ranks))


PHASE_RANK = _by_rank(words.PHASES)
ORIGIN_RANK = _by_rank(words.ORIGINS)


class Totals:
    """The matrix of un-nested events."""

    def __init__(self) -> None:
        self._cells: defaultdict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])

    def add(self, group: Group) -> None:
        if not group.is_counted:
            return
        cell = self._cells[measure.origin(group), group.phase, group.kind, group.name]
        cell[0] += group.count
        cell[1] += group.bytes

    def rows(self) -> list[dict[str, Any]]:
        keys = sorted(self._cells, key=lambda k: (ORIGIN_RANK(k[0]), PHASE_RANK(k[1]), k[2], k[3]))
        names = ("origin", "phase", "kind", "name")
        return [
            dict(zip(names, key), count=self._cells[key][0], bytes=self._cells[key][1])
            for key in keys
        ]


class Tally:
    """The figures of the verdict sentence: who called, for whom, and which words were unsure."""

    def __init__(self) -> None:
        self.events = 0
        self.nested = 0
        self.calls: Counter[str] = Counter()
        self.syscalls: Counter[str] = Counter()
        self.brk_mmap: Counter[str] = Counter()
        self.owners: Counter[str] = Counter()
        self.user: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.failed = 0
        self.unfinished = 0

    def add(self, group: Group) -> None:
        self.events += group.count
        if not group.is_counted:
            self.nested += group.count
            return
        who = measure.origin(group)
        self.failed += group.failed
        self.unfinished += group.unfinished
        if group.kind == "call":
            self._add_calls(group, who)
        else:
            self.syscalls[who] += group.count
            self.brk_mmap[who] += group.count if group.name in ("brk", "mmap") else 0
        if who == "unknown" and group.verdict and group.verdict.rule:
            self.reasons[group.verdict.rule] += group.count

    def _add_calls(self, group: Group, who: str) -> None:
        self.calls[who] += group.count
        if who == "runtime" and group.verdict:
            self.owners[group.verdict.owner or "unknown"] += group.count
        elif who == "user" and group.verdict:
            self.user["direct" if group.verdict.direct else "via"] += group.count

    def figures(self) -> dict[str, Any]:
        return {
            "calls": sum(self.calls.values()),
            "calls_by_origin": dict(self.calls),
            "syscalls": sum(self.syscalls.values()),
            "syscalls_by_origin": dict(self.syscalls),
            "brk_mmap": sum(self.brk_mmap.values()),
            "brk_mmap_by_origin": {who: n for who, n in self.brk_mmap.items() if n},
            "runtime_owners": dict(self.owners),
            "user_direct": self.user["direct"],
            "user_via": self.user["via"],
            "failed": self.failed,
            "unfinished": self.unfinished,
            "nested": self.nested,
            "unknown_reasons": [reason for reason, _ in self.reasons.most_common(3)],
            "unknown_reasons_more": max(0, len(self.reasons) - 3),
        }
