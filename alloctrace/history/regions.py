"""The regions of a program that its threads were in: marked by region/, docs/regions.md.

They form a tree: a region is its name's address, in one program, within another region. A name
that is open already leads to no new one, so that recursion makes none. The history in C has the
same rules (recorder/host/history/regions.c).
"""

from __future__ import annotations


from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NamedTuple

    class Region(NamedTuple):
        id: int
        parent: int
        name: str | None  # None where it is no literal of a file

else:
    Region = namedtuple("Region", "id parent name")

MOST = 1 << 16
MOST_DEEP = 1 << 12
LONGEST_NAME = 255  # bytes
LOST = "more regions, or deeper ones, than are kept apart: some events lie in none"


class Regions:
    """Which regions threads are in; `made(row)` hears of each new one, in the order of ids."""

    def __init__(self, made: Callable[..., Any], lost: Callable[..., Any]) -> None:
        self._made, self._lost = made, lost
        self._rows: list[Any] = [None]  # id -> (parent, what it is)
        self._inside: dict[tuple[int, tuple[int, int, int]], int] = {}  # (parent, what it is) -> id
        self._open: dict[int, list[int]] = {}  # tid -> ids, the innermost last
        self._beyond: dict[Any, Any] = {}  # tid -> how many more were begun
        self.image = self.unloads = 0  # the program, and what a name may lie in no more

    def of(self, tid: int) -> int:
        """The id of the innermost region that the thread is in; 0: it is in none."""
        opened = self._open.get(tid)
        return opened[-1] if opened else 0

    def begin(self, tid: int, name: int, t_ns: int) -> None:
        opened = self._open.setdefault(tid, [])
        is_beyond = tid in self._beyond or len(opened) >= MOST_DEEP
        number = 0 if is_beyond else self._inner(self.of(tid), name, t_ns)
        if number:
            opened.append(number)
        else:
            self._beyond[tid] = self._beyond.get(tid, 0) + 1
            self._lost()

    def end(self, tid: int) -> None:
        if tid in self._beyond:
            self._beyond[tid] -= 1
            if not self._beyond[tid]:
                del self._beyond[tid]
        elif self._open.get(tid):
            self._open[tid].pop()

    def forget(self, tid: int) -> None:
        """The thread begins anew."""
        self._open.pop(tid, None)
        self._beyond.pop(tid, None)

    def exec(self, image: int) -> None:
        self._open.clear()
        self._beyond.clear()
        self.image, self.unloads = image, 0

    def _inner(self, parent: int, name: int, t_ns: int) -> int:
        what = (name, self.image, self.unloads)
        at = parent
        while at:
            above, known = self._rows[at]
            if known == what:
                return parent
            at = above
        number = self._inside.get((parent, what), 0)
        if not number and len(self._rows) <= MOST:
            number = self._inside[parent, what] = len(self._rows)
            self._rows.append((parent, what))
            row = {"id": number, "parent": parent, "image": self.image, "name": name}
            self._made(dict(row, t_ns=t_ns))
        return number


# ---- in a trace


def of_run(run: dict[str, Any]) -> list[Region]:
    """[Region] by id - 1 of the facts of a trace's run; ValueError where they are damaged."""
    rows = run.get("regions") or []
    if not isinstance(rows, list) or len(rows) > MOST:
        raise ValueError("run: regions is not a list")
    found = []
    for number, row in enumerate(rows, 1):
        id_, parent, name = (row.get(key) for key in Region._fields)
        is_inner = type(parent) is int and 0 <= parent < number
        if id_ != number or not is_inner or not isinstance(name, (str, type(None))):
            raise ValueError("run: a region that is malformed")
        found.append(Region(id_, parent, name))
    return found


def within(known: Iterable[Region], name: str | None) -> set[int]:
    """{ids of the regions of that name, and of those inside them}; `known`: of of_run."""
    found: set[int] = set()
    for region in known:
        if region.name == name or region.parent in found:
            found.add(region.id)
    return found


def nameless(known: Iterable[Region]) -> set[int]:
    """{ids of the regions whose name is not known, and of those inside them}."""
    return within(known, None)
