"""Counts and bytes: origin x phase x kind x name, and the figures of the verdict."""

from __future__ import annotations

from collections import Counter, defaultdict

from alloctrace import measure, words


def _by_rank(values):
    """A sort key: a word's place in its closed list; strangers last."""
    ranks = {value: rank for rank, value in enumerate(values)}
    return lambda word: ranks.get(word, len(ranks))


PHASE_RANK = _by_rank(words.PHASES)
ORIGIN_RANK = _by_rank(words.ORIGINS)


class Totals:
    """The matrix of un-nested events."""

    def __init__(self):
        self._cells = defaultdict(lambda: [0, 0])

    def add(self, event):
        if not measure.is_counted(event):
            return
        cell = self._cells[measure.origin(event), event.phase, event.kind, event.name]
        cell[0] += 1
        cell[1] += measure.bytes_asked(event)

    def rows(self):
        keys = sorted(self._cells, key=lambda k: (ORIGIN_RANK(k[0]), PHASE_RANK(k[1]), k[2], k[3]))
        names = ("origin", "phase", "kind", "name")
        return [
            dict(zip(names, key), count=self._cells[key][0], bytes=self._cells[key][1])
            for key in keys
        ]


class Tally:
    """The figures of the verdict sentence: who called, for whom, and which words were unsure."""

    def __init__(self):
        self.events = 0
        self.nested = 0
        self.calls = Counter()
        self.syscalls = Counter()
        self.brk_mmap = Counter()
        self.owners = Counter()
        self.user = Counter()
        self.reasons = Counter()
        self.failed = 0
        self.unfinished = 0

    def add(self, event):
        self.events += 1
        if not measure.is_counted(event):
            self.nested += 1
            return
        who = measure.origin(event)
        self.failed += event.failed
        self.unfinished += event.dur_ns is None
        if event.kind == "call":
            self._add_call(event, who)
        else:
            self.syscalls[who] += 1
            self.brk_mmap[who] += event.name in ("brk", "mmap")
        if who == "unknown" and event.verdict and event.verdict.rule:
            self.reasons[event.verdict.rule] += 1

    def _add_call(self, event, who):
        self.calls[who] += 1
        if who == "runtime":
            self.owners[event.verdict.owner or "unknown"] += 1
        elif who == "user":
            self.user["direct" if event.verdict.direct else "via"] += 1

    def figures(self):
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
        }
