"""Events as slices of Perfetto's tracks: each begins with a packet and ends with another one.

Slices of a track nest by time alone, so none outlasts the one around it, nor the next one of its
thread. The packets that begin slices are made column by column; what is left to do event by event
is to end what is over.
"""

from __future__ import annotations

import struct
from collections import namedtuple
from operator import add, itemgetter

from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import PRESENT, SIGNED_SIZE

from . import maker
from .protobuf import fixed64, varint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, BinaryIO, NamedTuple, Optional, Union

    from alloctrace.trace.read import Trace
    from .perfetto import _File

    Made = tuple[bytes, Optional[int], "_Thread"]
    Open = list[tuple[int, int]]  # slices: number of the event, when it ends
    Size = Union[int, tuple[int], None]  # as _bytes has it

_COLUMNS = ("group", "tid", "present", "t_ns", "dur_ns", "size", "nmemb", "block", "cause",
            "outer")  # fmt: skip
_DUR, _SIZE, _NMEMB = PRESENT["dur_ns"], PRESENT["size"], PRESENT["nmemb"]
_BLOCK, _CAUSE, _OUTER = PRESENT["block"], PRESENT["cause"], PRESENT["outer"]
_INSIDE = _CAUSE | _OUTER
_TOGETHER = 1 << 12  # events
_MOST_KNOWN = 1 << 16
_FLOW = fixed64(47, 0)[:-8]  # TrackEvent.flow_ids, without the block's number
_PACKET = b"\x0a"  # Trace.packet
_AT = b"\x40"  # TracePacket.timestamp: it is there even where it is 0
_FOREVER = 1 << 64
# A time is written as its lower bits, in a table, and the others, which many events share.
_BITS = 14
_MASK = (1 << _BITS) - 1
_LOW = [bytes((low & 127 | 128, low >> 7 | 128)) for low in range(1 << _BITS)]

# slices: those that are open, (number of the event, when it ends); ends: see Slices._ends; event:
# what ends one.
if TYPE_CHECKING:

    class _Thread(NamedTuple):
        number: int
        slices: Open
        ends: list[bytes]
        event: bytes

else:
    _Thread = namedtuple("_Thread", "number slices ends event")


