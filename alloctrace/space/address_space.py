"""The address space of each process through a run, replayed from its memory syscalls. Pure.

What the kernel mapped before the first instruction is known of files alone (the program, its
loader, the vdso); the rest of it, as the first thread's stack, is told by the kernel as a sum at
the first border. Later borders say what the replay missed: a stack that grew, shared memory.
"""

from __future__ import annotations

from alloctrace import words
from alloctrace.model import by_image
from alloctrace.plain import plain
from alloctrace.summary import lives, processes
from .mappings import Mappings, Unknown, whole_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.model import Border, Event
    from alloctrace.space.mappings import Piece
    from alloctrace.summary.lives import Program
    from alloctrace.trace.read import Trace

KINDS = (  # of a mapping, in the order in which people look for them
    ("program", "the program's file"),
    ("heap", "the heap, which brk moves the end of"),
    ("arena", "a heap of its own for a thread"),
    ("block", "a block that is a mapping of its own"),
    ("thread stack", "a thread's stack"),
    ("loader", "the dynamic loader and its own memory"),
    ("library", "a library's file"),
    ("file", "a file"),
    ("kernel", "code that the kernel lends every program (vdso)"),
    ("other", "anything else"),
)
_OF_ROLE = {"executable": "program", "loader": "loader", "library": "library", "vdso": "kernel"}
_OF_RULE = {  # rules of data/purpose.ini that prove what a mapping without a file is
    "arena-space": "arena",
    "heap-by-mmap": "heap",
    "own-mapping": "block",
    "own-mapping-musl": "block",
    "thread-stack-map": "thread stack",
    "thread-stack-map-musl": "thread stack",
    "loader-arena": "loader",
}


@plain
class Check:
    """What the kernel said at a border, and what the replay makes of it there."""

    pid: int
    phase: str  # that begins there; "end": the process ended
    at: int  # before this event, a seq
    mapped: int
    resident: int | None
    found: int | None  # bytes of all pieces; None: they could not be told any more


@plain
class Spaces:
    pieces: list[Piece]
    checks: list[Check]
    pids: list[int]  # whose address space is known
    # Pid -> (the event from which on its mappings cannot be told, why).
    stops: dict[int, tuple[int, str]]
    partial: bool  # attached: what was there before is known by its files alone


def replay(events: list[Event], trace: Trace) -> Spaces:
    """The Spaces of `events`, of some processes in their order: all that changed mappings, and the
    first of each phase. All is told by their seqs."""
    made = _Replay(trace, events)
    for event in events:
        made.add(event.seq, event)
    made.finish(events[-1].seq + 1 if events else 0)
    pieces = sorted(made.pieces, key=lambda piece: (piece.pid, piece.start, piece.since))
    pids = sorted(pid for pid, space in made.spaces.items() if space)
    return Spaces(pieces, made.checks, pids, made.stops, trace.run.get("mode") == "attached")


class _Replay:
    def __init__(self, trace: Trace, events: list[Event]) -> None:
        self.pieces: list[Piece] = []
        self.checks: list[Check] = []
        self.stops: dict[int, tuple[int, str]] = {}
        self.spaces: dict[int, Mappings | None] = {}  # None: a copy, which is not followed
        self._images: dict[int, int] = {}
        self._modules = by_image(trace.modules)
        self._roles = {module.path: module.role for module in trace.modules}
        self._programs = _programs(trace)
        self._borders = by_image(trace.borders)
        self._waiting: dict[int, list[Border]] = {}  # pid -> borders still to come
        self._mapped = _mapped_by_syscalls(events)

    def add(self, at: int, event: Event) -> None:
        if self._images.get(event.pid) != event.image:
            self._begin(at, event)
        self._pass_borders(at, event.pid, words.PHASES.index(event.phase))
        space = self.spaces[event.pid]
        if event.kind == "syscall" and event.result is not None and not event.failed:
            self._apply(at, event, space)

    def _apply(self, at: int, event: Event, space: Mappings | None) -> None:
        if space is None or event.pid in self.stops:
            return
        try:
            space.apply(at, event)
        except Unknown as reason:
            self.stops[event.pid] = at, str(reason)

    def _begin(self, at: int, event: Event) -> None:
        """A process, or another program in it: what the one before had mapped is gone."""
        self._end_image(at, event.pid)
        before = self.spaces.get(event.pid)
        if before:
            before.cut(at, 0, 1 << 64)
            self.pieces += before.ended
        self._images[event.pid] = event.image
        program = self._programs.get((event.pid, event.image))
        self.spaces[event.pid] = None
        if program is None or program.began == "fork":
            return
        space = self.spaces[event.pid] = Mappings(event.pid, self.what)
        seen = self._mapped.get((event.pid, event.image))
        for module in self._modules.get(event.image, ()):
            if seen is None or not seen.at(module.start):  # the kernel mapped it, or it was there
                role = _OF_ROLE.get(module.role, "file")
                space.put(at, module.start, module.end, role, module.name, None, None)
        self._waiting[event.pid] = list(self._borders.get(event.image, ()))

    def _pass_borders(self, at: int, pid: int, phase: int) -> None:
        waiting = self._waiting.get(pid)
        while waiting and words.PHASES.index(waiting[0].phase) <= phase:
            border = waiting.pop(0)
            self._check(at, pid, border.phase, border.mapped_bytes, border.rss_bytes)

    def _check(
        self, at: int, pid: int, phase: str, mapped: int | None, resident: int | None
    ) -> None:
        space = self.spaces.get(pid)
        if space and mapped is not None:
            found = None if pid in self.stops else space.bytes()
            self.checks.append(Check(pid, phase, at, mapped, resident, found))

    def _end_image(self, at: int, pid: int) -> None:
        self._pass_borders(at, pid, len(words.PHASES))
        image = self._images.get(pid)
        program = None if image is None else self._programs.get((pid, image))
        if program:
            closing = program.closing
            self._check(at, pid, "end", closing.get("mapped_bytes"), closing.get("rss_bytes"))

    def finish(self, count: int) -> None:
        for pid, space in self.spaces.items():
            self._end_image(count, pid)
            self.pieces += space.pieces + space.ended if space else []

    def what(self, event: Event) -> tuple[str, str]:
        """(kind, name) of what an mmap made."""
        path = event.args.get("path")
        if isinstance(path, str) and path:
            return _OF_ROLE.get(self._roles.get(path, ""), "file"), path.rsplit("/", 1)[-1]
        rule, text = (event.purpose.rule, event.purpose.text) if event.purpose else ("", None)
        kind = _OF_RULE.get(rule, "other")
        if kind == "block":  # its purpose tells a size, which mremap changes
            return kind, "a block's own mapping"
        return kind, text or "a mapping, for a purpose that no rule knows"


def _programs(trace: Trace) -> dict[tuple[int, int], Program]:
    """{(pid, image): lives.Program}"""
    of_run = lives.of_run(trace.run, trace.sums().groups)
    return {program.key: program for program in processes.programs_of(of_run)}


def _mapped_by_syscalls(events: list[Event]) -> dict[tuple[int, int], Mappings]:
    """{(pid, image): Mappings of all files that a syscall mapped}"""
    found: dict[tuple[int, int], Mappings] = {}
    for event in events:
        if event.name == "mmap" and event.result is not None and "path" in event.args:
            seen = found.setdefault((event.pid, event.image), Mappings(event.pid, None))
            end = event.result + whole_pages(event.size)
            seen.put(0, event.result, end, "file", "", None, None)
    return found
