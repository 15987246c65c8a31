"""Of many recorded events some of each group, with the events that say what they are for.

An example is read from the chunk in which its group began, together with the call around it and
the one that made its block. The first events of a run come all, and of small groups every member
as far as there is room, with what follows it: there the loader's neighbours tell which library it
is about. Chunks cost time: where too many would have to be unfolded, those with the most events
decide, and the other groups get an example without sizes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import chain, compress

from alloctrace.columns.few_events import FewEvents
from alloctrace.columns.schema import PRESENT
from alloctrace.plain import fresh, plain
from .survey import LOOK_AHEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.packed import PackedHistory
    from alloctrace.model import Group

FIRST_EVENTS = 3000
MAX_CHUNKS = 64
FEW = 64  # members: a small group
MAX_PICKED = 20000


@plain
class Examples:
    """Events numbered anew, in their order."""

    events: FewEvents
    groups: GroupTable
    seqs: list[int]  # what they were numbered before
    example: dict[int, int]  # {id of a group: index of the event that it began with}
    stands_for: dict[int, int]  # {that index: the id}
    members: dict[int, list[int]]  # {id of a group: [indexes of its events here]}
    # {(pid, image): seq up to which all syscalls of that program are here}; all, where it has none.
    syscalls_until: dict[tuple[int, int], int] = fresh(dict)
    followed: set[int] = fresh(set)  # ids of groups of which is here what came next

    def is_whole(self, low: int, high: int) -> bool:
        """Whether no event between these two indexes is left out."""
        is_gapless = self.seqs[high] - self.seqs[low] == high - low
        return is_gapless and (low > 0 or not self.seqs[0])

    def is_before(self, low: int, high: int) -> bool:
        """Whether the event at `low` is known to be the one before, of those of its block."""
        id_ = self.stands_for.get(high)
        is_told = id_ is not None and self.groups.before[id_ - 1] == self.seqs[low]
        return is_told or self.is_whole(0, high)

    def are_all(self, group: Group) -> bool:
        """Whether every event of the group is here."""
        return len(self.members.get(group.id, ())) == group.count

    def have_neighbours(self, group: Group) -> bool:
        """Whether what rules may ask of the events around them is here too."""
        last = max(self.members[group.id])
        if group.kind == "syscall":
            return self.has_syscalls_before(last)
        last = self.seqs[last]
        return group.id in self.followed or last + LOOK_AHEAD < FIRST_EVENTS

    def has_syscalls_before(self, index: int) -> bool:
        """Whether all syscalls that its program made before the event at `index` are here."""
        event = self.events[index]
        until = self.syscalls_until.get((event.pid, event.image))
        return until is None or self.seqs[index] < until


def of(packed: PackedHistory, indexes: Sequence[int]) -> Examples:
    """The Examples of a packed.PackedHistory, for its groups at these indexes."""
    groups = packed.sums.groups
    chunks = _chunks_of(packed, indexes)
    first = {groups.first_seq[at]: at + 1 for at in indexes}
    wanted = set(range(min(FIRST_EVENTS, len(packed.events)))) | first.keys()
    wanted.update(seq for seq in map(groups.before.__getitem__, indexes) if seq >= 0)
    window = _windows(groups, indexes)
    wanted |= _of_small_groups(packed, window, chunks)
    seqs, columns = packed.pick(wanted, chunks)
    _add_bare(groups, seqs, columns, first)
    made = _numbered_anew(packed, seqs, columns, first)
    made.followed = {id_ for id_, length in window.items() if length == LOOK_AHEAD}
    made.syscalls_until = _syscalls_until(packed, made, window, chunks)
    return made


def _syscalls_until(
    packed: PackedHistory, made: Examples, window: dict[int, int], chunks: set[int]
) -> dict[tuple[int, int], int]:
    """Members that are not here lie behind the group's first one: where all were looked for, in a
    chunk that was not unfolded."""
    found: dict[tuple[int, int], int] = {}
    groups, starts = packed.sums.groups, [first for first, _, _ in packed.chunks]
    programs = groups.programs()
    for id_, count in groups.counts("syscall"):
        if len(made.members.get(id_, ())) == count:
            continue
        until = max(FIRST_EVENTS, groups.first_seq[id_ - 1] + 1)
        if id_ in window:
            at = bisect_right(starts, until) - 1
            while at in chunks:
                at += 1
            until = max(until, starts[at]) if at < len(starts) else len(packed.events)
        key = programs[groups.what[id_ - 1]]
        found[key] = min(until, found.get(key, until))
    return found


def _chunks_of(packed: PackedHistory, indexes: Sequence[int]) -> set[int]:
    """Indexes of the chunks to unfold."""
    groups, starts = packed.sums.groups, [first for first, _, _ in packed.chunks]
    if len(starts) <= MAX_CHUNKS:
        return set(range(len(starts)))
    chosen = set(range(bisect_right(starts, FIRST_EVENTS - 1)))
    # Soon told, and asked about by who reads of a start: the loader mapped files for a program.
    is_start = [what.kind == "syscall" and what.phase == "load" for what in groups.whats]
    for at in indexes:
        if is_start[groups.what[at]] and len(chosen) < MAX_CHUNKS // 2:
            chosen.add(bisect_right(starts, groups.first_seq[at]) - 1)
    for at in sorted(indexes, key=groups.sums["count"].__getitem__, reverse=True):
        chosen.add(bisect_right(starts, groups.first_seq[at]) - 1)
        if len(chosen) >= MAX_CHUNKS:
            return chosen
    return chosen | set(range(MAX_CHUNKS))


def _windows(groups: GroupTable, indexes: Iterable[int]) -> dict[int, int]:
    """{id of a small group: how many events from each of its members on}: syscalls first, then the
    smallest. Behind calls of the loader also what follows: soon after, files are mapped."""
    window: dict[int, int] = {}
    room, counts = MAX_PICKED, groups.sums["count"]
    is_call = [what.kind == "call" for what in groups.whats]
    leads = [what.kind == "call" and what.name != "free" for what in groups.whats]
    is_loaders = [verdict and verdict.origin == "loader" for verdict in groups.verdicts]
    kinds: tuple[list[int], list[int]] = [], []
    for at in indexes:
        kinds[is_call[groups.what[at]]].append(at)
    for kind in kinds:
        kind.sort(key=counts.__getitem__)
    for at in chain(*kinds):
        what, count = groups.what[at], counts[at]
        follows = leads[what] and is_loaders[groups.verdict[at]] and not groups.within[at]
        length = LOOK_AHEAD if follows else 1
        room -= count * length
        if room < 0:
            break
        if count <= FEW or not is_call[what]:
            window[at + 1] = length
    return window


def _of_small_groups(packed: PackedHistory, window: dict[int, int], chunks: set[int]) -> set[int]:
    """Seqs of their members, with what follows."""
    found: set[int] = set()
    lengths = bytearray(max(window, default=0) + 1)
    for id_, length in window.items():
        lengths[id_] = length
    for index in sorted(chunks if window else ()):
        first, rows, here = packed.marked(index, "group", lengths)
        for row, length in zip(rows, here):
            if length == 1:
                found.add(first + row)
            else:
                found.update(range(first + row, first + row + length))
    return found


def _add_bare(
    groups: GroupTable, seqs: list[int], columns: dict[str, list[int]], first: dict[int, int]
) -> None:
    """Of events that groups began with, and that were not read, what is known without."""
    bare = sorted(first.keys() - set(seqs))
    if not bare:
        return
    known = {"group": [first[seq] for seq in bare]}
    whats = [groups.whats[groups.what[id_ - 1]] for id_ in known["group"]]
    known["tid"] = [what.pid for what in whats]
    seqs += bare
    order = sorted(range(len(seqs)), key=seqs.__getitem__)
    seqs.sort()
    for name, values in columns.items():
        values += known.get(name) or [0] * len(bare)
        values[:] = map(list(values).__getitem__, order)


def _numbered_anew(
    packed: PackedHistory, seqs: list[int], columns: dict[str, list[int]], first: dict[int, int]
) -> Examples:
    """As if there had been no others."""
    numbers = {seq: index for index, seq in enumerate(seqs)}
    presents = columns["present"]
    for name in ("cause", "outer"):
        distances, bit = columns[name], PRESENT[name]
        for index in compress(range(len(seqs)), distances):
            at = numbers.get(seqs[index] - distances[index])
            if at is None:
                presents[index] &= ~bit
            distances[index] = 0 if at is None else index - at
    events = FewEvents(packed, columns)
    members: dict[int, list[int]] = defaultdict(list)
    for index, id_ in enumerate(columns["group"]):
        members[id_].append(index)
    example = {id_: numbers[seq] for seq, id_ in first.items()}
    stands_for = {index: id_ for id_, index in example.items()}
    return Examples(events, packed.sums.groups, seqs, example, stands_for, members)
