"""Perfetto's protobuf: a track a thread, its calls with the syscalls in them, phases, counters.

Fields: github.com/google/perfetto, protos/perfetto/trace/ (trace_packet, track_event/*,
interned_data). What nesting cannot show is a flow: a block from the call that handed it out to the
one that ended it.
"""

from __future__ import annotations

from alloctrace import measure
from alloctrace.fields import number as number_of, text as text_of

from . import lifetimes, regions, stacks
from .formats import Format
from .protobuf import data, number, text, varint
from .slices import Slices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from alloctrace.model import Border, Group
    from alloctrace.trace.read import Trace
    from .formats import Choice

FORMAT = Format(
    title="a timeline for Perfetto: threads, calls and the syscalls in them, phases, counters",
    ending=".perfetto-trace",
    keeps="every event: time, size, phase, origin, purpose, region, function, block; live bytes",
    loses="stacks but that one function, addresses, syscalls' arguments",
    opens="ui.perfetto.dev (open FILE), traceconv text FILE",
    is_binary=True,
    needs_events=True,
)
# TracePacket: the sequence that all are of; that it begins; that interned data must be known.
_SEQUENCE, _BEGINS, _NEEDS = number(10, 1), number(13, 1), number(13, 2)
_EVENT, _INTERNED, _TRACK = 11, 12, 60
_BEGIN, _END, _COUNTER = number(9, 1), number(9, 2), number(9, 4)  # TrackEvent.type
_CATEGORIES, _NAMES, _KEYS, _TEXTS = 1, 2, 3, 29  # InternedData
_BYTES = number(3, 3)  # CounterDescriptor.unit
_MOST_KNOWN = 1 << 16


def write(out: BinaryIO, trace: Trace, _: Choice) -> list[str]:
    file = _File(out, trace)
    events = Slices(out, trace, file)
    events.write()
    file.phases(events.last)
    file.counters()
    return []


def _told(made: bytes) -> Callable[[], bytes]:
    """For _track: a descriptor that is made already."""
    return lambda: made


