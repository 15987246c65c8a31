"""The closed vocabularies of docs/architecture.md: every room spells them from here."""

import signal

PHASES = ("load", "init", "main", "exit")
ORIGINS = ("loader", "runtime", "user", "unknown")
CONFIDENCES = ("frame", "address", "phase")

# What each entry point is given, in the order of its arguments; `size` is of one element, `out`
# where the pointer is stored. recorder/build.mk reads these lines too: one a name.
SIGNATURES = {
    "malloc": "size",
    "calloc": "nmemb size",
    "realloc": "ptr size",
    "reallocarray": "ptr nmemb size",
    "free": "ptr",
    "aligned_alloc": "align size",
    "posix_memalign": "out align size",
    "memalign": "align size",
    "valloc": "size",
    "pvalloc": "size",
}
ENTRY_POINTS = tuple(SIGNATURES)
# What else an argument of another allocator may be: jemalloc's flags, whose low bits say `align`.
ARGUMENTS = ("size", "nmemb", "align", "ptr", "out", "flags")

# Linux x86-64 system call numbers: arch/x86/entry/syscalls/syscall_64.tbl
MEMORY_SYSCALLS = {
    9: "mmap",
    10: "mprotect",
    11: "munmap",
    12: "brk",
    25: "mremap",
    28: "madvise",
    329: "mprotect",  # pkey_mprotect: with a protection key
}
SYSCALL_NAMES = tuple(dict.fromkeys(MEMORY_SYSCALLS.values()))
PKEY_MPROTECT = 329

CUT_DEEP = 2  # of CUTS
# Why a stack ends before its outermost frame. 0 means that it does not.
CUTS = {
    0: None,
    1: "no unwind table and no verified call before the return address",
    2: "deeper than the limit of frames",
    3: "stack memory could not be read",
    4: "the unwinder gave up",
    5: "too many different stacks in this run",
}


def signal_name(number: int) -> str:
    """`SIGTERM` for 15; a number without a name (real-time signals) as `signal 40`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %s" % number
