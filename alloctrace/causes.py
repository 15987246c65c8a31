"""Which calls reached the kernel: proven by containment (event.cause), never by closeness."""

from __future__ import annotations

from collections import Counter, defaultdict, deque

from alloctrace import measure
from alloctrace.totals import ORIGIN_RANK

# A syscall's un-nested call is among its thread's latest; more than a handful are never open.
_REMEMBERED = 64


class Causes:
    """Counts the un-nested calls during which a memory syscall was made."""

    def __init__(self):
        self._recent = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self._outer = {}
        self._reached = {}
        self._calls = Counter()
        self._syscalls = defaultdict(Counter)
        self._bytes = Counter()
        self._total = self._without = 0

    def add(self, event):
        if event.kind == "syscall":
            self._add_syscall(event)
        elif event.outer is None:
            key = (measure.origin(event), event.name)
            self._calls[key] += 1
            self._recent[event.tid].append((event.seq, key))
        else:
            self._outer[event.seq] = event.outer

    def _add_syscall(self, event):
        self._total += 1
        if event.cause is None:
            self._without += 1
            return
        seq = self._outermost(event.cause)
        key = self._key(event, seq)
        self._reached[seq] = key
        self._syscalls[key][event.name] += 1
        self._bytes[key] += measure.bytes_asked(event)

    def _outermost(self, seq):
        seen = set()
        while seq in self._outer and seq not in seen:
            seen.add(seq)
            seq = self._outer[seq]
        return seq

    def _key(self, event, seq):
        for known, key in reversed(self._recent[event.tid]):
            if known == seq:
                return key
        return measure.origin(event), "call"

    def figures(self):
        """The contract's `causes`."""
        return {
            "calls": sum(self._calls.values()),
            "calls_reaching_kernel": len(self._reached),
            "syscalls": self._total,
            "syscalls_without_call": self._without,
        }

    def rows(self):
        """One row an origin and name of call: how many there were, how many reached the kernel."""
        reached = Counter(self._reached.values())
        keys = sorted(set(self._calls) | set(reached), key=lambda k: (ORIGIN_RANK(k[0]), k[1]))
        return [
            {
                "origin": key[0],
                "name": key[1],
                "calls": self._calls[key],
                "calls_reaching_kernel": reached[key],
                "syscalls": dict(self._syscalls[key]),
                "syscall_bytes": self._bytes[key],
            }
            for key in keys
        ]
