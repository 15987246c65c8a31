"""What of a group of events is exported, under the names of `--measure`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from alloctrace.columns.group_table import GroupTable

# Name -> (unit, in words). Those of reports/measures.py but `syscalls`: memory syscalls themselves.
MEASURES = {
    "bytes": ("bytes", "bytes asked for"),
    "calls": ("count", "allocations"),
    "peak": ("bytes", "bytes live at the peak"),
    "live": ("bytes", "bytes live at the end"),
    "temporary": ("bytes", "bytes freed before their thread asked again"),
    "syscalls": ("count", "memory syscalls"),
}
_COLUMNS = {
    "bytes": "allocated",
    "calls": "allocations",
    "peak": "peak_bytes",
    "live": "live_bytes",
    "temporary": "temporary_bytes",
    "syscalls": "count",
}


def of_groups(groups: GroupTable, name: str) -> Iterator[tuple[int, int]]:
    """Yield (index, value) of the groups of a GroupTable that have something of a measure."""
    is_syscall = [what.kind == "syscall" for what in groups.whats]
    wanted = name == "syscalls"
    for index, value in enumerate(groups.sums[_COLUMNS[name]]):
        if value > 0 and is_syscall[groups.what[index]] == wanted:
            yield index, value
