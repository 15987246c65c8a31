"""Stacks as other tools take them: outermost frame first, each frame a text, and in front of all
two frames of ours: in which phase it was, and who asked.

What a tool cannot tell apart is one node here: a run may have as many stacks as events, so this is
asked once a node of the StackTree.
"""

from __future__ import annotations

import zlib
from array import array

from alloctrace import words
from alloctrace.escape import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Optional

    from alloctrace.model import Frame, Verdict
    from alloctrace.stacks.tree import StackTree
    from alloctrace.trace.read import Trace

    Key = tuple[str, str, int, int, Optional[str]]  # phase, origin, region, stack, leaf

LONGEST = 400  # characters of a name: a stranger's may have 131072, and be in every line


def short(text: str) -> str:
    """`text` in printable characters, and not longer than a viewer can bear; names that differ stay
    different."""
    if len(text) > LONGEST:
        mark = zlib.crc32(text.encode("utf-8", "surrogatepass"))
        text = "%s… #%08x" % (text[: LONGEST - 11], mark)
    return visible(text)


def name(frame: Frame) -> str:
    """A function; where it has no name its place: `libc.so.6+0x1f3`."""
    if frame.function:
        return short(frame.function)
    return short(frame.module) + "+%#x" % frame.offset if frame.module else hex(frame.pc)


def origin(verdict: Verdict | None) -> str:
    """One of words.ORIGINS, a runtime with its owner: `runtime C++`."""
    if verdict is None:
        return "unknown"
    return verdict.origin + (" " + short(verdict.owner) if verdict.owner else "")


def roots(phase: str, verdict: Verdict | None) -> tuple[str, str]:
    """The two outermost frames."""
    return "[phase %s]" % phase, "[origin %s]" % origin(verdict)


class Merged:
    """The nodes of a StackTree, those taken for one that `key(frame)` cannot tell apart.

    `of[node]` is the number of one of ours, 0 where there is no frame; `keys[number]` is what
    `key` said, `parents[number]` its caller, always a smaller number. A stack that was cut begins
    with a frame that says so: `cut(text)` makes its key.
    """

    def __init__(
        self, tree: StackTree, key: Callable[[Frame], Any], cut: Callable[[str], Any] = str
    ) -> None:
        self.keys: list[Any] = [None]
        self.parents = array("I", [0])
        self._known: dict[tuple[int, Any], int] = {}
        said: dict[int, Any] = {}
        self.of = array("I", [0])
        self._cuts = {
            -number: self._node(0, cut("[stack cut: %s]" % why))
            for number, why in words.CUTS.items()
            if why
        }
        frames, frame_of = tree.frames, tree.frame_of
        for node in range(1, len(tree.parents)):
            parent, frame = tree.parents[node], frame_of[node]
            if frame not in said:
                said[frame] = key(frames[frame])
            above = self.of[parent] if parent > 0 else self._cuts.get(parent, 0)
            self.of.append(self._node(above, said[frame]))

    def _node(self, parent: int, key: Any) -> int:
        number = self._known.get((parent, key))
        if number is None:
            number = self._known[parent, key] = len(self.keys)
            self.keys.append(key)
            self.parents.append(parent)
        return number

    def at(self, node: int) -> int:
        """The number of a node; of a stack without frames its reason, or 0."""
        return self.of[node] if node > 0 else self._cuts.get(node, 0)

    def outwards(self, number: int) -> list[Any]:
        """Its keys, innermost first."""
        found: list[Any] = []
        while number:
            found.append(self.keys[number])
            number = self.parents[number]
        return found


def sums(
    trace: Trace,
    merged: Merged,
    pairs: Iterable[tuple[int, int]],
    leaf: Callable[[int], str] | None = None,
) -> dict[Key, int]:
    """{(phase, origin's text, region, number in `merged`, leaf): sum} of (index of a group, value).

    `leaf(index)`: what else tells them apart.
    """
    groups, tree = trace.sums().groups, trace.tree
    found: dict[Key, int] = {}
    texts = [origin(verdict) for verdict in groups.verdicts]
    phases = [what.phase for what in groups.whats]
    for index, value in pairs:
        key = (
            phases[groups.what[index]],
            texts[groups.verdict[index]],
            groups.region[index],
            merged.at(tree.node(groups.stack[index])),
            leaf(index) if leaf else None,
        )
        found[key] = found.get(key, 0) + value
    return found
