"""A run as the data of its page: the summary that all reports render, and the events in columns.

Where a run has more events than a page can hold, `bins` counts them all, and `events` has those of
some exact windows (windows.py).
"""

from __future__ import annotations

import errno
import itertools
from array import array
from bisect import bisect_right

from alloctrace import measure, words
from alloctrace.history.thread_names import ThreadNames
from alloctrace.summary import chosen
from alloctrace.summary.sites import PLACE, distance, key_of, place
from alloctrace.symbols import long_names
from reports import card_words, json_report, measures, sentences
from reports.event_json import address
from reports.page import cells, memory, replay, space, windows
from reports.page.fit import NAME, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Event, Frame, Group, Purpose, Verdict
    from alloctrace.summary.sites import Key
    from alloctrace.trace.read import Trace
    from reports.page.cells import Leaf, Wanted
    from reports.page.windows import Windows

WHOLE = 10000  # events: with more a page holds windows of them
KIND = (
    "kind name impl pid image phase origin owner via direct rule confidence for_whom decided_by"
    " purpose purpose_rule source site stack cut"
).split()
FRAME = "function module file line inlined offset".split()
SITE = (*PLACE, "distance", "short")  # short: of a long name of a function, else null
LEAF = [*"site node origin phase program".split(), *(m.field for m in measures.BY.values())]
LEAF.append("syscalls")  # that its calls made
NAMED = 1000  # threads
NODES = 20000  # of the tree of stacks; the others are the rest
COLUMNS = (
    "seq t_ns tid kind dur_ns size nmemb align ptr result errno args block cause outer".split()
)


def short_of(function: str | None) -> str | None:
    """What is shown of a function's name; None: all of it."""
    name = long_names.short(function, NAME) if function else function
    return None if name == function else fit(name)


def of(summary: dict[str, Any], trace: Trace) -> dict[str, Any]:
    """The data as plain values, fit for JSON."""
    wanted = chosen.of_summary(summary)
    kept = summary["keep"] != "totals"
    whole = kept and summary["events"] <= WHOLE
    long = windows.of(summary, trace, wanted) if kept and not whole else None
    ranges = long.ranges if long else None
    packed = _Packer(trace)
    read = list(_events(trace, wanted, long)) if kept else []
    events = _inside(read, ranges) if ranges else read
    for event in events:
        packed.add(event)
    at_peak = chosen.at_peak(summary)
    leaves = (
        None if whole else packed.leaves(trace.sums().groups, wanted, at_peak, summary["sites"])
    )
    if long:
        told = long.cells.tables(packed.leaf_of(trace.sums().groups), long.tids)
        long.bins.update(cells=told, tids=long.tids)
    facts = {
        "schema": 1,
        "whole": whole,
        "trace": sentences.trace_name(trace),
        "command": sentences.command_line(summary),
        "verdict": fit(sentences.verdict(summary)),
        "origins": list(words.ORIGINS),
        "phases": list(words.PHASES),
        "words": card_words.WORDS,
        "measures": [[m.field, m.label, m.means] for m in measures.BY.values()],
        "summary": fit(json_report.plain(summary)),
        "bins": long.bins if long else None,
        "ranges": ranges,
        "threads": fit({str(tid): name for tid, name in _threads(trace)}),
        "leaves": leaves,
    }
    if whole:
        facts["memory"] = replay.of(events, summary)
    elif long:
        facts["held"] = memory.blocks(trace, wanted, long.ranges, events, summary, packed.kind)
    if kept:
        facts["space"] = space.of(read, trace, ranges, long.changes.stopped if long else None)
    facts.update(packed.tables())
    return facts


def _threads(trace: Trace) -> Iterator[tuple[int, str]]:
    """What threads were called: of so many as a page has room for."""
    return itertools.islice(ThreadNames(trace.run).plainly().items(), NAMED)


def _events(trace: Trace, wanted: Wanted, long: Windows | None) -> Iterator[Event]:
    """Those of the programs that it is about; of a `long` run those in its windows, and the changes
    of mappings between them."""
    if long is None:
        return trace.events(wanted) if wanted else trace.events()
    between = [[seq, seq] for seq in long.changes.told(long.ranges)]
    found = trace.events_within(windows.merged(long.ranges + between))
    return filter(wanted, found) if wanted else found


def _inside(events: Iterable[Event], ranges: list[list[int]]) -> list[Event]:
    """Those that lie in one of the windows."""
    starts = [first for first, _ in ranges]
    places = [bisect_right(starts, event.seq) - 1 for event in events]
    return [e for e, place in zip(events, places) if place >= 0 and e.seq <= ranges[place][1]]


