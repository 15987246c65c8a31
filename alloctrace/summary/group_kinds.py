"""Groups that a report cannot tell apart, added up: what is counted of a run needs no more.

Their stacks may differ, as long as the same frame decided: a run may have as many stacks as events.
It seldom has as many places in its code, but it can: many_sites.py adds up those.
"""

from __future__ import annotations

from array import array
from collections import namedtuple

from alloctrace.columns.group_table import SUMS
from . import coverage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NamedTuple

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Frame, Purpose
    from alloctrace.stacks.tree import StackTree


MOST = 1 << 14  # kinds of a run that are told apart by place


# groups: a GroupTable, as they began, each with the stack of its first one, `within`
# the kind of the calls around it, which is an older one; tree: their StackTree; looks: {(pid,
# image): what coverage.look says of the frames of its stacks}; by_place: whether a kind is of one
# place: else what is asked of places must be asked of the groups.
if TYPE_CHECKING:

    class Kinds(NamedTuple):
        groups: GroupTable
        tree: StackTree
        looks: dict[tuple[int, int], set[tuple[str, bool, bool]]]
        by_place: bool

else:
    Kinds = namedtuple("Kinds", "groups tree looks by_place")


def of(groups: GroupTable, tree: StackTree, nodes: array[int], most: int | None = None) -> Kinds:
    """The Kinds of a GroupTable. `nodes`: of the StackTree `tree`, where their stacks begin.

    `most`: with more kinds than that they are not told apart by place, nor by the words of their
    purposes; None: whatever their number.
    """
    purposes: Sequence[int] = range(len(groups.purposes))
    frames: Sequence[int] = range(len(tree.frames))
    made = _numbered(groups, tree, nodes, purposes, frames, most)
    by_place = made is not None
    if not by_place:
        purposes, frames = _purposes(groups.purposes), _frames(tree.frames)
        made = _numbered(groups, tree, nodes, purposes, frames, None)
    assert made is not None  # only with a limit there may be too many
    kind_of, firsts, withins = made
    found = groups.picked(firsts)
    found.within = withins
    found.set_sums(0, [_added(groups.sums[name], kind_of, len(firsts)) for name in SUMS])
    found.set_own_peaks(0, _added(groups.own_peak, kind_of, len(firsts)))
    programs = groups.programs()
    looks = tree.said(map(programs.__getitem__, groups.what), nodes, coverage.look)
    return Kinds(found, tree, looks, by_place)


def _numbered(
    groups: GroupTable,
    tree: StackTree,
    nodes: array[int],
    purposes: Sequence[int],
    frames: Sequence[int],
    most: int | None,
) -> tuple[array[int], array[int], array[int]] | None:
    """(by group its kind, by kind its first group, and the kind around it); None: more than
    `most`. What has the same number in `purposes`, or in `frames`, is alike."""
    kind_of = array("I")
    known: dict[tuple[int, int, int, int, int], int] = {}
    firsts, withins = array("I"), array("I")  # of each kind
    decided = [verdict.decided_by if verdict else None for verdict in groups.verdicts]
    place, frame_of = tree.deciding_node, tree.frame_of
    rows = zip(groups.what, groups.verdict, groups.purpose, groups.within, nodes)
    for index, (what, verdict, purpose, within, node) in enumerate(rows):
        within = kind_of[within - 1] if within else 0
        node = place(node, decided[verdict])
        key = what, verdict, purposes[purpose], within, frames[frame_of[node]] if node else -1
        kind = known.setdefault(key, len(known) + 1)
        kind_of.append(kind)
        if kind > len(firsts):
            firsts.append(index)
            withins.append(within)
            if most is not None and kind > most:
                return None
    return kind_of, firsts, withins


def _frames(frames: Sequence[Frame]) -> array[int]:
    """By frame a number of what coverage.Understood asks of it."""
    known: dict[tuple[str, bool, bool] | None, int] = {}
    asked = (
        (frame.path, bool(frame.function), bool(frame.line)) if frame.role == "executable" else None
        for frame in frames
    )
    return array("I", [known.setdefault(what, len(known)) for what in asked])


def _purposes(purposes: Sequence[Purpose | None]) -> array[int]:
    """By purpose a number of its rule, and of whether it says something."""
    known: dict[tuple[str | int | None, int], int] = {}
    asked: Iterable[tuple[Any, int]]
    asked = ((None, False) if p is None else (p.rule, p.text is not None) for p in purposes)
    # Of a trace the texts stay in the file.
    if hasattr(purposes, "rule_of") and hasattr(purposes, "is_said"):
        asked = zip(purposes.rule_of.values, purposes.is_said)
    return array("I", [known.setdefault(what, len(known)) for what in asked])


def _added(column: array[int], kind_of: array[int], count: int) -> list[int]:
    totals = [0] * (count + 1)
    if any(column):
        for kind, value in zip(kind_of, column):
            totals[kind] += value
    return totals[1:]
