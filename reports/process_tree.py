"""The processes of a run as a tree: who started whom, alike ones as one line, a screenful at most.

A node is a program of a process, or several that are alike: called the same, and begun by such as
are alike themselves. What a process became by exec follows it on the same level.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict

from alloctrace.escape import visible
from alloctrace.words import signal_name
from reports import sentences, tables
from reports.ink import cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from reports.ink import Ink

MOST = 16  # lines
LONGEST_TITLE = 60
LONGEST_END = 18
DEEPEST = 8  # levels; what is below is only counted
HEAD = ["process", "pid", "calls", "live", "peak", "ended"]
ALIGN = "Lrrrrl"


_WELL = ("status 0", "exec", "ran on")


class Node:
    """`members`: (process, its program, its fork) of the summary's `processes`; several: they are
    alike. The fork, None where there is none to tell of: what it was before its first exec."""

    def __init__(
        self,
        label: str,
        members: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]],
        parent: Node | None,
        chain: list[tuple[dict[str, Any], list[dict[str, Any]]]],
    ) -> None:
        self.label, self.members, self.parent = label, members, parent
        self.chain = chain  # the same of nodes that one process was, one exec after the other
        self.children: list[Node] = []
        self.is_shown = True

    def sum(self, name: str) -> int:
        return sum(part[name] for _, *parts in self.members for part in parts if part)

    def peak(self) -> int | None:
        """The largest of one program; None: not known."""
        known = [part["peak_bytes"] for _, *parts in self.members for part in parts if part]
        return max((peak for peak in known if peak is not None), default=None)

    def is_of(self, key: tuple[int, int]) -> bool:
        return any(
            (process["pid"], program["image"]) == key for process, program, _ in self.members
        )


class Tree:
    """Of the summary's `processes`. `keep`: (pid, image) of a program that is shown in any case,
    `asked`: of the one that was asked for, before whose children others give way."""

    def __init__(
        self,
        processes: list[dict[str, Any]],
        keep: tuple[int, int] | None = None,
        asked: tuple[int, int] | None = None,
        most: int = MOST,
    ) -> None:
        self._most = most
        self._below = _by_parent(processes)
        self.nodes: list[Node] = []  # each behind its parent
        self.hidden = self.hidden_calls = 0
        self.roots = self._fold(self._below[None], None, 0)
        self._prune(keep, asked)

    def _fold(self, processes: list[dict[str, Any]], parent: Node | None, depth: int) -> list[Node]:
        """Nodes of processes beside each other: those whose programs are called the same."""
        alike: dict[tuple[str, ...], list[tuple[dict[str, Any], list[dict[str, Any]]]]] = {}
        for process in processes:
            shown = _shown(process)
            texts = tuple(label(process, program) for program in shown)
            alike.setdefault(texts, []).append((process, shown))
        made = []
        for labels, members in alike.items():
            for at, text in enumerate(labels):
                mine = [
                    (process, shown[at], None if at else _fork(process))
                    for process, shown in members
                ]
                made.append(Node(text, mine, parent, members))
        self.nodes += made
        for node in made:
            self._descend(node, depth)
        return made

    def _descend(self, node: Node, depth: int) -> None:
        inner = []
        for process, program, fork in node.members:
            images = [part["image"] for part in (fork, program) if part]
            inner += [child for image in images for child in self._below[process["pid"], image]]
        if depth + 1 < DEEPEST:
            node.children = self._fold(inner, node, depth + 1)
            return
        while inner:
            process = inner.pop()
            self.hidden += 1
            self.hidden_calls += process["calls"]
            for program in process["programs"]:
                inner += self._below[process["pid"], program["image"]]

    def _prune(self, keep: tuple[int, int] | None, asked: tuple[int, int] | None) -> None:
        """Leave out leaves with least calls, until the rest has room."""
        kept = [node for node in self.nodes if keep is not None and node.is_of(keep)]
        kept += self.roots[:1]
        main = [node for node in self.nodes if asked is not None and node.is_of(asked)]
        inside = set(map(id, main))
        for node in self.nodes:  # a parent stands before its children
            if id(node.parent) in inside:
                inside.add(id(node))
        beside = [node for node in self.nodes if id(node) not in inside] if main else []
        self._leave_out(beside, self._most // 2, kept)
        self._leave_out([node for node in self.nodes if node.is_shown], self._most, kept + main)

    def _leave_out(self, nodes: list[Node], most: int, kept: list[Node]) -> None:
        inner = Counter(id(node.parent) for node in self.nodes if node.is_shown)
        mine, stay = set(map(id, nodes)), set(map(id, kept))
        leaves = [(n.sum("calls"), -at, n) for at, n in enumerate(nodes) if not inner[id(n)]]
        heapq.heapify(leaves)
        excess = len(nodes) - most
        while excess > 0 and leaves:
            calls, place, node = heapq.heappop(leaves)
            if id(node) in stay:
                continue
            node.is_shown = False
            self.hidden += len(node.members)
            self.hidden_calls += calls
            excess -= 1
            above = node.parent
            inner[id(above)] -= 1
            if above and id(above) in mine and not inner[id(above)]:
                heapq.heappush(leaves, (above.sum("calls"), place, above))


def _by_parent(
    processes: list[dict[str, Any]]
) -> defaultdict[tuple[int, int] | None, list[dict[str, Any]]]:
    """{(pid, image) of the parent, None: nobody's: [process]}"""
    found = defaultdict(list)
    known: set[tuple[int, int]] = set()
    for process in processes:  # a parent is told of before its children
        parent = (process["parent"], process["parent_image"])
        found[parent if parent in known else None].append(process)
        known.update((process["pid"], program["image"]) for program in process["programs"])
    return found


def _shown(process: dict[str, Any]) -> list[dict[str, Any]]:
    """Its programs; what it was between fork and exec is told with what it became."""
    programs: list[dict[str, Any]] = process["programs"]
    return programs[1:] if _fork(process) else programs


def _fork(process: dict[str, Any]) -> dict[str, Any] | None:
    programs = process["programs"]
    return programs[0] if len(programs) > 1 and programs[0]["began"] == "fork" else None


def label(process: dict[str, Any], program: dict[str, Any]) -> str:
    """`sh build.sh`, `python3`, `bash (fork)`, `postgres: checkpointer`."""
    title = process["title"]
    if program["began"] == "fork" and title and title != program["command"]:
        return visible(" ".join(title)[:LONGEST_TITLE].strip())
    text = visible(program["name"] or "unknown")
    if program["script"]:
        text += " " + visible(program["script"])
    return text + (" (fork)" if program["began"] == "fork" else "")


def has_several(summary: dict[str, Any]) -> bool:
    """Whether there is a tree to show: more than one program, of one process or of many."""
    return sum(len(row["programs"]) for row in summary["processes"]) > 1


def has_alike(rows_: list[list[str | tuple[str, str]]]) -> bool:
    """Whether a line stands for several."""
    return any(not row[1] and row[3] for row in rows_)


def rows(summary: dict[str, Any], ink: Ink, most: int = MOST) -> list[list[str | tuple[str, str]]]:
    """Lists of cells of tables.lines under HEAD; the last may say what is left out. `summary`: of a
    summary; of `most` lines at most half are of what is not below the program that was asked for.
    """
    about = summary["sums_over"]
    keep = (about["pid"], about["image"]) if about["what"] == "one" else None
    asked = summary["asked_for"]
    tree = Tree(summary["processes"], keep, asked and (asked["pid"], asked["image"]), most)
    found = [_row(*line, keep, ink) for line in _walk(tree.roots, ink)]
    if tree.hidden:
        text = "%s %s" % (ink.signs.more, sentences.count(tree.hidden, "more program"))
        found.append([text, "", sentences.grouped(tree.hidden_calls), "", "", "--json has them"])
    return found


def _walk(nodes: list[Node], ink: Ink, before: str = "") -> Iterator[tuple[Node, str, bool]]:
    """Yield (node, the signs before it, whether it is what the one before became), downwards."""
    nodes = [node for node in nodes if node.is_shown]
    for at, node in enumerate(nodes):
        follows = at > 0 and nodes[at - 1].chain is node.chain
        is_last = all(later.chain is node.chain for later in nodes[at + 1 :])
        sign = ink.signs.last if is_last else ink.signs.branch
        inner = "   " if is_last else ink.signs.bar
        if node.parent is None:
            sign = inner = ""
        yield node, before + (inner if follows else sign), follows
        yield from _walk(node.children, ink, before + inner)


def _row(
    node: Node, before: str, follows: bool, keep: tuple[int, int] | None, ink: Ink
) -> list[str | tuple[str, str]]:
    text, marks = node.label, []  # how many there are, and which was asked for, is never cut
    if follows:
        text = "%s %s" % (ink.signs.arrow, text)
    if len(node.members) > 1:
        marks.append("%s %s" % (ink.signs.times, sentences.grouped(len(node.members))))
    if keep is not None and node.is_of(keep):
        marks.append("*")
    nothing, peak, live = ink.signs.dot, node.peak(), node.sum("live_bytes")
    return [
        (before + text, " ".join(marks)),
        str(node.members[0][0]["pid"]) if len(node.members) == 1 else "",
        sentences.grouped(node.sum("calls")),
        sentences.short_size(live) if live else nothing,
        "?" if peak is None else sentences.short_size(peak) if peak else nothing,
        _ended(node, ink),
    ]


def _ended(node: Node, ink: Ink) -> str:
    """`status 0`, `SIGSEGV`, `exec`; of several that differ each with its number, success last;
    where that is long, of the first alone: `status 3: 1 of 101`."""
    found = Counter(_end(process, program) for process, program, _ in node.members)
    if len(found) == 1:
        return next(iter(found))
    ends = sorted(found, key=lambda end: (end in _WELL, not end.startswith("SIG"), found[end]))
    times = {1: ""}
    text = ", ".join(
        end + times.get(found[end], " %s %d" % (ink.signs.times, found[end])) for end in ends
    )
    if cells(text) <= LONGEST_END:
        return text
    return "%s: %d of %d" % (ends[0], found[ends[0]], len(node.members))


def _end(process: dict[str, Any], program: dict[str, Any]) -> str:
    if program["ended_by_exec"]:
        return "exec"
    kind, status = process["exit"]["kind"], process["exit"]["status"]
    if kind == "exited" and status is not None:
        return "status %d" % status
    if kind == "signalled" and status is not None:
        return signal_name(status)
    return {"running": "ran on", "detached": "ran on"}.get(kind, "unknown")


def section(summary: dict[str, Any], ink: Ink, most: int = MOST) -> Iterator[str]:
    """Lines of the text report: who did what; of one program alone there is nothing to say."""
    if not has_several(summary):
        return
    found = rows(summary, ink, most)
    said = "alike ones on one line: sums, and the largest peak" if has_alike(found) else ""
    head = ink.bold(count(summary))
    yield "%s  %s" % (head, ink.dim(said)) if said else head
    yield from tables.lines(HEAD, found, ink, ALIGN)


def count(summary: dict[str, Any]) -> str:
    """`39 processes`, `1 process`."""
    return sentences.count(len(summary["processes"]), "process", "processes")
