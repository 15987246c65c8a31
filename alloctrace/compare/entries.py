"""One run -> entries: events that no comparison tells apart, with their keys and their sums."""

from __future__ import annotations

from array import array
from collections import namedtuple

from alloctrace.compare import names, places
from alloctrace.compare.chains import Chains, RunChains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NamedTuple

    from alloctrace.model import Verdict
    from alloctrace.trace.read import Trace

# Of each, the sum. Calls inside another have none of the first two, as in every report.
MEASURES = ("count", "bytes", "live_blocks", "live_bytes", "peak_bytes", "temporary_blocks")
MOST_VIA = 30

# What an entry is. `place`: of its program (places.py); `function`: the one that decided, and its
# `file` and `line`; `via`: the library functions between that and the call, innermost first;
# `exact`, `physical`, `cut`: what stands for its stack in the passes of matching.py, None where
# the purpose does.
if TYPE_CHECKING:

    class Entry(NamedTuple):
        place: tuple[str, ...]
        phase: str
        origin: str
        owner: str | None
        kind: str
        name: str
        purpose: str | None
        module: str
        function: str | None
        file: str | None
        line: int | None
        shown: str | None
        via: tuple[str | None, ...]
        exact: int | None
        physical: int | None
        cut: tuple[str | None, ...] | None

else:
    Entry = namedtuple(
        "Entry",
        "place phase origin owner kind name purpose module function file line shown via"
        " exact physical cut",
    )


def key(entry: Entry) -> Entry:
    """The same whatever its place in the source is."""
    return entry._replace(file=None, line=None, shown=None)


class Run:
    """What is compared of a trace: `entries`, [(Entry, key of it, [sum of each of MEASURES])]."""

    def __init__(
        self, trace: Trace, chains: Chains, lent: dict[tuple[str, int], str], shared: set[str]
    ) -> None:
        self.trace = trace
        groups, tree = trace.sums().groups, trace.tree
        self._program = str(trace.run.get("program") or "").rsplit("/", 1)[-1]
        functions = names.Functions(self._program, build_ids(trace), lent, shared)
        self._chains = RunChains(tree, functions, chains)
        self._tree, self._groups = tree, groups
        self._places = places.of_run(trace.run, groups)
        self.programs = len(self._places)
        found, self.entry_of = self._added()  # entry_of: of a group, its place in `keys`
        self._texts: dict[int, str | None] = {}  # of purposes, by id
        made = [self._entry(*what) for what in found]
        self.keys = list(map(key, made))
        self.entries = [row for row in zip(made, self.keys, found.values()) if any(row[2])]

    def _added(self) -> tuple[dict[tuple[int, int, int, int, int], list[int]], array[int]]:
        """{(index of what, verdict and purpose, node, of the call around it): sums}, and the place
        of each group's in it."""
        groups = self._groups
        found: dict[tuple[int, int, int, int, int], list[int]] = {}
        places: dict[tuple[int, int, int, int, int], int] = {}
        place_of = array("I")
        nodes = self._tree.nodes(groups.stack)
        within = (nodes[id_ - 1] if id_ else 0 for id_ in groups.within)
        keys = zip(groups.what, groups.verdict, groups.purpose, nodes, within)
        columns = [groups.sums[name] for name in MEASURES]
        is_call = [what.kind == "call" for what in groups.whats]
        for at, what in enumerate(keys):
            place_of.append(places.setdefault(what, len(places)))
            sums = found.get(what)
            if sums is None:
                sums = found[what] = [0] * len(MEASURES)
            first = (
                2 if groups.within[at] and is_call[what[0]] else 0
            )  # counted with the outer call
            for index in range(first, len(MEASURES)):
                sums[index] += columns[index][at]
        return found, place_of

    def _entry(self, what: int, verdict_id: int, purpose_id: int, node: int, within: int) -> Entry:
        kind, name, _, pid, phase, image = self._groups.whats[what]
        verdict = self._groups.verdicts[verdict_id]
        tree, chains = self._tree, self._chains
        at = self._deciding(node, within if kind == "syscall" else 0, verdict)
        frame = tree.frames[tree.frame_of[at]] if at > 0 else None
        text = self._purpose(purpose_id)
        origin = verdict.origin if verdict else "unknown"
        known = (self._places.get((pid, image), ()), phase, origin, verdict and verdict.owner)
        by_purpose = text is not None and origin in ("loader", "runtime")
        begin = self._behind_entry(node, kind, name)
        cut = () if by_purpose or not begin >= at > 0 else chains.cut(begin, at)
        stack = (chains.expanded[begin], chains.physical[begin], cut)
        return Entry(
            *known,
            kind,
            name,
            text,
            "" if by_purpose else names.module(frame),
            chains.plain[tree.frame_of[at]] if at > 0 else None,
            frame.file if frame else None,
            frame.line if frame else None,
            frame.function if frame else None,
            _names(chains.between(begin, at)) if at > 0 else (),
            *((None,) * 3 if by_purpose else stack),
        )

    def _purpose(self, id_: int) -> str | None:
        if id_ not in self._texts:
            purpose = self._groups.purposes[id_]
            self._texts[id_] = names.purpose(purpose.text, self._program) if purpose else None
        return self._texts[id_]

    def _deciding(self, node: int, within: int, verdict: Verdict) -> int:
        """Of a memory syscall the function that made the call around it, in its own stack."""
        index = verdict.decided_by if verdict else None
        if index is None and within > 0:
            return self._tree.deciding_node(within, None)
        return self._tree.deciding_node(node, index)

    def _behind_entry(self, node: int, kind: str, name: str) -> int:
        """The node of who called the entry point, whose name the event bears already."""
        if node <= 0:
            return 0
        frame = self._tree.frames[self._tree.frame_of[node]]
        is_entry = kind == "call" or (frame.function or "").lstrip("_").startswith(name)
        return max(0, self._tree.parents[node]) if is_entry else node


def _names(pairs: Iterable[Any]) -> tuple[str, ...]:
    """Without those that say nothing of what was asked for."""
    return tuple(name for name, _ in pairs if name)[:MOST_VIA]


def build_ids(trace: Trace) -> dict[str, str]:
    """{path: build-id} of the files of code of a run."""
    return {module.path: module.build_id for module in trace.modules if module.build_id}


def of_traces(traces: list[Trace]) -> list[Run]:
    """[Run] that may be compared with each other: names that one of them knows serve all."""
    lent = {}
    for trace in traces:
        lent.update(names.lend(trace.tree, build_ids(trace)))
    ids = [set(build_ids(trace).values()) for trace in traces]
    chains, shared = Chains(), set.intersection(*ids)
    return [Run(trace, chains, lent, shared) for trace in traces]
