"""Peak, leaked, temporary, handed out and held, by origin. Definitions: live_bytes.py."""

from __future__ import annotations

from collections import Counter

from alloctrace import measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Group

_KINDS = {  # what a report calls it -> the sums of a group
    "leaked": ("live_blocks", "live_bytes"),
    "temporary": ("temporary_blocks", "temporary_bytes"),
    "allocated": ("allocations", "allocated"),
    "held": ("live_blocks", "live_bytes"),  # of the leaked those that the runtime keeps on purpose
}


class Memory:
    """Adds up groups by origin."""

    def __init__(self) -> None:
        self._blocks: dict[str, Counter[Any]] = {kind: Counter() for kind in _KINDS}
        self._bytes: dict[str, Counter[Any]] = {kind: Counter() for kind in _KINDS}
        self._peak: Counter[Any] = Counter()

    def add(self, group: Group) -> None:
        who = measure.origin(group)
        for kind, (blocks, size) in _KINDS.items():
            if getattr(group, blocks) and (kind != "held" or measure.is_held(group)):
                self._blocks[kind][who] += getattr(group, blocks)
                self._bytes[kind][who] += getattr(group, size)
        self._peak[who] += group.peak_bytes

    def peak(self, peak: dict[str, Any]) -> dict[str, Any]:
        """`peak` of groups.Sums, with what each origin held then."""
        owners = {who: size for who, size in self._peak.items() if size}
        return dict(peak, by_origin=owners)

    def of(self, kind: str) -> dict[str, Any]:
        """leaked, temporary, allocated or held: blocks, bytes, by_origin."""
        blocks, sizes = self._blocks[kind], self._bytes[kind]
        return {
            "blocks": sum(blocks.values()),
            "bytes": sum(sizes.values()),
            "by_origin": {
                who: {"blocks": blocks[who], "bytes": sizes[who]} for who in sorted(blocks)
            },
        }
