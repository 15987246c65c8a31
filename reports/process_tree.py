"""The processes of a run as a tree: who started whom, alike ones as one line, a screenful at most.

A node is a program of a process, or several that are alike: called the same, and begun by such as
are alike themselves. What a process became by exec follows it on the same level.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict

from alloctrace.escape import visible
from reports import endings, sentences

MOST = 24  # lines
DEEPEST = 8  # levels; what is below is only counted
HEAD = ["process", "pid", "calls", "live", "peak", "ended"]
ALIGN = "Lrrrrl"


class Node:
    """`members`: (process, its program, its fork) of the summary's `processes`; several: they are
    alike. The fork, None where there is none to tell of: what it was before its first exec."""

    def __init__(self, label, members, parent, follows):
        self.label, self.members, self.parent = label, members, parent
        self.follows = follows  # it is what the node before it became by exec
        self.children = []
        self.is_shown = True

    def sum(self, name):
        return sum(part[name] for _, *parts in self.members for part in parts if part)

    def peak(self):
        """The largest of one program; None: not known."""
        known = [part["peak_bytes"] for _, *parts in self.members for part in parts if part]
        return max((peak for peak in known if peak is not None), default=None)

    def is_of(self, key):
        return any((process["pid"], program["image"]) == key for process, program, _ in self.members)


class Tree:
    """Of the summary's `processes`. `keep`: (pid, image) of a program that is shown in any case."""

    def __init__(self, processes, keep=None):
        self._below = _by_parent(processes)
        self.nodes = []  # each behind its parent
        self.hidden = self.hidden_calls = 0
        self.roots = self._fold(self._below[None], None, 0)
        self._prune(keep)

    def _fold(self, processes, parent, depth):
        """Nodes of processes beside each other: those whose programs are called the same."""
        alike = {}
        for process in processes:
            shown = _shown(process)
            alike.setdefault(tuple(map(label, shown)), []).append((process, shown))
        made = []
        for labels, members in alike.items():
            for at, text in enumerate(labels):
                mine = [
                    (process, shown[at], None if at else _fork(process)) for process, shown in members
                ]
                made.append(Node(text, mine, parent, at > 0))
        self.nodes += made
        for node in made:
            self._descend(node, depth)
        return made

    def _descend(self, node, depth):
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

    def _prune(self, keep):
        """Leave out leaves with least calls, until the rest has room."""
        inner = Counter(id(node.parent) for node in self.nodes)
        leaves = [
            (node.sum("calls"), -at, node) for at, node in enumerate(self.nodes) if not inner[id(node)]
        ]
        heapq.heapify(leaves)
        excess = len(self.nodes) - MOST
        while excess > 0 and leaves:
            calls, _, node = heapq.heappop(leaves)
            if keep is not None and node.is_of(keep):
                continue
            node.is_shown = False
            self.hidden += len(node.members)
            self.hidden_calls += calls
            excess -= 1
            inner[id(node.parent)] -= 1
            if node.parent is not None and not inner[id(node.parent)]:
                heapq.heappush(leaves, (node.parent.sum("calls"), 0, node.parent))


def _by_parent(processes):
    """{(pid, image) of the parent, None: nobody's: [process]}"""
    found, known = defaultdict(list), set()
    for process in processes:  # a parent is told of before its children
        parent = (process["parent"], process["parent_image"])
        found[parent if parent in known else None].append(process)
        known.update((process["pid"], program["image"]) for program in process["programs"])
    return found


def _shown(process):
    """Its programs; what it was between fork and exec is told with what it became."""
    return process["programs"][1:] if _fork(process) else process["programs"]


def _fork(process):
    programs = process["programs"]
    return programs[0] if len(programs) > 1 and programs[0]["began"] == "fork" else None


def label(program):
    """`sh build.sh`, `python3`, `bash (fork)`."""
    text = visible(program["name"] or "unknown")
    if program["script"]:
        text += " " + visible(program["script"])
    return text + (" (fork)" if program["began"] == "fork" else "")


def rows(record, ink):
    """Lists of texts under HEAD; the last may say what is left out. `record`: of a summary."""
    about = record["sums_over"]
    keep = (about["pid"], about["image"]) if about["what"] == "one" else None
    tree = Tree(record["processes"], keep)
    found = [_row(node, before, keep, ink) for node, before in _walk(tree.roots, ink)]
    if tree.hidden:
        text = "%s %s more" % (ink.signs.more, sentences.grouped(tree.hidden))
        found.append([text, "", sentences.grouped(tree.hidden_calls), "", "", "--json has them"])
    return found


def _walk(nodes, ink, before=""):
    """Yield (node, the signs before it), from the top down."""
    nodes = [node for node in nodes if node.is_shown]
    for at, node in enumerate(nodes):
        is_last = all(later.follows for later in nodes[at + 1 :])
        sign = ink.signs.last if is_last else ink.signs.branch
        inner = "   " if is_last else ink.signs.bar
        if node.parent is None:
            sign = inner = ""
        yield node, before + (inner if node.follows else sign)
        yield from _walk(node.children, ink, before + inner)


def _row(node, before, keep, ink):
    text = node.label
    if len(node.members) > 1:
        text += " %s %s" % (ink.signs.times, sentences.grouped(len(node.members)))
    if node.follows:
        text = "%s %s" % (ink.signs.arrow, text)
    if keep is not None and node.is_of(keep):
        text += " *"
    nothing, peak, live = ink.signs.dot, node.peak(), node.sum("live_bytes")
    return [
        before + text,
        str(node.members[0][0]["pid"]) if len(node.members) == 1 else nothing,
        sentences.grouped(node.sum("calls")),
        sentences.short_size(live) if live else nothing,
        "?" if peak is None else sentences.short_size(peak) if peak else nothing,
        _ended(node, ink),
    ]


def _ended(node, ink):
    """`status 0`, `SIGSEGV`, `exec`; of several that differ each with its number."""
    found = Counter(_end(process, program) for process, program, _ in node.members)
    if len(found) == 1:
        return next(iter(found))
    return ", ".join("%s %s%d" % (end, ink.signs.times, n) for end, n in found.most_common())


def _end(process, program):
    if program["ended_by_exec"]:
        return "exec"
    kind, status = process["exit"]["kind"], process["exit"]["status"]
    if kind == "exited" and status is not None:
        return "status %d" % status
    if kind == "signalled" and status is not None:
        return endings.signal_name(status)
    return {"running": "ran on", "detached": "ran on"}.get(kind, "unknown")
