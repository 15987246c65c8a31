"""Answers that rest on how a stack begins: asked once for all stacks that begin alike.

A question walks outwards only as far as it must. What it looked at is the beginning that its
answer holds for, so the answer is the one that each stack by itself would get. Where it must walk
far, it may find at a node what it found there before (`Beginning.shared`).
"""

from __future__ import annotations

LONGEST = 16  # frames of a beginning that is remembered
MAX_TABLES = 1 << 17  # of 232 bytes
EVERY = 8  # one node in so many remembers
_END = -1  # in a frame's place: the stack ends here


class Beginning:
    """A stack of a StackTree as a sequence of frames, innermost first; knows what was looked at.

    Of frames that are alike (StackTree.alike) it shows the first: their addresses say nothing.
    `shared`: a dict for answers over the rest of a stack, by node.
    """

    def __init__(self, tree, node, shared):
        self._tree, self._next, self._frames, self._nodes = tree, node, [], []
        self.shared = shared
        self.looked = 0  # frames, and the end

    def __getitem__(self, index):
        if not 0 <= index < self.looked:
            self._look(index)
        return self._frames[index]

    def _look(self, index):
        frames, tree = self._frames, self._tree
        if index < 0:
            raise IndexError(index)
        while len(frames) <= index and self._next > 0:
            self._nodes.append(self._next)
            frames.append(tree.frames[tree.alike[self._next]])
            self._next = tree.parents[self._next]
        self.looked = max(self.looked, min(index, len(frames)) + 1)

    def remembering_node(self, index):
        """The node of a frame that was looked at, if it is one that remembers; else 0."""
        node = self._nodes[index]
        return 0 if node % EVERY else node

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
