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
_MOST_WIDENED, _AT_ONCE = 1 << 20, 1 << 16  # groups


# groups: a GroupTable, as they began, each with the stack of its first one, `within`
# the kind of the calls around it, which is an older one; tree: their StackTree; deciders: of each
# the number of the frame that decided about its first one, -1: none; rough: a GroupTable of fewer,
# those alike in all but that and the words of their purposes; looks: {(pid,
# image): what coverage.look says of the frames of its stacks}; by_place: whether a kind is of one
# place: else what is asked of places must be asked of the groups.
if TYPE_CHECKING:

    class Kinds(NamedTuple):
        groups: GroupTable
        tree: StackTree
        deciders: array[int]
        rough: GroupTable
        looks: dict[tuple[int, int], set[tuple[str, bool, bool]]]
        by_place: bool

else:
    Kinds = namedtuple("Kinds", "groups tree deciders rough looks by_place")


def of(groups: GroupTable, tree: StackTree, nodes: array[int], most: int | None = None) -> Kinds:
    """The Kinds of a GroupTable. `nodes`: of the StackTree `tree`, where their stacks begin.

    `most`: with more kinds than that they are not told apart by place, nor by the words of their
    purposes; None: whatever their number.
    """
    alike, deciders = _purposes(groups.purposes), _deciders(groups, tree, nodes)
    made = _numbered(groups, groups.purpose, deciders, most)
    by_place = made is not None
    if made is None:
        frames = _frames(tree.frames)
        places = array("i", [frames[frame] if frame >= 0 else -1 for frame in deciders])
        made = _numbered(groups, _mapped(groups.purpose, alike), places, None)
    assert made is not None  # only with a limit there may be too many
    found = _together(groups, *made)
    deciders = array("i", map(deciders.__getitem__, made[1]))
    programs = groups.programs()
    looks = tree.said(map(programs.__getitem__, groups.what), nodes, coverage.look)
    return Kinds(found, tree, deciders, rough(found, alike), looks, by_place)


def rough(groups: GroupTable, alike: Sequence[int]) -> GroupTable:
    """Of a GroupTable those alike but for their place added up; `alike`: a number of each of its
    purposes."""
    purposes, nowhere = _mapped(groups.purpose, alike), array("i", bytes(4 * len(groups)))
    made = _numbered(groups, purposes, nowhere, None)
    assert made is not None  # only with a limit there may be too many
    return _together(groups, *made)


def _together(
    groups: GroupTable, kind_of: array[int], firsts: array[int], withins: array[int]
) -> GroupTable:
    """A table of kinds, as `_numbered` gives them."""
    found = groups.picked(firsts)
    found.within = withins
    found.set_sums(0, [_added(groups.sums[name], kind_of, len(firsts)) for name in SUMS])
    found.set_own_peaks(0, _added(groups.own_peak, kind_of, len(firsts)))
    return found


def _numbered(
    groups: GroupTable, purposes: array[int], places: array[int], most: int | None
) -> tuple[array[int], array[int], array[int]] | None:
    """(by group its kind, by kind its first group, and the kind around it); None: more than
    `most`. What has the same number in `purposes` and `places`, which are by group, is alike."""
    count = len(groups)
    kind_of, firsts, withins = (array("I", bytes(4 * count)) for _ in range(3))
    columns = groups.what, groups.verdict, purposes, groups.within, places
    made, limit = None, count if most is None else most
    if _are_for_c(*columns):
        wide = *(_wide("I", column) for column in columns[:-1]), places
        made = kernels.run("kinds", *wide, count, kind_of, firsts, withins, limit)
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
    """Numbers in place of indexes."""
    return array(column.typecode, map(numbers.__getitem__, column))


def _deciders(groups: GroupTable, tree: StackTree, nodes: array[int]) -> array[int]:
    """By group the number of the frame that decided; -1: none."""
    verdicts = [verdict.decided_by if verdict else None for verdict in groups.verdicts]
    parents, frame_of, count = tree.parents, tree.frame_of, len(groups)
    if _are_for_c(groups.verdict):
        decided = array("q", [-1 if index is None else index for index in verdicts])
        leaps, leap, traits = tree.how_to_decide(max(decided))
        nodes_there, frames_there = len(parents), len(traits[0])
        found = array("i", bytes(4 * count))
        of_tree: list[Given] = [parents, frame_of, nodes_there, leaps, leap, *traits, frames_there]
        of_groups: list[Given] = [nodes, _wide("I", groups.verdict), count, decided, len(decided)]
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


def _are_for_c(*columns: array[int]) -> bool:
    """Whether a pass in C is worth its call: those of a trace that was read are narrow, and of many
    millions of groups wide ones as well would be too much memory."""
    count = len(columns[0])
    return count >= kernels.FEWEST and (
        count <= _MOST_WIDENED or all(column.itemsize == 4 for column in columns)
    )


def _wide(code: str, column: array[int]) -> array[int]:
    return column if column.typecode == code else array(code, column)


def _added(column: array[int], kind_of: array[int], count: int) -> Sequence[int]:
    sums = array("q", bytes(8 * count))
    starts = range(0, len(column), _AT_ONCE) if len(column) >= kernels.FEWEST else ()
    for at in starts:
        part = _wide("q", column[at : at + _AT_ONCE]), kind_of[at : at + _AT_ONCE]
        if kernels.run("added", *part, len(part[0]), sums, count) != 0:
            break
    else:
        if starts:
            return sums
    totals = [0] * (count + 1)
    if any(column):
        for kind, value in zip(kind_of, column):
            totals[kind] += value
    return totals[1:]
