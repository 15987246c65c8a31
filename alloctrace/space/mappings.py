"""The mappings of one process, changed by its memory syscalls one after the other. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from alloctrace.plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from alloctrace.model import Event

PAGE = 4096
MOST = 100000  # changes of one process that are followed: a stranger's trace may hold any
OVERLAP = "syscalls of several threads overlapped: which of them came first is not known"
_ACCESS = (("READ", "r"), ("WRITE", "w"), ("EXEC", "x"))


@plain
class Piece:
    """Pages from `start` to `end`, from one event to another: seqs."""

    pid: int
    start: int
    end: int
    kind: str
    name: str
    access: str | None  # some of "rwx", "": none; None: not known
    made: int | None  # the event that mapped it first; None: it was there before all events
    since: int
    until: int | None = None  # None: to the end


class Unknown(Exception):
    """From here on the mappings cannot be told."""


class Mappings:
    """The live pieces of one process, by address; none overlaps another.

    `what(event)`: kind and name of what an mmap made. `ended`: pieces that are live no more.
    """

    def __init__(self, pid: int, what: Callable[[Event], tuple[str, str]] | None) -> None:
        self._pid, self._what = pid, what
        self._starts: list[int] = []
        self.pieces: list[Piece] = []
        self.ended: list[Piece] = []
        self._heap: int | None = None  # where brk's memory begins, ends; since when
        self._break = 0
        self._first: int | None = None

    def bytes(self) -> int:
        return sum(piece.end - piece.start for piece in self.pieces)

    def apply(self, at: int, event: Event) -> None:
        """Change them as the syscall did, which had a result; raises Unknown where that cannot be
        told."""
        act = self._ACTS.get(event.name)
        if act and (event.ptr is not None or event.name in ("mmap", "brk")):
            act(self, at, event)
        if len(self.ended) > MOST:
            raise Unknown("there were more than %d changes of mappings" % MOST)

    def put(
        self,
        at: int,
        start: int,
        end: int,
        kind: str,
        name: str,
        access: str | None,
        made: int | None,
    ) -> None:
        if not start < end <= 1 << 64:
            return
        self.cut(at, start, end)
        place = bisect_left(self._starts, start)
        self._starts.insert(place, start)
        self.pieces.insert(place, Piece(self._pid, start, end, kind, name, access, made, at))

    def cut(self, at: int, start: int, end: int) -> None:
        """End what lies between; what sticks out of it stays."""
        first, last = self._between(start, end)
        kept = []
        for piece in self.pieces[first:last]:
            for left, right in ((piece.start, start), (end, piece.end)):
                if left < right:
                    more = piece.kind, piece.name, piece.access, piece.made, piece.since
                    kept.append(Piece(self._pid, left, right, *more))
            if piece.since < at:
                inside = max(start, piece.start), min(end, piece.end)
                piece.start, piece.end, piece.until = *inside, at
                self.ended.append(piece)
        self.pieces[first:last] = kept
        self._starts[first:last] = [piece.start for piece in kept]

    def _between(self, start: int, end: int) -> tuple[int, int]:
        first = max(0, bisect_right(self._starts, start) - 1)
        if first < len(self.pieces) and self.pieces[first].end <= start:
            first += 1
        return first, max(first, bisect_left(self._starts, end))

    def at(self, address: int) -> Piece | None:
        first, last = self._between(address, address + 1)
        return self.pieces[first] if first < last else None

    def _must_be_free(self, start: int, end: int) -> None:
        """The kernel puts nothing where something is: else syscalls of several threads overlapped,
        and the order in which they began is not that in which they were done."""
        first, last = self._between(start, end)
        if first < last:
            raise Unknown(OVERLAP)

    def _mmap(self, at: int, event: Event) -> None:
        assert event.result is not None and self._what is not None
        start, end = event.result, event.result + whole_pages(event.size)
        made: int | None = at
        kind, name = self._what(event)
        flags = str(event.args.get("flags", "")).split("|")
        if "MAP_FIXED" in flags:
            below = self.at(start)  # what the loader puts over its own mapping is part of it
            if below and "path" not in event.args:
                kind, name, made = below.kind, below.name, below.made
        else:
            self._must_be_free(start, end)
        self.put(at, start, end, kind, name, _access(event.args.get("prot")), made)

    def _munmap(self, at: int, event: Event) -> None:
        assert event.ptr is not None
        self.cut(at, event.ptr, event.ptr + whole_pages(event.size))

    def _mprotect(self, at: int, event: Event) -> None:
        assert event.ptr is not None
        start, end = event.ptr, event.ptr + whole_pages(event.size)
        access = _access(event.args.get("prot"))
        first, last = self._between(start, end)
        for piece in self.pieces[first:last]:
            inside = max(start, piece.start), min(end, piece.end)
            self.put(at, *inside, piece.kind, piece.name, access, piece.made)

    def _mremap(self, at: int, event: Event) -> None:
        assert event.ptr is not None and event.result is not None
        moved = self.at(event.ptr)
        rest: tuple[str, str, str | None, int | None] = ("other", "moved by mremap", None, at)
        if moved:
            rest = moved.kind, moved.name, moved.access, moved.made
        if "MREMAP_DONTUNMAP" not in str(event.args.get("flags", "")):
            self.cut(at, event.ptr, event.ptr + whole_pages(event.size))
        end = event.result + whole_pages(event.args.get("new_size"))
        if "MREMAP_FIXED" not in str(event.args.get("flags", "")):
            self._must_be_free(event.result, end)
        self.put(at, event.result, end, *rest)

    def _brk(self, at: int, event: Event) -> None:
        assert event.result is not None
        if self._heap is None:
            self._heap = self._break = event.result - (event.size or 0)
        if self._first is None and event.size:
            self._first = at
        self.cut(at, _up(self._heap), _up(self._break))
        self._break = event.result
        self.put(at, _up(self._heap), _up(self._break), "heap", "heap", "rw", self._first)

    _ACTS = {"mmap": _mmap, "munmap": _munmap, "mprotect": _mprotect, "mremap": _mremap}
    _ACTS["brk"] = _brk


def _up(address: int) -> int:
    return -(-address // PAGE) * PAGE


def whole_pages(size: object) -> int:
    """Bytes in whole pages; what a trace says may be anything."""
    return _up(size) if isinstance(size, int) and 0 < size < 1 << 63 else 0


def _access(prot: object) -> str | None:
    if not isinstance(prot, str):
        return None
    return "".join(sign for word, sign in _ACCESS if "PROT_" + word in prot)
