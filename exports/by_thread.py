"""What each thread allocated, group by group: their sums do not tell threads apart, events do."""

from __future__ import annotations

from . import lifetimes, maker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from alloctrace.trace.read import Trace

    Shares = dict[int, dict[int, list[int]]]  # id of a group -> {tid: values of COLUMNS}

COLUMNS = ("allocations", "allocated", "live_blocks", "live_bytes")


def shares(trace: Trace) -> Shares:
    """{id of a group: {tid: values of COLUMNS}}. A group whose threads do not add up to what the
    trace says of it is left out."""
    found = _counted(trace)
    groups = trace.sums().groups
    said = [groups.sums[name] for name in COLUMNS]
    return {
        id_: threads
        for id_, threads in found.items()
        if [column[id_ - 1] for column in said] == list(map(sum, zip(*threads.values())))
    }


def _counted(trace: Trace) -> Shares:
    """The same, whatever the trace says."""
    facts = lifetimes.Facts(trace)
    with maker.started(trace, None, "threads", *facts.told()) as made:
        if made is not None:
            made.follow(lifetimes.COLUMNS)
            return _of_rows(map(maker.numbers, made.results()))
    found: Shares = {}
    for what, _, group, size, before, tid in lifetimes.replay(trace):
        of_group = found.get(group)
        if of_group is None:
            of_group = found[group] = {}
        sums = of_group.get(tid)
        if sums is None:
            sums = of_group[tid] = [0, 0, 0, 0]
        if what == lifetimes.ALLOCATED:
            sums[0] += 1
            sums[1] += size
            sums[2] += 1
            sums[3] += size
        elif what == lifetimes.RESIZED:
            sums[3] += size - before
        else:
            sums[2] -= 1
            sums[3] -= size
    return found


def _of_rows(results: Iterable[list[int]]) -> Shares:
    found: Shares = {}
    width = 2 + len(COLUMNS)
    for values in results:
        for at in range(0, len(values), width):
            group, tid, *sums = values[at : at + width]
            found.setdefault(group, {})[tid] = sums
    return found
