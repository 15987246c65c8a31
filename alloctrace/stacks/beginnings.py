"""Answers that rest on how a stack begins: asked once for all stacks that begin alike.

A question walks outwards only as far as it must. What it looked at is the beginning that its
answer holds for, so the answer is the one that each stack by itself would get. Where it must walk
far, it may find at a node what it found there before (`Beginning.shared`).
"""

from __future__ import annotations

LONGEST = 16  # frames of a beginning that is remembered
MAX_TABLES = 1 << 17  # of 232 bytes
EVERY = 8  # one node in so many remembers
AHEAD = 4  # frames are fetched together
_END = -1  # in a frame's place: the stack ends here


class Beginning:
    """A stack of a StackTree as a sequence of frames, innermost first; knows what was looked at.

    Of frames that are alike (StackTree.alike) it shows the first: their addresses say nothing.
    `shared`: a dict for answers over the rest of a stack, by node; `nodes`: of the frames so far.
    """

    def __init__(self, tree, node, shared):
        self._tree, self._next, self._frames, self.nodes = tree, node, [], []
        self.shared = shared
        self.looked = 0  # frames, and the end

    def __getitem__(self, index):
        if index < 0:
            raise IndexError(index)
        frames = self._frames
        if index >= len(frames):
            self._fetch(index)
        if index >= self.looked:
            self.looked = min(index, len(frames)) + 1
        return frames[index]

    def _fetch(self, index):
        """Some more at once: who asks for one will ask for the next."""
        tree, frames, nodes, node = self._tree, self._frames, self.nodes, self._next
        parents, alike, all_ = tree.parents, tree.alike, tree.frames
        for _ in range(index + AHEAD - len(frames)):
            if node <= 0:
                break
            nodes.append(node)
            frames.append(all_[alike[node]])
            node = parents[node]
        self._next = node

    def looked_far(self):
        """The answer rests on all of the stack."""
        self.looked = LONGEST + 1


class Beginnings:
    """Remembers answers by the frames that they rest on: a tree of dicts, from inside outwards."""

    def __init__(self, tree):
        self._tree, self._roots, self._tables = tree, {}, 0
        self._shared = {}

    def answer(self, question, node, ask):
        """`ask(Beginning)`'s answer for the stack at `node`. `question`: all else it rests on."""
        parents, frame_of = self._tree.parents, self._tree.alike
        found, at = self._roots.get(question), node
        while type(found) is dict:
            found = found.get(frame_of[at] if at > 0 else _END)
            at = parents[at] if at > 0 else 0
        if found is not None:
            return found[0]
        beginning = Beginning(self._tree, node, self._shared.setdefault(question, {}))
        answer = ask(beginning)
        if beginning.looked <= LONGEST and self._tables < MAX_TABLES:
            table = self._roots.setdefault(question, {})
            self._remember(table, node, max(beginning.looked, 1), answer)
        return answer

    def _remember(self, table, node, length, answer):
        parents, frame_of = self._tree.parents, self._tree.alike
        for _ in range(length - 1):
            key = frame_of[node] if node > 0 else _END
            if key not in table:
                table[key] = {}
                self._tables += 1
            table, node = table[key], parents[node]
        table[frame_of[node] if node > 0 else _END] = (answer,)
