"""Live bytes by group at some moments of a run, and what readers want of it: by origin.

A moment comes every so many events; of each only what changed since the one before is kept. When
there are too many, every second one goes, and its changes count at the next. The history in C does
the same (recorder/host/history/stages.c).
"""

from __future__ import annotations

from alloctrace import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Event, Group

STAGES = 128  # moments, at most twice as many


class Stages:
    """Collects moments; groups tell when they change."""

    def __init__(self) -> None:
        self._moments: list[
            tuple[int, int, int, dict[int, int]]
        ] = []  # (seq, t_ns, live bytes, {group id: its live bytes})
        self._touched: dict[int, Group] = {}
        self._every = 1

    def touch(self, group: Group) -> None:
        """The group is about to change."""
        self._touched[group.id] = group

    def tick(self, events: int, event: Event, live: int) -> None:
        """Before the event `event`, after so many others: one at which the timeline has a point."""
        if events % self._every:
            return
        if len(self._moments) == 2 * STAGES:
            self._thin_out()
        if events % self._every == 0:
            changes = {id_: group.live_bytes for id_, group in self._touched.items()}
            self._moments.append((event.seq, event.t_ns, live, changes))
            self._touched.clear()

    def _thin_out(self) -> None:
        first, *rest = self._moments
        pairs = list(zip(rest[::2], rest[1::2]))
        merged = [(*b[:3], {**a[3], **b[3]}) for a, b in pairs]
        self._moments = [first, *merged, *rest[2 * len(pairs) :]]
        self._every *= 2

    def rows(self) -> list[tuple[int, int, int, int]]:
        """[(seq, t_ns, group id, live bytes)]; id 0: all groups together, first of its moment."""
        found = []
        for seq, t_ns, live, changes in self._moments:
            found.append((seq, t_ns, 0, live))
            found += [(seq, t_ns, id_, changes[id_]) for id_ in sorted(changes)]
        return found


def by_origin(rows: list[tuple[int, int, int, int]], groups: GroupTable) -> dict[str, Any]:
    """Plain lists for JSON: `seq`, `t_ns`, and `live_bytes` {origin: one for each moment}.

    `rows`: of Stages; `groups`: a GroupTable, with their verdicts.
    """
    held = [0] * (len(groups.verdict) + 1)
    origins = dict.fromkeys(words.ORIGINS, 0)
    found: dict[str, Any] = {
        "seq": [],
        "t_ns": [],
        "live_bytes": {origin: [] for origin in words.ORIGINS},
    }
    who_of = [verdict.origin if verdict else "unknown" for verdict in groups.verdicts]
    verdict_of = groups.verdict
    for seq, t_ns, id_, live in rows:
        if id_ == 0:
            _take(found, origins)
            found["seq"].append(seq)
            found["t_ns"].append(t_ns)
        elif found["seq"]:
            who = who_of[verdict_of[id_ - 1]]
            origins[who] += live - held[id_]
            held[id_] = live
    _take(found, origins)
    shown = {who: values for who, values in found["live_bytes"].items() if any(values)}
    return dict(found, live_bytes=shown)


def _take(found: dict[str, Any], origins: dict[str, int]) -> None:
    """The moment that was told last is whole."""
    if found["seq"]:
        for origin, values in found["live_bytes"].items():
            values.append(origins[origin])
