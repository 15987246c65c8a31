"""Groups that a report cannot tell apart, added up: what is counted of a run needs no more.

Their stacks may differ, as long as the same frame decided: a run may have as many stacks as events.
It seldom has as many places in its code, but it can: many_sites.py adds up those.
"""

from __future__ import annotations

from array import array
from collections import namedtuple

from alloctrace import kernels
from alloctrace.columns.group_table import SUMS
from . import coverage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NamedTuple

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.kernels import Given
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
    within_of, count = groups.within, len(groups)
    purpose_of = _mapped(groups.purpose, purposes)
    frame_of = _mapped(_deciders(groups, tree, nodes), frames)
    kind_of, firsts, withins = (array("I", bytes(4 * count)) for _ in range(3))
    columns = groups.what, groups.verdict, purpose_of, within_of, frame_of
    made, limit = None, count if most is None else most
    if count >= kernels.FEWEST:
        made = kernels.run("kinds", *columns, count, kind_of, firsts, withins, limit)
    if made is None or made < 0:
        return _numbered_here(columns, most)
    if made > limit:
        return None
    del firsts[made:], withins[made:]
    return kind_of, firsts, withins


def _numbered_here(
    columns: tuple[array[int], ...], most: int | None
) -> tuple[array[int], array[int], array[int]] | None:
    """The same without C."""
    kind_of = array("I")
    known: dict[tuple[int, int, int, int, int], int] = {}
    firsts, withins = array("I"), array("I")  # of each kind
    for index, (what, verdict, purpose, within, frame) in enumerate(zip(*columns)):
        within = kind_of[within - 1] if within else 0
        key = what, verdict, purpose, within, frame
        kind = known.setdefault(key, len(known) + 1)
        kind_of.append(kind)
        if kind > len(firsts):
            firsts.append(index)
            withins.append(within)
            if most is not None and kind > most:
                return None
    return kind_of, firsts, withins


def _mapped(column: array[int], numbers: Sequence[int]) -> array[int]:
    """Numbers in place of indexes; -1 stays."""
    if isinstance(numbers, range):
        return column
    return array(column.typecode, [numbers[at] if at >= 0 else -1 for at in column])


def _deciders(groups: GroupTable, tree: StackTree, nodes: array[int]) -> array[int]:
    """By group the number of the frame that decided; -1: none."""
    verdicts = [verdict.decided_by if verdict else None for verdict in groups.verdicts]
    parents, frame_of, count = tree.parents, tree.frame_of, len(groups)
    if count >= kernels.FEWEST:
        decided = array("q", [-1 if index is None else index for index in verdicts])
        leaps, leap, traits = tree.how_to_decide(max(decided))
        nodes_there, frames_there = len(parents), len(traits[0])
        found = array("i", bytes(4 * count))
        of_tree: list[Given] = [parents, frame_of, nodes_there, leaps, leap, *traits, frames_there]
        of_groups: list[Given] = [nodes, groups.verdict, count, decided, len(decided)]
        if kernels.run("deciders", *of_tree, *of_groups, found) == 0:
            return found
    place = tree.deciding_node
    ends = (place(node, verdicts[verdict]) for node, verdict in zip(nodes, groups.verdict))
    return array("i", [frame_of[node] if node else -1 for node in ends])


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


def _added(column: array[int], kind_of: array[int], count: int) -> Sequence[int]:
    if len(column) >= kernels.FEWEST:
        sums = array("q", bytes(8 * count))
        if kernels.run("added", column, kind_of, len(column), sums, count) == 0:
            return sums
    totals = [0] * (count + 1)
    if any(column):
        for kind, value in zip(kind_of, column):
            totals[kind] += value
    return totals[1:]
