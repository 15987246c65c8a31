"""Perfetto's protobuf: a track a thread, its calls with the syscalls in them, phases, counters.

Fields: github.com/google/perfetto, protos/perfetto/trace/ (trace_packet, track_event/*,
interned_data). Slices of a track nest by time alone, so a slice never outlasts the one around it,
nor the next one of its thread. What nesting cannot show is a flow: a block from the call that
handed it out to the one that ended it.
"""

from __future__ import annotations

from alloctrace import measure
from alloctrace.columns.check import TraceError, checked
from alloctrace.columns.columns import MASK64
from alloctrace.columns.schema import PRESENT, SIGNED_SIZE
from alloctrace.fields import number as number_of, text as text_of

from . import stacks
from .formats import Format
from .protobuf import data, fixed64, number, text, varint

FORMAT = Format(
    title="a timeline for Perfetto: threads, calls and the syscalls in them, phases, counters",
    ending=".perfetto-trace",
    keeps="every event: time, size, phase, origin, purpose, function, block; live, resident bytes",
    loses="stacks but that one function, addresses, syscalls' arguments",
    opens="ui.perfetto.dev (open FILE), traceconv text FILE",
    is_binary=True,
    needs_events=True,
)
_COLUMNS = ("present", "group", "t_ns", "dur_ns", "tid", "size", "nmemb", "block", "cause",
            "outer")  # fmt: skip
_DUR, _SIZE, _NMEMB = PRESENT["dur_ns"], PRESENT["size"], PRESENT["nmemb"]
_BLOCK, _CAUSE, _OUTER = PRESENT["block"], PRESENT["cause"], PRESENT["outer"]
# TracePacket: the sequence that all are of; that it begins; that interned data must be known.
_SEQUENCE, _BEGINS, _NEEDS = number(10, 1), number(13, 1), number(13, 2)
_EVENT, _INTERNED, _TRACK = 11, 12, 60
_BEGIN, _END, _COUNTER = number(9, 1), number(9, 2), number(9, 4)  # TrackEvent.type
_CATEGORIES, _NAMES, _KEYS, _TEXTS = 1, 2, 3, 29  # InternedData
_BYTES = number(3, 3)  # CounterDescriptor.unit
_MOST_KNOWN = 1 << 16
_PROCESS = 44  # bits of a block's number: above them is its process
_FOREVER = 1 << 64


def write(out, trace, _):
    file = _File(out, trace)
    file.events()
    file.phases()
    file.counters()
    return []


