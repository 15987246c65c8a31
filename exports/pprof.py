"""pprof's profile.proto, gzipped: a sample for all allocations that are alike.

github.com/google/pprof, proto/profile.proto has the fields; profile.CheckValid what readers insist
on. Made from groups alone, so it works for `--keep totals` and costs the same however long the run;
the shares of several threads are counted from the events.
"""

from __future__ import annotations

import datetime
import gzip
from collections import namedtuple

from alloctrace import measure, words

from . import by_thread, regions, stacks
from .formats import Format
from .protobuf import data, number, numbers, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, BinaryIO, NamedTuple

    from alloctrace.model import Group, Module
    from alloctrace.trace.read import Trace
    from .formats import Choice

    class Line(NamedTuple):
        function: str
        file: str | None
        line: int | None

else:
    Line = namedtuple("Line", "function file line")

FORMAT = Format(
    title="a profile for pprof and the stores that take it (Pyroscope, Parca, Google's)",
    ending=".pb.gz",
    keeps="allocations and bytes, in all and live at the end, by stack with inlined functions;"
    " labels phase, origin, owner, purpose, region, call, pid, thread",
    loses="time, single sizes, peak, temporary blocks, syscalls;"
    " with --keep totals which of several threads",
    opens="go tool pprof -http : FILE, speedscope FILE",
    is_binary=True,
    needs_events=False,
)
TYPES = (  # name, unit, column of a GroupTable
    ("alloc_objects", "count", "allocations"),
    ("alloc_space", "bytes", "allocated"),
    ("inuse_objects", "count", "live_blocks"),
    ("inuse_space", "bytes", "live_bytes"),
)
# Fields of Profile.
_SAMPLE_TYPE, _SAMPLE, _MAPPING, _LOCATION, _FUNCTION, _STRING = 1, 2, 3, 4, 5, 6
_TIME, _DURATION, _PERIOD_TYPE, _PERIOD, _DEFAULT = 9, 10, 11, 12, 14
_LEVEL = 6


def write(out: BinaryIO, trace: Trace, _: Choice) -> list[str]:
    with gzip.GzipFile(
        filename="", mode="wb", fileobj=out, compresslevel=_LEVEL, mtime=0
    ) as zipped:
        is_empty = _Profile(zipped, trace).write()
    return ["there is no allocation in this run"] if is_empty else []


