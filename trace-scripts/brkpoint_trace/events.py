"""What every witness is turned into, so that they can be laid side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional


@dataclass
class Seen:
    """One call or memory syscall as one witness saw it.

    Sizes are bytes, as docs/trace-format.md has them: of `brk` what the break moved. `task` counts
    the threads of the first process from 0 in the order of their kernel numbers.
    """

    kind: str  # call | syscall
    name: str
    task: int = 0
    size: Optional[int] = None
    nmemb: Optional[int] = None
    ptr: Optional[int] = None
    result: Optional[int] = None
    errno: Optional[int] = None
    args: dict = field(default_factory=dict)  # prot, fixed, fd, new_size … where it was told
    image: int = 0  # counts execs
    text: str = ""  # as the tool wrote it
    impl: str = ""  # the function really entered, where the witness knows
    phase: str = ""
    origin: str = ""
    purpose: Optional[str] = None  # what for, where the witness knows
    seq: Optional[int] = None  # its number in brkpoint's trace
    inside: Optional[int] = None  # index of the call that made it
    private: bool = False  # of the loader's own allocator
    early: bool = (
        False  # by what the loader calls before the entry point: initialisers, IFUNC resolvers
    )


# glibc gives two names to one function: which of them a tool prints is chance.
ALIASES = {"aligned_alloc": "memalign"}


def key(event):
    """What must be equal for two witnesses to have seen the same; no addresses."""
    name = ALIASES.get(event.name, event.name)
    if event.kind == "call":
        return event.kind, name, event.size, event.nmemb
    return event.kind, name, event.size, event.args.get("new_size"), event.errno


_MOST_TASKS = 1 << 22  # the kernel's own limit of numbers of tasks (PID_MAX_LIMIT)


def in_order(tids):
    """The numbers of a process's threads, each once, in the order of their making.

    The first of `tids` is the process's own; the kernel begins anew with small numbers when it has
    used up the large ones.
    """
    tids = list(tids)
    first = tids[0] if tids and tids[0] else 0
    return sorted(set(tids), key=lambda tid: ((tid or 0) - first) % _MOST_TASKS)
