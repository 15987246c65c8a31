"""Sites where there may be a million: sums of all by number, names of the largest alone.

The same answers as alloctrace.summary.sites.Sites gives, of the groups of a trace.
"""

from __future__ import annotations

import heapq
from array import array

from alloctrace import words
from alloctrace.columns.group_table import MAX_INT
from . import sites

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Group
    from alloctrace.stacks.frames import FrameTable
    from alloctrace.stacks.tree import StackTree

_ORIGINS = sorted(words.ORIGINS)  # as Sites orders them


class ManySites:
    """`groups`: a GroupTable; `nodes`: of each in the StackTree `tree`, whose frames are a
    FrameTable; `holds((pid, image))`: whether it counts.

    `at_peak`: as Sites takes it; `peaks`: the same by index, None: not known.
    """

    def __init__(
        self,
        groups: GroupTable,
        tree: StackTree,
        nodes: array[int],
        holds: Callable[[tuple[int, int]], bool],
        at_peak: Callable[[Group], int | None] | None,
        peaks: array[int] | None,
    ) -> None:
        self._groups, self._tree = groups, tree
        self._at_peak, self._peaks = at_peak, peaks
        self._keys = array("Q")  # by site: its place and origin
        self._site_of = self._numbered(nodes, [holds(key) for key in groups.programs()])

    def _numbered(self, nodes: array[int], holds: list[bool]) -> array[int]:
        """By group the number of its site, from 1; 0: none."""
        groups, tree, keys = self._groups, self._tree, self._keys
        frames = tree.frames
        if TYPE_CHECKING:
            assert isinstance(frames, FrameTable)  # so many are only ever read from a trace
        places, exact = frames.places()
        numbers, count = array("I", bytes(4 * len(_ORIGINS) * (len(places) + 1))), len(_ORIGINS)
        judged = [
            (v.decided_by, v.origin in ("user", "unknown"), _ORIGINS.index(v.origin))
            if v
            else (None, True, _ORIGINS.index("unknown"))
            for v in groups.verdicts
        ]
        found = array("I")
        rows = zip(groups.what, groups.verdict, groups.sums["allocations"], nodes)
        for what, verdict, allocations, node in rows:
            if not allocations or not holds[what]:
                found.append(0)
                continue
            decided, is_users, origin = judged[verdict]
            node = tree.deciding_node(node, decided)
            frame = tree.frame_of[node] if node > 0 else -1
            place = 0 if frame < 0 else (exact if is_users else places)[frame]
            key = place * count + origin
            if not numbers[key]:
                keys.append(key)
                numbers[key] = len(keys)
            found.append(numbers[key])
        return found

    def rows(self, limit: int | None = None, by: str = "bytes") -> list[dict[str, Any]]:
        """As Sites.rows; what is alike in all sums is ordered by its place."""
        limit = len(self) if limit is None else limit
        ranks = [self._sums(name) for name in (by, "bytes", "count")]
        keys, count = self._keys, len(_ORIGINS)

        def rank(number: int) -> tuple[int, ...]:
            place, origin = divmod(keys[number - 1], count)
            return (*[-column[number] for column in ranks], origin, place)

        chosen = bytearray(len(self) + 1)
        for number in heapq.nsmallest(limit, range(1, len(self) + 1), key=rank):
            chosen[number] = 1
        found = sites.Sites(self._tree.deciding_frame, self._at_peak)
        for index, number in enumerate(self._site_of):
            if chosen[number]:
                found.add(self._groups.bare(index))
        return found.rows(limit, by)

    def _sums(self, name: str) -> array[int]:
        """By site."""
        found = array("q", bytes(8 * (len(self) + 1)))
        for number, value in zip(self._site_of, self._column(name) or ()):
            found[number] = min(MAX_INT, found[number] + value)
        return found

    def _column(self, name: str) -> array[int] | None:
        if name == "peak_bytes":
            return self._peaks
        return self._groups.sums[_COLUMNS.get(name, name)]

    def sum(self, name: str) -> int | None:
        """Of all sites; None: not known."""
        column = self._column(name)
        if column is None:
            return None
        return sum(value for number, value in zip(self._site_of, column) if number)

    def __len__(self) -> int:
        return len(self._keys)


_COLUMNS = {"count": "allocations", "bytes": "allocated", "calls_reaching_kernel": "reached"}