class _Profile:
    """Writes a message as soon as it is known; what it refers to may come behind it."""

    def __init__(self, out: gzip.GzipFile, trace: Trace) -> None:
        self._out, self._trace = out, trace
        self._named = regions.Named(trace)
        self._strings: dict[str, int] = {}
        self._functions: dict[tuple[str, str | None], int] = {}
        self._locations: dict[tuple[int, int, tuple[Line, ...]], int] = {}
        self._string("")
        self._mappings = self._mapped(trace.modules)
        # Node where a location begins -> (its id, the node behind it).
        self._of_node: dict[int, tuple[int, int]] = {}

    def write(self) -> bool:
        """Whether there was nothing."""
        for name, unit, _ in TYPES:
            self._put(_SAMPLE_TYPE, self._type(name, unit))
        self._put(_PERIOD_TYPE, self._type("space", "bytes"))
        timeline = self._trace.sums().timeline
        ended = timeline[-1][1] if timeline else 0
        self._out.write(number(_PERIOD, 1) + number(_TIME, _begun(self._trace.run)))
        self._out.write(number(_DURATION, ended))
        self._out.write(number(_DEFAULT, self._string(TYPES[1][0])))
        samples = self._samples()
        for (node, labels), values in samples.items():
            locations = numbers(1, self._stack(node))
            self._put(_SAMPLE, locations + numbers(2, values) + b"".join(labels))
        return not samples

    def _put(self, field: int, message: bytes) -> None:
        self._out.write(data(field, message))

    def _type(self, name: str, unit: str) -> bytes:
        return number(1, self._string(name)) + number(2, self._string(unit))

    def _string(self, value: str) -> int:
        known = self._strings.get(value)
        if known is None:
            known = self._strings[value] = len(self._strings)
            self._out.write(text(_STRING, value))
        return known

    def _samples(self) -> dict[tuple[int, tuple[bytes, ...]], list[int]]:
        """{(node, labels): values} of the groups that allocated: equal ones are one sample."""
        groups, node_of = self._trace.sums().groups, self._trace.tree.node
        columns = [groups.sums[column] for *_, column in TYPES]
        alike: dict[tuple[int, ...], tuple[bytes, ...]] = {}
        found: dict[tuple[int, tuple[bytes, ...]], list[int]] = {}
        has_many = bool(self._trace.run.get("threads") or self._trace.run.get("children"))
        # Several threads can be told apart by events alone.
        shares = by_thread.shares(self._trace) if has_many and self._trace.keeps_events else {}
        for index, count in enumerate(groups.sums["allocations"]):
            if not count:
                continue
            what, region = groups.what[index], groups.region[index]
            of = what, groups.verdict[index], groups.purpose[index], region
            if of not in alike:
                alike[of] = self._labels(groups.bare(index))
            alone = None if has_many else groups.whats[what].pid  # the process's
            whole = {alone: [column[index] for column in columns]}
            for tid, values in shares.get(index + 1, whole).items():
                if values[0]:
                    thread = self._label("thread", str(tid) if tid else None)
                    key = node_of(groups.stack[index]), alike[of] + thread
                    values = list(map(sum, zip(found[key], values))) if key in found else values
                    found[key] = values
        return found

    def _label(self, key: str, value: str | None) -> tuple[bytes, ...]:
        """A tuple of its message; of none where there is no value."""
        if not value:
            return ()
        return (data(3, number(1, self._string(key)) + number(2, self._string(value))),)

    def _labels(self, group: Group) -> tuple[bytes, ...]:
        """The messages of a sample's labels."""
        owner = group.verdict.owner if group.verdict else None
        said = {
            "phase": group.phase,
            "origin": measure.origin(group),
            "owner": stacks.short(owner) if owner else None,
            "purpose": stacks.short(measure.purpose(group) or ""),
            "call": stacks.short(group.name),
            "pid": str(group.pid),
            "region": self._named.path(group.region),
        }
        return tuple(one for key, value in said.items() for one in self._label(key, value))

    def _stack(self, node: int) -> list[int]:
        """The ids of the locations of a stack, innermost first."""
        found: list[int] = []
        while node > 0:
            if node not in self._of_node:
                self._of_node[node] = self._location(node)
            id_, node = self._of_node[node]
            found.append(id_)
        return found + [self._place(0, 0, [self._cut(node)])] if node < 0 else found

    def _cut(self, node: int) -> Line:
        """A frame in place of those that a cut stack lacks."""
        return Line("[stack cut: %s]" % words.CUTS.get(-node), None, None)

    def _location(self, node: int) -> tuple[int, int]:
        """(id, the node behind it) of a frame and what was inlined into it: its lines."""
        tree = self._trace.tree
        lines: list[Line] = []
        while True:
            frame = tree.frames[tree.frame_of[node]]
            lines.append(Line(stacks.name(frame), frame.file, frame.line))
            node = tree.parents[node]
            if not frame.inlined or node <= 0:
                break
        known = self._mappings.get(frame.path)
        mapping, address = (known[0], known[1] + frame.offset) if known else (0, frame.pc)
        return self._place(mapping, address, lines), node

    def _place(self, mapping: int, address: int, lines: list[Line]) -> int:
        key = mapping, address, tuple(lines)
        known = self._locations.get(key)
        if known is None:
            known = self._locations[key] = len(self._locations) + 1
            made = [
                data(4, number(1, self._function(at)) + number(2, at.line or 0)) for at in lines
            ]
            message = number(1, known) + number(2, mapping) + number(3, address) + b"".join(made)
            self._put(_LOCATION, message)
        return known

    def _function(self, at: Line) -> int:
        known = self._functions.get((at.function, at.file))
        if known is None:
            known = self._functions[at.function, at.file] = len(self._functions) + 1
            called, where = self._string(at.function), self._string(stacks.short(at.file or ""))
            message = number(1, known) + number(2, called) + number(3, called) + number(4, where)
            self._put(_FUNCTION, message)
        return known

    def _mapped(self, modules: Iterable[Module]) -> dict[str, tuple[int, int]]:
        """{path: (id, load bias)}: in which process and how often it was loaded makes no
        difference, so one file is one mapping."""
        found: dict[str, tuple[int, int]] = {}  # readers take the first one for the program
        for module in sorted(modules, key=lambda module: module.role != "executable"):
            if module.path in found or not module.path:
                continue
            found[module.path] = len(found) + 1, module.base
            path, build_id = stacks.short(module.path), stacks.short(module.build_id)
            message = number(1, len(found)) + number(2, module.start) + number(3, module.end)
            message += number(5, self._string(path)) + number(6, self._string(build_id))
            # Names, files, lines and inlined functions are there: nothing is to be looked up.
            self._put(_MAPPING, message + b"".join(number(field, 1) for field in (7, 8, 9, 10)))
        return found


def _begun(run: dict[str, Any]) -> int:
    """Nanoseconds since 1970, where the trace says when."""
    try:
        then = datetime.datetime.strptime(str(run.get("date")), "%Y-%m-%d %H:%M:%S %z")
        return max(0, int(then.timestamp())) * 10**9
    except (ValueError, OverflowError, OSError):
        return 0