class _Packer:
    """Events in columns; what many of them share is told once."""

    def __init__(self, trace: Trace) -> None:
        self._trace, self._tree = trace, trace.tree
        self._columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self._kinds = _Numbered()
        self._kind_of: dict[tuple[Any, ...], int] = {}
        self._kept: list[tuple[Verdict | None, Purpose | None]] = []
        self._sites, self._frames, self._args = _Numbered(), _Numbered(), _Numbered()
        self._nodes: list[tuple[int, int]] = []
        self._node_of: dict[int, int] = {}

    def add(self, event: Event) -> None:
        row = self._columns
        for name in ("seq", "t_ns", "tid", "dur_ns", "size", "nmemb", "align", "block"):
            row[name].append(getattr(event, name))
        row["kind"].append(self.kind(event))
        row["ptr"].append(address(event.ptr))
        row["result"].append(address(event.result))
        code = event.errno
        row["errno"].append(None if code is None else errno.errorcode.get(code, "error %d" % code))
        text = ", ".join("%s %s" % (fit(str(k)), fit(str(v))) for k, v in event.args.items())
        row["args"].append(self._args.of(text) if text else None)
        row["cause"].append(event.cause)
        row["outer"].append(event.outer)

    def kind(self, event: Event | Group) -> int:
        """The number of what it, or a Group, shares with others: identities are asked first."""
        alike = (event.kind, event.name, event.impl, event.pid, event.image, event.phase)
        short = alike + (event.stack, id(event.verdict), id(event.purpose))
        if short not in self._kind_of:
            self._kept.append((event.verdict, event.purpose))
            self._kind_of[short] = self._kinds.of(tuple(alike + self._judged(event)))
        return self._kind_of[short]

    def _judged(self, event: Event | Group) -> tuple[Any, ...]:
        verdict, purpose = event.verdict, event.purpose
        judged: tuple[Any, ...] = (None, "", False, "", "", None, None)
        if verdict:
            judged = (
                fit(verdict.owner),
                fit(", ".join(verdict.via)),
                verdict.direct,
                fit(verdict.rule),
                verdict.confidence,
                fit(verdict.for_whom),
                verdict.decided_by,
            )
        said: tuple[Any, ...] = (None, "", "")
        if purpose:
            said = fit(purpose.text), fit(purpose.rule), fit(purpose.source)
        node = self._tree.node(event.stack)
        cut = fit(self._trace.cut(event.stack))
        return (measure.origin(event), *judged, *said, self._site(event), self._node(node), cut)

    def _site(self, event: Event | Group) -> int:
        frame = self._tree.deciding_frame(event.stack, event.verdict)
        return self._number_of(frame, place(frame, measure.origin(event)))

    def _node(self, node: int) -> int:
        """The page's own number of a node of the tree of stacks; callers come first."""
        path = []
        while node > 0 and node not in self._node_of:
            path.append(node)
            node = self._tree.parents[node]
        above = self._node_of.get(node, -1)
        for node in reversed(path):
            frame = self._tree.frames[self._tree.frame_of[node]]
            self._nodes.append((above, self._frame(frame)))
            above = self._node_of[node] = len(self._nodes) - 1
        return above

    def _frame(self, frame: Frame) -> int:
        names = fit(frame.function), fit(frame.module), fit(frame.file)
        return self._frames.of((*names, frame.line, frame.inlined, address(frame.offset)))

    def leaves(
        self,
        groups: GroupTable,
        wanted: Wanted,
        at_peak: Callable[[Group], int],
        told: list[dict[str, Any]],
    ) -> dict[str, Any]:
        """Sums by place, stack, phase and program: of `told`, places of the summary, and of stacks
        with most bytes; of the rest together."""
        self._places = places = {key_of(row) for row in told}
        made = cells.syscalls_made(groups)
        values = [measures.of_group(by, at_peak) for by in measures.BY]
        values.append(lambda group: made[group.id])
        sums: dict[tuple[Any, ...], list[int]] = {}
        nodes = self._tree.nodes(groups.stack)
        large = cells.largest(nodes, groups.sums["allocated"], NODES)
        for group in cells.allocating(groups, wanted):
            site, node, *who = self._leaf(group, places)
            row = sums.setdefault((site, node if node in large else 0, *who), [0] * len(values))
            for at, value in enumerate(values):
                row[at] += value(group)
        rows: list[list[Any]] = []
        rest: dict[tuple[Any, ...], list[int]] = {}
        for (site, node, *who), row in sorted(sums.items(), key=lambda item: -item[1][0]):
            if node > 0 and len(self._nodes) < NODES and len(rows) < NODES:
                rows.append([site, self._node(node), *who, *row])
                continue
            known = rest.setdefault((site, *who), [0] * len(values))
            known[:] = [a + b for a, b in zip(known, row)]
        rows += [[site, -1, *who, *row] for (site, *who), row in rest.items()]
        return {"names": LEAF, "rows": rows}

    def _leaf(self, group: Group, places: set[Key]) -> Leaf:
        """(site, node of the trace's tree, origin, phase, program)"""
        site, node = self._known_site(group, places), self._tree.node(group.stack)
        return site, node, measure.origin(group), group.phase, windows.program(group)

    def leaf_of(self, groups: GroupTable) -> Callable[[int], Leaf]:
        """A function: of the id of a group the names of its leaf."""

        def of_group(id_: int) -> Leaf:
            site, node, origin, phase, program = self._leaf(groups[id_ - 1], self._places)
            return site, self._node_of.get(node, -1), origin, phase, program

        return of_group

    def _known_site(self, group: Group, places: set[Key]) -> int:
        """Its number; -1: it is none of those that are told one by one."""
        frame = self._tree.deciding_frame(group.stack, group.verdict)
        key = place(frame, measure.origin(group))
        if key not in places:
            return -1
        return self._number_of(frame, key)

    def _number_of(self, frame: Frame | None, key: Key) -> int:
        *names, line, offset, origin = key
        told = distance(frame, key), short_of(key[0])
        return self._sites.of((*map(fit, names), line, address(offset), origin, *told))

    def tables(self) -> dict[str, Any]:
        return {
            "events": self._columns,
            "args": self._args.values,
            "kinds": {"names": KIND, "rows": self._kinds.values},
            "sites": {"names": SITE, "rows": self._sites.values},
            "frames": {"names": FRAME, "rows": self._frames.values},
            "nodes": {
                "above": [above for above, _ in self._nodes],
                "frame": list(array("I", [frame for _, frame in self._nodes])),
            },
        }


class _Numbered:
    """Values told once, numbered from 0."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._known: dict[Any, int] = {}

    def of(self, value: Any) -> int:
        if value not in self._known:
            self._known[value] = len(self.values)
            self.values.append(value)
        return self._known[value]