class Slices:
    """`file`: what they are made of, see _File in perfetto.py."""

    def __init__(self, out: BinaryIO, trace: Trace, file: _File) -> None:
        self._out, self._trace, self._file = out, trace, file
        self._threads: dict[tuple[int, int], _Thread] = {}
        self._made: dict[tuple[int, int, int], Made] = _Kept(self._make)
        self._sizes: dict[Size, bytes] = _Kept(
            lambda size: b"" if size is None else file.size(size)
        )
        self._events: dict[int, tuple[bytes, int]] = _Kept(file.event)
        self._heads: dict[int, bytes] = _Kept(lambda size: _PACKET + varint(size) + _AT)
        self.last = 0  # when the latest thing happened

    def write(self) -> None:
        with maker.started(self._trace, self._out, "slices", *self._told()) as made:
            if made is not None:
                made.follow(_COLUMNS, self._asked)
                (last,) = made.results()
                self.last = int.from_bytes(last, "little")
                return
        for first, columns in self._trace.chunk_columns(_COLUMNS):
            for begin in range(0, len(columns[0]), _TOGETHER):
                part = [column[begin : begin + _TOGETHER] for column in columns]
                self._out.write(b"".join(self._some(first + begin, *part)))
        for thread in self._threads.values():
            ended = self._ended(thread.slices, 0, _FOREVER, thread.ends)
            self._out.write(b"".join(ended))

    def _told(self) -> tuple[bytes, ...]:
        """What the program that makes bytes must know: what stands in front of a packet, a time, an
        event, a size in it, and a size without and with a sign."""
        event, _ = self._file.event(1)
        return _PACKET, _AT, event[:-1], *self._file.of_size()

    def _asked(self, keys: list[int]) -> bytes:
        """What it asks for: what all events of a group, a thread and alike in `present` say."""
        said = []
        for key in zip(keys[::3], keys[1::3], keys[2::3]):
            about, process, thread = self._made[key]
            said.append(struct.pack("<QQ", (process or 0) & MASK64, thread.number))
            said += [maker.text(thread.event), maker.text(about)]
        return b"".join(said)

    def _some(
        self,
        first: int,
        groups: list[int],
        tids: list[int],
        has: list[int],
        times: list[int],
        durs: list[int],
        sizes: list[int],
        nmembs: list[int],
        blocks: list[int],
        *inside: list[int],
    ) -> list[bytes]:
        """The packets of some events. A packet is its head, when, how long its event is, what all
        such events say, of which block it is, and a size."""
        keys = zip(groups, tids, has)
        abouts, processes, threads = zip(*map(self._made.__getitem__, keys))
        flows = [
            b"" if process is None else (block + process & MASK64).to_bytes(8, "little")
            for block, process in zip(blocks, processes)
        ]
        said = list(map(self._sizes.__getitem__, _bytes(has, sizes, nmembs)))
        lengths = map(add, map(add, map(len, abouts), map(len, flows)), map(len, said))
        events = list(map(self._events.__getitem__, lengths))
        stamps = [_LOW[t & _MASK] + _HIGH[t >> _BITS] for t in times]
        lengths = map(add, map(len, stamps), map(itemgetter(1), events))
        heads = map(self._heads.__getitem__, lengths)
        begins = map(b"".join, zip(heads, stamps, map(itemgetter(0), events), abouts, flows, said))
        self.last = max(self.last, max(times))
        return self._nested(first, zip(has, times, durs, threads, begins), *inside)

    def _nested(
        self,
        first: int,
        rows: Iterable[tuple[int, int, int, _Thread, bytes]],
        causes: list[int],
        outers: list[int],
    ) -> list[bytes]:
        """The packets that begin slices, and in front of each those that end what is over."""
        made: list[bytes] = []
        put = made.append
        for seq, (has, t_ns, dur, (_, slices, ends, _), begin) in enumerate(rows, first):
            end = t_ns + dur if has & _DUR else _FOREVER
            if has & _INSIDE:
                lag = causes[seq - first] if has & _CAUSE else outers[seq - first]
                made += self._ended(slices, _depth(slices, seq - lag), t_ns, ends)
                if slices and slices[-1][1] < end:
                    end = slices[-1][1]
            elif slices:
                if len(slices) > 1:
                    made += self._ended(slices, 1, t_ns, ends)
                until = slices.pop()[1]
                if until > t_ns:
                    until = t_ns
                high = _HIGH[until >> _BITS]
                put(ends[len(high)] + _LOW[until & _MASK] + high + ends[0])
            put(begin)
            slices.append((seq, end))
        return made

    def _ended(self, slices: Open, depth: int, t_ns: int, ends: list[bytes]) -> list[bytes]:
        """End the slices from `depth` on, the innermost first; what had no end ends here."""
        found = []
        for _, end in slices[: depth - 1 if depth else None : -1]:
            end = min(end, t_ns)
            end = self.last if end == _FOREVER else end
            self.last = max(self.last, end)
            high = _HIGH[end >> _BITS]
            found.append(ends[len(high)] + _LOW[end & _MASK] + high + ends[0])
        del slices[depth:]
        return found

    def _make(self, key: tuple[int, int, int]) -> Made:
        """(what all such events say, the process's bits of a block or None, their thread)."""
        group, tid, has = key
        about, process = self._file.about(group)
        name, begins, ends = self._file.thread(group, tid)
        thread = self._threads.get(name)
        if thread is None:
            number = len(self._threads)
            thread = self._threads[name] = _Thread(number, [], self._ends(ends), ends)
        event = begins + about
        event += b"" if has & _DUR else self._file.said("return", "never seen")
        return (event + _FLOW, process, thread) if has & _BLOCK else (event, None, thread)

    def _ends(self, event: bytes) -> list[bytes]:
        """[what follows the time of a packet that ends a slice; what is before it, by how long the
        upper part of the time is]."""
        tail = self._file.event(len(event))[0] + event
        return [tail] + [self._heads[len(tail) + len(_LOW[0]) + n + len(_AT)] for n in range(1, 11)]


class _Kept(dict["Any", "Any"]):
    """{key: make(key)}, some of them."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[key] = made = self._make(key)
        return made


_HIGH: dict[int, bytes] = _Kept(varint)


def _depth(slices: Open, within: int) -> int:
    """How many of them are around an event that lies in `within`."""
    depth = len(slices)
    while depth and slices[depth - 1][0] != within:
        depth -= 1
    return depth


def _bytes(has: list[int], sizes: list[int], nmembs: list[int]) -> Sequence[Size]:
    """What each asked for, as much as 64 bits hold; None where it asked for nothing, and in a tuple
    what is signed."""
    known = set(has)
    if all(one & _SIZE and not one & (_NMEMB | SIGNED_SIZE) for one in known) and min(sizes) >= 0:
        return sizes
    return list(map(_bytes_of, has, sizes, nmembs))


def _bytes_of(has: int, size: int, nmemb: int) -> Size:
    if not has & _SIZE:
        return None
    if has & SIGNED_SIZE:
        return (size,)
    size &= MASK64
    return min(size * (nmemb & MASK64), MASK64) if has & _NMEMB else size
