"""Groups that a report cannot tell apart, added up: what is counted of a run needs no more.

Their stacks may differ, as long as the same frame decided: a run may have as many stacks as events,
but it has not as many places in its code.
"""

from __future__ import annotations

from array import array
from collections import namedtuple

from . import coverage
from .group_table import SUMS


# groups: a GroupTable, as they began, each with the stack of its first one, `within`
# the kind of the calls around it, which is an older one; tree: their StackTree; looks: {(pid,
# image): what coverage.look says of the frames of its stacks}.
Kinds = namedtuple("Kinds", "groups tree looks")


def of(groups, tree, nodes):
    """The Kinds of a GroupTable. `nodes`: of the StackTree `tree`, where their stacks begin."""
    known, kind_of = {}, array("I")
    firsts, withins = array("I"), array("I")  # of each kind
    decided = [verdict.decided_by if verdict else None for verdict in groups.verdicts]
    place, frame_of = tree.deciding_node, tree.frame_of
    rows = zip(groups.what, groups.verdict, groups.purpose, groups.within, nodes)
    for index, (what, verdict, purpose, within, node) in enumerate(rows):
        within = kind_of[within - 1] if within else 0
        node = place(node, decided[verdict])
        key = what, verdict, purpose, within, frame_of[node] if node else -1
        kind = known.setdefault(key, len(known) + 1)
        kind_of.append(kind)
        if kind > len(firsts):
            firsts.append(index)
            withins.append(within)
    found = groups.picked(firsts)
    found.within = withins
    found.set_sums(0, [_added(groups.sums[name], kind_of, len(firsts)) for name in SUMS])
    found.set_own_peaks(0, _added(groups.own_peak, kind_of, len(firsts)))
    programs = groups.programs()
    looks = tree.said(map(programs.__getitem__, groups.what), nodes, coverage.look)
    return Kinds(found, tree, looks)


def _added(column, kind_of, count):
    totals = [0] * (count + 1)
    if any(column):
        for kind, value in zip(kind_of, column):
            totals[kind] += value
    return totals[1:]
