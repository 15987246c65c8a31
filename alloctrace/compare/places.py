"""Where a program stands in the tree of processes of its run: the names that lead to it.

Programs of the same name at the same place are one: how many a `make -j` starts, and in which
order, is no difference by itself.
"""

from __future__ import annotations

from collections import namedtuple

from alloctrace.summary import lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.summary.lives import Program

    class _Counted(NamedTuple):
        pid: int
        image: int
        count: int  # type: ignore[assignment]  # hides what a tuple counts
        is_call: bool

else:
    _Counted = namedtuple("_Counted", "pid image count is_call")

DEEPEST = 40  # names of a place; of deeper ones the last


def of_run(run: dict[str, Any], groups: GroupTable) -> dict[tuple[int, int], tuple[str, ...]]:
    """{(pid, image): place}; a run of a single program has the place () for it."""
    counts = dict.fromkeys(groups.programs(), 0)
    keys = groups.programs()
    for what, count in zip(groups.what, groups.sums["count"]):
        counts[keys[what]] += count
    rows = [_Counted(*key, count, False) for key, count in counts.items()]
    processes = lives.of_run(run, rows)
    if sum(len(process.programs) for process in processes) < 2:
        return dict.fromkeys(counts, ())
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    for process in processes:  # a parent before its children
        before = process.parent
        image = process.parent_image
        above = found.get((before.pid, image), ()) if before and image is not None else ()
        for program in process.programs:
            found[program.key] = (above + (_word(program, process is processes[0]),))[-DEEPEST:]
    return found


def _word(program: Program, is_first: bool) -> str:
    """The program that was started has another name in another build."""
    if is_first and program.began == "start":
        return ""
    return "(fork)" if program.began == "fork" else program.name
