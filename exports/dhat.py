"""DHAT's file, version 2: what became of the blocks of each stack, for valgrind's dh_view.js.

Its tree grows from the innermost frame, so phase and origin are the last ones of each stack.
"""

from __future__ import annotations

import json
from array import array

from alloctrace import fields

from . import lifetimes, maker, regions, stacks
from .formats import CannotExport, Format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, BinaryIO

    from alloctrace.model import Frame
    from alloctrace.trace.read import Trace
    from .formats import Choice
    from .lifetimes import Happened

FORMAT = Format(
    title="block lifetimes by stack, for DHAT's viewer and the Firefox profiler",
    ending=".dhat.json",
    keeps="blocks, bytes, lifetimes, peak and what is left, by stack, phase, origin, region",
    loses="reads and writes of blocks (nobody saw them), threads, processes, purposes, syscalls",
    opens="/usr/libexec/valgrind/dh_view.html (load FILE), profiler.firefox.com (load FILE)",
    is_binary=False,
    needs_events=True,
)
_HEAD = {
    "dhatFileVersion": 2,
    "mode": "brkpoint",
    "verb": "Allocated",
    "bklt": True,  # it has lifetimes
    "bkacc": False,  # it has no accesses
    "tu": "ns",
    "Mtu": "ms",
    "tuth": 10000,  # of "short-lived", in nanoseconds
}
_MAX = (1 << 53) - 1  # whole numbers of JavaScript


def write(out: BinaryIO, trace: Trace, _: Choice) -> list[str]:
    places = _Places(trace)
    told = lifetimes.Facts(trace).told()
    with maker.started(trace, None, "places", *told, len(places.keys), places.of_group) as made:
        if made is None:
            counted = Sums(len(places.keys))
            counted.follow(lifetimes.replay(trace), places.of_group)
            sums: Sums | Made = counted
        else:
            made.follow(lifetimes.COLUMNS)
            sums = Made(made.results())
        _write(out, trace, places, sums)
    return differing(sums.peak, trace)


def _write(out: BinaryIO, trace: Trace, places: _Places, sums: Sums | Made) -> None:
    run = trace.run
    head = dict(_HEAD, cmd=stacks.short(" ".join(map(str, run.get("command") or ()))))
    head.update(pid=fields.number(run, "pid"), te=sums.end, tg=sums.peak_ns)
    out.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b',"pps":[')
    for number, row in enumerate(sums.rows()):
        row["fs"] = places.frames(number)
        out.write((",\n" if number else "\n").encode() + json.dumps(row).encode())
    texts = ["[root]", *places.texts]
    out.write(b'\n],"ftbl":' + json.dumps(texts, ensure_ascii=False, indent=0).encode() + b"}\n")


def differing(peak: int, trace: Trace) -> list[str]:
    """Where calls of several threads overlap, and clocks are coarse, the order is not known."""
    said = (trace.run.get("peak") or {}).get("bytes") or 0
    if peak == said:
        return []
    text = "its peak is %d bytes, the trace says %d: calls of several threads overlapped"
    return [text % (peak, said)]


class _Places:
    """What DHAT calls a program point: a stack with phase and origin, by group."""

    def __init__(self, trace: Trace) -> None:
        self._numbers: dict[str, int] = {}
        self.texts: list[str] = []
        self._merged = stacks.Merged(trace.tree, self._frame, self._text)
        groups, named = trace.sums().groups, regions.Named(trace)
        known: dict[tuple[int, tuple[int, ...]], int] = {}
        roots: dict[tuple[int, int, int], tuple[int, ...]] = {}
        self.of_group = array("I", [0])
        for index, what in enumerate(groups.what):
            of = what, groups.verdict[index], groups.region[index]
            if of not in roots:
                phase, verdict = groups.whats[what].phase, groups.verdicts[of[1]]
                texts = *stacks.roots(phase, verdict), *named.frames(of[2])
                roots[of] = tuple(map(self._text, texts))
            key = self._merged.at(trace.tree.node(groups.stack[index])), roots[of]
            # Only those that allocate are places; the others have none, and are never asked.
            is_place = groups.sums["allocations"][index]
            self.of_group.append(known.setdefault(key, len(known)) if is_place else 0)
        self.keys = list(known)
        if not self.keys:
            raise CannotExport("there is no allocation in this run")

    def frames(self, number: int) -> list[int]:
        node, roots = self.keys[number]
        return [*self._merged.outwards(node), *reversed(roots)]

    def _frame(self, frame: Frame) -> int:
        place = stacks.short("in " + frame.path if frame.path else "?")
        if frame.file:
            place = "%s:%d" % (stacks.short(frame.file), frame.line or 0)
        return self._text("%#x: %s (%s)" % (frame.offset, stacks.name(frame), place))

    def _text(self, text: str) -> int:
        """The number of a frame; 0 is the root's."""
        number = self._numbers.get(text)
        if number is None:
            self.texts.append(text)
            number = self._numbers[text] = len(self.texts)
        return number


class Sums:
    """Of each place: all blocks, those at its own peak, at the peak of all, and at the end."""

    def __init__(self, count: int) -> None:
        self._all, self._blocks, self._lived = ([0] * count for _ in range(3))
        self._live, self._held = [0] * count, [0] * count
        self._own, self._own_held = [0] * count, [0] * count
        self._peak, self._peak_held = [0] * count, [0] * count
        self._seen = [0] * count  # the number of the latest peak that it was asked at
        self.peak = self.peak_ns = self.end = 0

    def follow(self, happened: Iterable[Happened], of_group: Sequence[int]) -> None:
        """A place notes what it held when it is about to change, if there was a peak since."""
        live, held, seen = self._live, self._held, self._seen
        total = peaks = t_ns = 0
        for what, t_ns, group, size, born, _ in happened:
            place = of_group[group]
            if seen[place] != peaks:
                seen[place] = peaks
                self._peak[place], self._peak_held[place] = live[place], held[place]
            if what in (lifetimes.FREED, lifetimes.TEMPORARY):
                live[place] -= size
                held[place] -= 1
                total -= size
                self._lived[place] += t_ns - born
                continue
            if what == lifetimes.RESIZED:
                live[place] += size - born
                total += size - born
            else:
                self._all[place] += size
                self._blocks[place] += 1
                live[place] += size
                held[place] += 1
                total += size
            if live[place] > self._own[place]:
                self._own[place], self._own_held[place] = live[place], held[place]
            if total > self.peak:
                self.peak, self.peak_ns = total, t_ns
                peaks += 1
        for place, number in enumerate(seen):
            if number != peaks:
                self._peak[place], self._peak_held[place] = live[place], held[place]
        self.end = t_ns

    def rows(self) -> Iterator[dict[str, Any]]:
        """The fields of a place, under DHAT's names."""
        ever = self._all, self._blocks, self._lived, self._own, self._own_held
        then = self._peak, self._peak_held, self._live, self._held
        return map(_row, zip(*ever, *then))


class Made:
    """The same, counted by the program that makes bytes."""

    def __init__(self, results: Iterator[bytes]) -> None:
        self.peak, self.peak_ns, self.end = maker.numbers(next(results))
        self._results = results

    def rows(self) -> Iterator[dict[str, Any]]:
        for values in map(maker.numbers, self._results):
            for at in range(0, len(values), len(_NAMES)):
                yield _row(values[at : at + len(_NAMES)])


_NAMES = ("tb", "tbk", "tl", "mb", "mbk", "gb", "gbk", "eb", "ebk")


def _row(values: Iterable[int]) -> dict[str, Any]:
    return dict(zip(_NAMES, (min(value, _MAX) for value in values)))
