"""The words of the page, for a reader who has never heard of `brk`."""

from __future__ import annotations

_WORDS = (
    (
        "call",
        "A call of the allocator: malloc, calloc, realloc, free and their kin. One made inside "
        "another is nested, and not counted again.",
    ),
    (
        "memory syscall",
        "A request to the kernel about memory. brk moves the end of the heap; mmap asks for a new "
        "piece of memory, munmap gives one back, mremap moves or grows one, mprotect and madvise "
        "change what may be done with it.",
    ),
    (
        "reached the kernel",
        "At least one memory syscall was made during the call: proven, for the syscall was made "
        "on the same thread while the call was open. Most calls never do: the allocator keeps "
        "memory in stock, for a syscall is slow.",
    ),
    (
        "phase",
        "When. load: the dynamic loader brings in the program's libraries. init: initialisers "
        "run. main: the program proper. exit: after main has returned.",
    ),
    (
        "origin",
        "Who asked. loader: the part of the system that starts programs. runtime: what a language "
        "brings along (C, C++, Rust), always with its name. user: your code, directly or through "
        "a library. unknown: nothing proves it, and so nothing is claimed.",
    ),
    ("for", "What the memory was for, from a rule that names its evidence and its source."),
    ("block", "What an allocation handed out, until it is freed. It keeps its number if moved."),
    ("live", "Handed out and not yet given back. The peak is the most that was live at once."),
    ("left", "Live when the program ended. Not always a fault: the loader never frees its own."),
    ("temporary", "Given back before its thread asked for anything else."),
    ("site", "A place in the code that allocates: the frame that decides who asked."),
    ("stack", "Which function had called which when the event happened, innermost first."),
)


def rows():
    """(word, what it means)."""
    return _WORDS
