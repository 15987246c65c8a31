"""The words of the page, for a reader who has never heard of `brk`."""

from __future__ import annotations

_WORDS = (
    (
        "call",
        "A call to the allocator: malloc, calloc, realloc, free and their relatives. A call made "
        "inside another one is nested, and not counted again.",
    ),
    (
        "memory syscall",
        "A request to the kernel about memory. brk moves the end of the heap; mmap asks for a new "
        "piece of memory, munmap gives one back, mremap moves or resizes one, mprotect and "
        "madvise change how one may be used.",
    ),
    (
        "reached the kernel",
        "At least one memory syscall was made during the call. This is proven, not guessed from "
        "times: the same thread made the syscall while the call was still open. Most calls never "
        "reach the kernel: syscalls are slow, so the allocator keeps memory in stock.",
    ),
    (
        "phase",
        "When it happened. load: the dynamic loader brings in the program's libraries. init: "
        "their initialisers run. main: the program itself runs. exit: main has returned.",
    ),
    (
        "origin",
        "Who asked. loader: the part of the system that starts programs. runtime: what a language "
        "brings along (C, C++, Rust), named. user: your code, directly or through a library. "
        "unknown: nothing proves who it was, so nothing is claimed.",
    ),
    ("for", "What the memory was for, according to a rule that names its evidence and its source."),
    ("block", "A piece of memory that was handed out, until it is freed. It keeps its number."),
    ("live", "Handed out and not yet freed. The peak is the most that was live at one time."),
    ("left", "Still live at the end. Not always a bug: the loader never frees its own memory."),
    ("temporary", "Freed before the same thread asked for anything else."),
    (
        "site",
        "A place in the code that allocates: the function, in the stack, that shows who asked.",
    ),
    ("stack", "Which function had called which when the event happened, innermost first."),
)


def rows() -> tuple[tuple[str, str], ...]:
    """(word, what it means)."""
    return _WORDS
