"""The sentences of the step card, for the page and for the terminal: `{name}` is filled in."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Event

WORDS: dict[str, Any] = {
    "where": "Event {number}, in {phase}, {time} after {begin}",
    "begin": {"start": "the first instruction", "attached": "brkpoint attached"},
    "who": {
        "loader": "The loader",
        "runtime": "The {owner} runtime",
        "user": "Your code",
        "via": "Your code, through {via},",
        "unknown": "An unknown caller",
    },
    "deeds": {
        "free": "freed a block{block}",
        "free null": "called free with a null pointer",
        "free unknown": "freed something other than a live block that was seen: older, "
        "already freed, or no block",
        "realloc": "asked for {bytes} to replace an older block{block}",
        "reallocarray": "asked for {bytes} to replace an older block{block}",
        "call": "asked for {bytes}{block}",
        "brk up": "moved the end of the heap up by {bytes}",
        "brk down": "moved the end of the heap down by {bytes}",
        "brk": "asked where the heap ends",
        "mmap": "asked the kernel for {bytes} of address space",
        "munmap": "gave {bytes} of address space back to the kernel",
        "mremap": "had the kernel move or resize {bytes} of address space",
        "mprotect": "had the kernel change the protection of {bytes}",
        "madvise": "told the kernel how {bytes} will be used",
    },
    "sentence": "{who} {deed}, {what} In the code: {place}.",
    "for": "for: {purpose}",
    "for nothing known": "for an unknown purpose.",
    "effects": {
        "by none": "No recorded call was open: the code made the system call itself.",
        "never": "It never reached the kernel.",
        "not in the page": "This page does not say whether it reached the kernel: the events that "
        "follow are left out.",
        "reached": "It reached the kernel: ",
        "made during": "Made during ",
        "nested": "Nested in ",
        "not again": "; not counted again.",
    },
    "evidence": {
        "frame": "a named frame of the stack",
        "address": "the address of a frame: its file, and the known addresses of the entry point "
        "and main",
        "phase": "only the phase of the run",
    },
    "reasons": {
        "title": "How do you know?",
        "who": "{who}, by the rule “{rule}”{evidence}",
        "who by no rule": "{who}: no rule decides it, and a guess is not shown as a fact",
        "decided by": "frame {number}, {function} of {module}",
        "what for": "“{purpose}”, by the rule “{rule}”",
        "unknown": "no rule explains it, and a guess is not shown as a fact",
        "made by": "the call was still open on the same thread when the syscall was made; this is "
        "containment, not closeness in time",
        "when": "{phase}: the phase the run was in when the event began",
        "duration": "its return was never seen",
        "untimed": "not measured for this event; --clock every measures each one",
    },
    "stack": {
        "title": "The stack, innermost first",
        "inlined": " (inlined)",
        "decides": " ← decides",
        "none": "No stack was recorded.",
        "cut": "The stack was cut short: {why}.",
    },
    "behind": "There are no more after this one.",
}


def fill(template: str, **values: int | str) -> str:
    """What is filled in may hold braces of its own: they stay."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values[found.group(1)]), template)


def deed(event: Event, size: str, block: str) -> str:
    """The key of what an event did."""
    if event.name == "brk":
        moved = event.size or 0
        key = "brk up" if moved > 0 else "brk down" if moved < 0 else "brk"
    elif event.name == "free" and not event.ptr:
        key = "free null"
    elif event.name == "free" and event.block is None and event.outer is None:
        key = "free unknown"
    elif event.name in ("realloc", "reallocarray") and not event.ptr:
        key = "call"
    else:
        key = event.name if event.name in WORDS["deeds"] else "call"
    return fill(WORDS["deeds"][key], bytes=size, block=block)