class _File:
    def __init__(self, out: BinaryIO, trace: Trace) -> None:
        self._out, self._trace, self._groups = out, trace, trace.sums().groups
        self._interned: dict[tuple[int, str], int] = {}
        self._uuids: dict[tuple[Any, ...], int] = {}
        self._made: dict[int, tuple[bytes, int]] = {}
        self._named = regions.Named(trace)
        images = [row for row in trace.run.get("images") or () if isinstance(row, dict)]
        self._pids = {number_of(row, "index"): number_of(row, "pid") for row in images}
        self._paths = {number_of(row, "pid"): text_of(row, "path") for row in images}
        self._put(_SEQUENCE + _BEGINS)
        self._id(_KEYS, "size")  # of each event: a small number

    def _put(self, packet: bytes) -> None:
        self._out.write(data(1, packet))

    def _at(self, t_ns: int, event: bytes) -> None:
        """A packet with an event; its time is there even where it is 0."""
        self._put(b"\x40" + varint(t_ns) + _SEQUENCE + _NEEDS + data(_EVENT, event))

    def _id(self, kind: int, value: str) -> int:
        """The number of an interned text; told where it is new."""
        known = self._interned.get((kind, value))
        if known is None:
            known = self._interned[kind, value] = len(self._interned) + 1
            self._put(
                _SEQUENCE + _NEEDS + data(_INTERNED, data(kind, number(1, known) + text(2, value)))
            )
        return known

    def said(self, key: str, value: str) -> bytes:
        """A debug annotation of a text."""
        return data(4, number(1, self._id(_KEYS, key)) + number(17, self._id(_TEXTS, value)))

    # tracks

    def _track(self, key: tuple[Any, ...], message: Callable[[], bytes]) -> bytes:
        """The field of TrackEvent that names a track; `message`: a function of its descriptor."""
        uuid = self._uuids.get(key)
        if uuid is None:
            uuid = self._uuids[key] = len(self._uuids) + 1
            made = message()  # it may tell of its parent
            self._put(_SEQUENCE + data(_TRACK, number(1, uuid) + made))
        return number(11, uuid)

    def _parent(self, pid: int) -> bytes:
        return number(5, self._process(pid))

    def _process(self, pid: int) -> int:
        def message() -> bytes:
            name = self._paths.get(pid) or text_of(self._trace.run, "program")
            return data(3, number(1, pid) + text(6, stacks.short(name.rsplit("/", 1)[-1])))

        self._track(("process", pid), message)
        return self._uuids["process", pid]

    def _thread(self, pid: int, tid: int) -> bytes:
        def message() -> bytes:
            rows = self._trace.run.get("thread_names") or ()
            name = [row["name"] for row in rows if (row["pid"], row["tid"]) == (pid, tid)]
            called = text(5, stacks.short(name[-1])) if name else b""
            return self._parent(pid) + data(4, number(1, pid) + number(2, tid) + called)

        return self._track(("thread", pid, tid), message)

    # what events are made of (slices.py)

    def thread(self, id_: int, tid: int) -> tuple[tuple[int, int], bytes, bytes]:
        """(its key, what begins an event of it, what ends one); `id_`: of a group."""
        pid = self._groups.bare(id_ - 1).pid
        track = self._thread(pid, tid)
        return (pid, tid), _BEGIN + track, _END + track

    @staticmethod
    def event(size: int) -> tuple[bytes, int]:
        """(what stands between the time of a packet and an event of so many bytes, how much of the
        packet are both)."""
        between = _SEQUENCE + _NEEDS + data(_EVENT, bytes(size))[:-size]
        return between, len(between) + size + 1

    def size(self, value: int | tuple[int]) -> bytes:
        """A debug annotation of a size: its uint_value, or of (value,) its int_value."""
        _, unsigned, signed = self.of_size()
        if isinstance(value, tuple):
            return data(4, signed + varint(*value))
        return data(4, unsigned + varint(value))

    def of_size(self) -> tuple[bytes, bytes, bytes]:
        """(what begins such an annotation, what is in front of its uint_value, its int_value)."""
        key = number(1, self._id(_KEYS, "size"))
        return b"\x22", key + b"\x18", key + b"\x20"

    def about(self, id_: int) -> tuple[bytes, int]:
        """(what all events of a group say of themselves, its process's bits of a block)."""
        if len(self._made) >= _MOST_KNOWN:
            self._made.clear()
        if id_ not in self._made:
            self._made[id_] = self._about(self._groups.bare(id_ - 1))
        return self._made[id_]

    def _about(self, group: Group) -> tuple[bytes, int]:
        frame = self._trace.tree.deciding_frame(group.stack, group.verdict)
        said = {
            "phase": group.phase,
            "owner": group.verdict.owner if group.verdict else None,
            "purpose": measure.purpose(group),
            "function": stacks.name(frame) if frame else None,
            "entered": group.impl,
            "region": self._named.path(group.region),
        }
        about = number(3, self._id(_CATEGORIES, measure.origin(group)))
        about += number(10, self._id(_NAMES, stacks.short(group.name)))
        about += b"".join(self.said(k, stacks.short(v)) for k, v in said.items() if v)
        self._process(group.pid)
        return about, self._uuids["process", group.pid] << lifetimes.PROCESS

    # phases and counters

    def phases(self, last: int) -> None:
        """A track a process; a phase lasts until the next one of its process, the last one until
        `last`."""
        rows: dict[int, list[tuple[int, str]]] = {}
        for border in self._trace.borders:
            pid = self._pid(border)
            rows.setdefault(pid, []).append((border.t_ns, border.phase))
        for pid, begun in rows.items():
            made = self._parent(pid) + text(2, "phases")
            track = self._track(("phases", pid), _told(made))
            ends = [t_ns for t_ns, _ in begun[1:]] + [max(last, begun[-1][0])]
            for (t_ns, phase), end in zip(begun, ends):
                name = number(10, self._id(_NAMES, "phase " + phase))
                self._at(t_ns, _BEGIN + track + name)
                self._at(max(t_ns, end), _END + track)

    def _pid(self, border: Border) -> int:
        return self._pids.get(border.image) or number_of(self._trace.run, "pid")

    def counters(self) -> None:
        """Live bytes at the moments that the trace tells of, resident ones at the borders."""
        made = text(2, "live bytes") + data(8, _BYTES)
        for _, t_ns, live, _ in self._trace.sums().timeline:
            self._count(self._track(("live",), _told(made)), t_ns, live)
        for border in self._trace.borders:
            pid = self._pid(border)
            if border.rss_bytes is not None:
                about = self._parent(pid) + text(2, "resident bytes") + data(8, _BYTES)
                track = self._track(("resident", pid), _told(about))
                self._count(track, border.t_ns, border.rss_bytes)

    def _count(self, track: bytes, t_ns: int, value: int) -> None:
        self._at(t_ns, _COUNTER + track + varint(30 << 3) + varint(value))
