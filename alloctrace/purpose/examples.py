"""Of many recorded events some of each group, with the events that say what they are for.

An example is read from the chunk in which its group began, together with the call around it and
the one that made its block. The first events of a run come all, and of small groups every member
as far as there is room, with what follows it: there the loader's neighbours tell which library it
is about. Chunks cost time: where too many would have to be unfolded, those with the most events
decide, and the other groups get an example without sizes.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import compress

from alloctrace.plain import fresh, plain
from .survey import LOOK_AHEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.packed import PackedHistory
    from alloctrace.model import Event, Group

FIRST_EVENTS = 3000
MAX_CHUNKS = 64
FEW = 64  # members: a small group
MAX_PICKED = 20000
_MORE_THAN_ONE = bytes(number > 1 for number in range(256))


@plain
class Examples:
    """Events numbered anew, in their order."""

    events: list[Event]
    seqs: list[int]  # what they were numbered before
    stands_for: dict[int, Group]  # {index: Group that began with it}
    members: dict[int, list[int]] = fresh(dict)  # {id of a group: [indexes of its events here]}
    # {(pid, image): seq up to which all syscalls of that program are here}; all, where it has none.
    syscalls_until: dict[tuple[int, int], int] = fresh(dict)
    followed: set[int] = fresh(set)  # ids of groups of which is here what came next

    def is_whole(self, low: int, high: int) -> bool:
        """Whether no event between these two indexes is left out."""
        is_gapless = self.seqs[high] - self.seqs[low] == high - low
        return is_gapless and (low > 0 or not self.seqs[0])

    def is_before(self, low: int, high: int) -> bool:
        """Whether the event at `low` is known to be the one before, of those of its block."""
        group = self.stands_for.get(high)
        return self.is_whole(0, high) or (group is not None and group.before == self.seqs[low])

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


def of(packed: PackedHistory, groups: list[Group]) -> Examples:
    """The Examples of a packed.PackedHistory, for these of its groups."""
    chunks = _chunks_of(packed, groups)
    first = {group.first_seq: group for group in groups}
    wanted = set(range(min(FIRST_EVENTS, len(packed.events)))) | set(first)
    wanted |= {group.before for group in groups if group.before is not None}
    window = _windows(groups)
    wanted |= _of_small_groups(packed, window, chunks)
    maker = packed.maker()
    found = {event.seq: (event, id_) for event, id_ in packed.pick(wanted, chunks, maker)}
    around = (seq for event, _ in found.values() for seq in (event.cause, event.outer))
    outside = {seq for seq in around if seq is not None} - found.keys()
    more = packed.pick(outside, chunks, maker)
    found.update((event.seq, (event, id_)) for event, id_ in more)
    for seq, group in first.items():
        if seq not in found:
            found[seq] = _bare(packed.sums.groups, group), group.id
    made = _numbered_anew(found, first)
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
    for id_, count in groups.counts("syscall"):
        if len(made.members.get(id_, ())) == count:
            continue
        group = groups[id_ - 1]
        until = max(FIRST_EVENTS, group.first_seq + 1)
        if id_ in window:
            at = bisect_right(starts, until) - 1
            while at in chunks:
                at += 1
            until = max(until, starts[at]) if at < len(starts) else len(packed.events)
        key = group.pid, group.image
        found[key] = min(until, found.get(key, until))
    return found


def _chunks_of(packed: PackedHistory, groups: list[Group]) -> set[int]:
    """Indexes of the chunks to unfold."""
    starts = [first for first, _, _ in packed.chunks]
    chosen = set(range(bisect_right(starts, FIRST_EVENTS - 1)))
    if not starts:
        return chosen
    for group in filter(_is_start, groups):  # soon told, and asked about by who reads of a start
        if len(chosen) < MAX_CHUNKS // 2:
            chosen.add(bisect_right(starts, group.first_seq) - 1)
    for group in sorted(groups, key=lambda group: -group.count):
        chosen.add(bisect_right(starts, group.first_seq) - 1)
        if len(chosen) >= MAX_CHUNKS:
            return chosen
    return chosen | set(range(min(MAX_CHUNKS, len(starts))))


def _is_start(group: Group) -> bool:
    """Whether the loader mapped files for a program."""
    return group.kind == "syscall" and group.phase == "load"


def _windows(groups: list[Group]) -> dict[int, int]:
    """{id of a small group: how many events from each of its members on}: syscalls first, then the
    smallest. Behind calls of the loader also what follows: soon after, files are mapped."""
    window: dict[int, int] = {}
    room = MAX_PICKED
    for group in sorted(groups, key=lambda group: (group.kind == "call", group.count)):
        is_loaders = group.is_call and group.verdict and group.verdict.origin == "loader"
        length = LOOK_AHEAD if is_loaders and group.name != "free" else 1
        room -= group.count * length
        if room < 0:
            break
        if group.count <= FEW or group.kind == "syscall":
            window[group.id] = length
    return window


def _of_small_groups(packed: PackedHistory, window: dict[int, int], chunks: set[int]) -> set[int]:
    """Seqs of their members, with what follows."""
    found: set[int] = set()
    lengths = bytearray(max(window, default=0) + 1)
    for id_, length in window.items():
        lengths[id_] = length
    for index in sorted(chunks if window else ()):
        first, count, here = packed.where(index, "group", lengths)
        seqs = range(first, first + count)
        found.update(compress(seqs, here))
        for seq in compress(seqs, here.translate(_MORE_THAN_ONE)):
            found.update(range(seq, seq + here[seq - first]))
    return found


def _bare(groups: GroupTable, group: Group) -> Event:
    """What is known of an event without reading it."""
    made = groups.example(group.id - 1)
    made.seq, made.t_ns = group.first_seq, group.first_t
    return made


def _numbered_anew(found: dict[int, tuple[Event, int]], first: dict[int, Group]) -> Examples:
    """As if there had been no others. The events were made for this, and are changed."""
    made = Examples([], sorted(found), {})
    numbers: dict[int | None, int] = {seq: index for index, seq in enumerate(made.seqs)}
    for index, seq in enumerate(made.seqs):
        event, id_ = found[seq]
        made.events.append(event)
        made.members.setdefault(id_, []).append(index)
        if seq in first:
            made.stands_for[index] = first[seq]
        event.seq = index
        event.cause, event.outer = numbers.get(event.cause), numbers.get(event.outer)
    return made
