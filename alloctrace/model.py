"""The plain values that every room passes on. No behaviour, no gdb, no I/O.

Sizes are bytes, times nanoseconds since the first instruction, addresses unsigned integers.
"""

from __future__ import annotations

from .plain import fresh, plain, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeVar

    from .columns.members import Members

    _OfImage = TypeVar("_OfImage", "Module", "Border")


@plain
class Module:
    """A file mapped as code, from one load to one unload. pc - base is its offset (ELF vaddr)."""

    id: int
    path: str
    base: int  # load bias: address minus ELF vaddr
    start: int  # lowest and highest mapped address
    end: int
    build_id: str = ""
    role: str = "library"  # executable | loader | library | vdso
    image: int = 0  # counts execs: 0 is the program that brkpoint started
    loaded_ns: int = 0
    unloaded_ns: int | None = None
    mtime_ns: int = 0  # of a file without a build id, when it ran; 0: not known

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def by_image(rows: Iterable[_OfImage]) -> dict[int, list[_OfImage]]:
    """{image: [row, …]} of modules, or of borders, in their order."""
    found: dict[int, list[_OfImage]] = {}
    for row in rows:
        found.setdefault(row.image, []).append(row)
    return found


@plain
class Hook:
    """An allocator entry point that the engine watches."""

    id: int
    module: int
    name: str  # canonical entry point: one of words.ENTRY_POINTS
    impl: str  # the function really entered: malloc, __minimal_malloc …
    address: int
    arguments: tuple[str, ...] = ()  # what a record's three are: words.ARGUMENTS
    returns_size: bool = False  # it resizes in place, and returns the size, as xallocx does


@plain
class Border:
    """Where a phase begins, and the process at that moment."""

    phase: str
    t_ns: int
    how: str  # in words: "first initialiser, of libc.so.6"
    image: int = 0
    rss_bytes: int | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    mapped_bytes: int | None = None
    brk: int | None = None
    mappings: int | None = None


@plain
class Frame:
    """One frame of a symbolised stack; inlined ones share the pc of the frame that holds them."""

    pc: int
    module: str = ""  # basename, "" where the pc lies in no module
    path: str = ""
    role: str = ""  # executable | loader | system | user | vdso | "" (symbols.py decides)
    offset: int = 0
    function: str | None = None  # demangled, without arguments
    file: str | None = None
    line: int | None = None
    inlined: bool = False
    start: int | None = None  # offset of the function's first byte, by symbol or unwind table
    known: str = ""  # entry | main | user_main | initialiser | finaliser: by address, not by name

    def at(self, pc: int) -> Frame:
        """The same in another process, where it has another address."""
        return replace(self, pc=pc)


@plain
class Verdict:
    """Who asked: the answer of origin.decide."""

    origin: str = "unknown"
    owner: str | None = None
    via: tuple[str, ...] = ()
    direct: bool = False
    decided_by: int | None = None  # index into the stack
    rule: str = ""
    confidence: str = ""
    for_whom: str | None = None  # loader acting for somebody: "user", "runtime (C++)"


@plain
class Purpose:
    """What for, with the rule that said so and where to read it up. Text None: unknown."""

    text: str | None = None
    rule: str = ""
    source: str = ""


@plain
class Event:
    seq: int
    t_ns: int
    pid: int
    tid: int
    kind: str  # call | syscall
    name: str
    impl: str | None = None
    dur_ns: int | None = None  # None: its return was never seen
    size: int | None = None
    nmemb: int | None = None
    align: int | None = None
    ptr: int | None = None
    result: int | None = None
    errno: int | None = None
    args: dict[str, Any] = fresh(dict)
    block: int | None = None
    phase: str = "load"
    image: int = 0
    cause: int | None = None
    outer: int | None = None
    stack: int = 0  # id; 0: none
    verdict: Verdict | None = None
    purpose: Purpose | None = None
    region: int = 0  # id of the innermost that its thread was in; 0: none

    @property
    def failed(self) -> bool:
        return self.errno is not None


@plain
class Group:  # a GroupTable holds many
    """Events that differ only in time, size and address, and their sums. Bytes: those asked for."""

    id: int
    pid: int
    kind: str
    name: str
    impl: str | None
    phase: str
    image: int
    stack: int
    within: int = 0  # the group of the call that they lie in; 0: none
    verdict: Verdict | None = None
    purpose: Purpose | None = None  # of several events only what holds for all of them
    first_seq: int = 0
    first_t: int = 0
    before: int | None = None  # seq that made or moved the first one's block
    count: int = 0
    bytes: int = 0
    failed: int = 0
    unfinished: int = 0
    reached: int = 0  # un-nested calls that made a memory syscall
    allocations: int = 0
    allocated: int = 0
    live_blocks: int = 0  # at the end
    live_bytes: int = 0
    temporary_blocks: int = 0
    temporary_bytes: int = 0
    peak_bytes: int = 0  # live at the run's peak
    members: Members | None = None  # where a recorder told of them
    own_peak_bytes: int = 0  # live at the peak of its own program, in its process
    region: int = 0  # as of its events

    @property
    def is_call(self) -> bool:
        """An un-nested call."""
        return self.kind == "call" and not self.within

    @property
    def is_counted(self) -> bool:
        return self.kind == "syscall" or not self.within
