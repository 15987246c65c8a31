"""The small questions that every count asks of an event. Definitions: docs/report.md, "Words"."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from alloctrace.model import Event, Frame, Group

# Rules of data/purpose.ini: buffers of the standard streams, which libc or std keeps to the end.
_OF_STREAMS = set("stdout-buffer cout-buffer rust-stdout-once rust-stdout".split())
_OF_STREAMS |= {"rust-stdout-vec", "rust-stdin"}
_CACHE_ENDS = "thread-cache-end"  # the rule of data/purpose.ini
MOVES = ("realloc", "reallocarray")  # to no bytes they only end a block


def is_call(event: Event) -> bool:
    """An un-nested allocator call: one made inside another is never counted twice."""
    return event.kind == "call" and event.outer is None


def is_syscall(event: Event) -> bool:
    return event.kind == "syscall"


def is_counted(event: Event) -> bool:
    return is_call(event) or is_syscall(event)


def bytes_asked(event: Event) -> int:
    """Bytes asked for (all elements), or a syscall's length: what `brk` moved, negative if back."""
    if event.size is None:
        return 0
    return event.size * (1 if event.nmemb is None else event.nmemb)


def frees(event: Event) -> bool:
    """A call that only ends a block: `free`, or `realloc` of a block to no bytes."""
    if event.name == "free":
        return True
    shrunk = event.name in MOVES and event.ptr and bytes_asked(event) == 0
    return bool(shrunk and not event.result)


def hands_out(event: Event) -> bool:
    """An allocation: an un-nested call that handed out memory."""
    if not is_call(event) or frees(event) or event.failed:
        return False
    return event.block is not None


def is_of_cache(event: Event | Group) -> bool:
    """A free by the allocator itself, of what lay in a thread's cache: the program freed it before.

    Like `origin` it takes a Group as well.
    """
    return event.name == "free" and event.purpose is not None and event.purpose.rule == _CACHE_ENDS


def is_held(event: Event | Group) -> bool:
    """Memory that the runtime keeps until the end on purpose, and can still reach: no leak."""
    return event.purpose is not None and event.purpose.rule in _OF_STREAMS


def origin(event: Event | Group) -> str:
    """One of words.ORIGINS. Like `purpose` and `deciding_frame` it takes a Group as well."""
    return event.verdict.origin if event.verdict else "unknown"


def purpose(event: Event | Group) -> str | None:
    """What for, in words; None: unknown."""
    return event.purpose.text if event.purpose else None


# Functions of the loader that say nothing about why they were called: their caller does.
_SAY_NOTHING = frozenset(
    "mmap mmap64 munmap mprotect brk sbrk madvise strdup minimal_malloc".split()
)


def deciding_frame(event: Event | Group, stack: Sequence[Frame]) -> Frame | None:
    """The one meaningful frame: the one that decided, else the first that could be named.

    Inside the loader, of its `mmap` and the like the caller, for it says what for.
    """
    index = event.verdict.decided_by if event.verdict else None
    if index is None or not 0 <= index < len(stack):
        return next((frame for frame in stack if frame.function), stack[0] if stack else None)
    while is_silent(stack[index]) and _is_of_loader(stack, index + 1):
        index += 1
    return stack[index]


def is_silent(frame: Frame) -> bool:
    """A function of the loader that says nothing about why it was called."""
    if frame.role != "loader":
        return False
    name = (frame.function or "").lstrip("_")
    return (name[3:] if name.startswith("GI_") else name).lstrip("_") in _SAY_NOTHING


def _is_of_loader(stack: Sequence[Frame], index: int) -> bool:
    return (
        index < len(stack) and stack[index].role == "loader" and stack[index].function is not None
    )