class _File:
    def __init__(self, out, trace):
        self._out, self._trace, self._groups = out, trace, trace.sums().groups
        self._interned, self._uuids, self._made = {}, {}, {}
        self._last = 0  # when the latest thing happened
        images = [row for row in trace.run.get("images") or () if isinstance(row, dict)]
        self._pids = {number_of(row, "index"): number_of(row, "pid") for row in images}
        self._paths = {number_of(row, "pid"): text_of(row, "path") for row in images}
        self._put(_SEQUENCE + _BEGINS)

    def _put(self, packet):
        self._out.write(data(1, packet))

    def _at(self, t_ns, event):
        """A packet with an event; its time is there even where it is 0."""
        self._put(b"\x40" + varint(t_ns) + _SEQUENCE + _NEEDS + data(_EVENT, event))

    def _id(self, kind, value):
        """The number of an interned text; told where it is new."""
        known = self._interned.get((kind, value))
        if known is None:
            known = self._interned[kind, value] = len(self._interned) + 1
            self._put(
                _SEQUENCE + _NEEDS + data(_INTERNED, data(kind, number(1, known) + text(2, value)))
            )
        return known

    def _said(self, key, value):
        """A debug annotation of a text."""
        return data(4, number(1, self._id(_KEYS, key)) + number(17, self._id(_TEXTS, value)))

    # tracks

    def _track(self, key, message):
        """The field of TrackEvent that names a track; `message`: a function of its descriptor."""
        uuid = self._uuids.get(key)
        if uuid is None:
            uuid = self._uuids[key] = len(self._uuids) + 1
            made = message()  # it may tell of its parent
            self._put(_SEQUENCE + data(_TRACK, number(1, uuid) + made))
        return number(11, uuid)

    def _parent(self, pid):
        return number(5, self._process(pid))

    def _process(self, pid):
        def message():
            name = self._paths.get(pid) or text_of(self._trace.run, "program")
            return data(3, number(1, pid) + text(6, stacks.short(name.rsplit("/", 1)[-1])))

        self._track(("process", pid), message)
        return self._uuids["process", pid]

    def _thread(self, pid, tid):
        def message():
            rows = self._trace.run.get("thread_names") or ()
            name = [row["name"] for row in rows if (row["pid"], row["tid"]) == (pid, tid)]
            called = text(5, stacks.short(name[-1])) if name else b""
            return self._parent(pid) + data(4, number(1, pid) + number(2, tid) + called)

        return self._track(("thread", pid, tid), message)

    # events

    def events(self):
        self._open = {}  # (pid, tid) -> as _opened; a slice: (seq, end, what ends it)
        with checked():
            for first, columns in self._trace.chunk_columns(_COLUMNS):
                if min(columns[1]) < 1 or max(columns[1]) > len(self._groups):
                    raise TraceError("damaged: an event behind %d is of no group" % first)
                for seq, row in enumerate(zip(*columns), first):
                    self._event(seq, *row)
        for slices, *_ in self._open.values():
            self._close(slices, 0, _FOREVER)

    def _event(self, seq, has, group, t_ns, dur, tid, size, nmemb, block, cause, outer):
        about, pid, process = self._made.get(group) or self._about(group)
        slices, track, ends = self._open.get((pid, tid)) or self._opened(pid, tid)
        within = seq - cause if has & _CAUSE else seq - outer if has & _OUTER else None
        depth = len(slices)
        while depth and slices[depth - 1][0] != within:
            depth -= 1
        if depth < len(slices):
            self._close(slices, depth, t_ns)
        event = track + about
        if has & _SIZE:
            event += self._size(has, size, nmemb)
        if has & _BLOCK:
            event += fixed64(47, block + process)
        if has & _DUR:
            end = t_ns + dur
            if slices and slices[-1][1] < end:
                end = slices[-1][1]
        else:
            end = _FOREVER
            event += self._said("return", "never seen")
        if t_ns > self._last:
            self._last = t_ns
        self._at(t_ns, event)
        slices.append((seq, end, ends))

    def _opened(self, pid, tid):
        """(the open slices of a thread, what begins one, what ends one)."""
        track = self._thread(pid, tid)
        self._open[pid, tid] = made = [], _BEGIN + track, _END + track
        return made

    def _close(self, slices, depth, t_ns):
        """End the slices from `depth` on, the innermost first; what had no end ends here."""
        for _, end, event in slices[: depth - 1 if depth else None : -1]:
            end = min(end, t_ns)
            self._at(self._last if end == _FOREVER else end, event)
            self._last = max(self._last, end if end != _FOREVER else 0)
        del slices[depth:]

    def _size(self, has, size, nmemb):
        key = number(1, self._id(_KEYS, "size"))
        if has & SIGNED_SIZE:
            return data(4, key + b"\x20" + varint(size))  # int_value
        size &= MASK64
        if has & _NMEMB:
            size = min(size * (nmemb & MASK64), MASK64)
        return data(4, key + b"\x18" + varint(size))  # uint_value

    def _about(self, id_):
        """(what all events of a group say of themselves, their process, its bits of a block)."""
        if len(self._made) >= _MOST_KNOWN:
            self._made.clear()
        group = self._groups.bare(id_ - 1)
        frame = self._trace.tree.deciding_frame(group.stack, group.verdict)
        said = {
            "phase": group.phase,
            "owner": group.verdict and group.verdict.owner,
            "purpose": measure.purpose(group),
            "function": frame and stacks.name(frame),
            "entered": group.impl,
        }
        about = number(3, self._id(_CATEGORIES, measure.origin(group)))
        about += number(10, self._id(_NAMES, stacks.short(group.name)))
        about += b"".join(self._said(k, stacks.short(v)) for k, v in said.items() if v)
        self._process(group.pid)
        process = (self._uuids["process", group.pid]) << _PROCESS
        self._made[id_] = made = about, group.pid, process
        return made

    # phases and counters

    def phases(self):
        """A track a process; a phase lasts until the next one of its process."""
        rows = {}
        for border in self._trace.borders:
            pid = self._pid(border)
            rows.setdefault(pid, []).append((border.t_ns, border.phase))
        for pid, begun in rows.items():
            made = self._parent(pid) + text(2, "phases")
            track = self._track(("phases", pid), lambda made=made: made)
            ends = [t_ns for t_ns, _ in begun[1:]] + [max(self._last, begun[-1][0])]
            for (t_ns, phase), end in zip(begun, ends):
                name = number(10, self._id(_NAMES, "phase " + phase))
                self._at(t_ns, _BEGIN + track + name)
                self._at(max(t_ns, end), _END + track)

    def _pid(self, border):
        return self._pids.get(border.image) or number_of(self._trace.run, "pid")

    def counters(self):
        """Live bytes at the moments that the trace tells of, resident ones at the borders."""
        made = text(2, "live bytes") + data(8, _BYTES)
        for _, t_ns, live, _ in self._trace.sums().timeline:
            self._count(self._track(("live",), lambda: made), t_ns, live)
        for border in self._trace.borders:
            pid = self._pid(border)
            if border.rss_bytes is not None:
                about = self._parent(pid) + text(2, "resident bytes") + data(8, _BYTES)
                track = self._track(("resident", pid), lambda about=about: about)
                self._count(track, border.t_ns, border.rss_bytes)

    def _count(self, track, t_ns, value):
        self._at(t_ns, _COUNTER + track + varint(30 << 3) + varint(value))
