"""The closed vocabularies of docs/architecture.md: every room spells them from here.

recorder/contract.py makes the C of what the recorder says too.
"""

import signal

PHASES = ("load", "init", "main", "exit")
# How a phase began, in words: of both engines, and of a session in gdb.
BEGAN = {
    "attached": "attached to the running process",
    "loader": "first instruction, in the dynamic loader",
    "no_loader": "first instruction: no dynamic loader",
    "no_libc": "first instruction: a program without libc",
    "initialiser": "first initialiser, of %s",
    "no_initialiser": "entry point: no initialiser came before it",
    "no_main": "entry point: a program without main",
    "main": "entry of main",
    "rust_main": "entry of Rust's main",
    "returned": "main returned",
    "exit": "exit was called",
    "syscall": "system call %s",
}
# How main was found.
MAIN_BY = {
    "symbol": "symbol",
    "argument": "first argument of the call at the entry point",
    "lang_start": "Rust's lang_start",
}
ORIGINS = ("loader", "runtime", "user", "unknown")
CONFIDENCES = ("frame", "address", "phase")

# What each entry point is given, in the order of its arguments; `size` is of one element, `out`
# where the pointer is stored.
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

# Why a stack ends before its outermost frame. 0 means that it does not.
CUT_UNSUPPORTED, CUT_DEEP, CUT_UNREADABLE, CUT_UNWINDER, CUT_MANY = range(1, 6)
CUTS = {
    0: None,
    CUT_UNSUPPORTED: "no unwind table and no verified call before the return address",
    CUT_DEEP: "deeper than the limit of frames",
    CUT_UNREADABLE: "stack memory could not be read",
    CUT_UNWINDER: "the unwinder gave up",
    CUT_MANY: "too many different stacks in this run",
}

# What the histories count and cannot place.
UNMATCHED = {
    "calls_of_unknown_hook": "calls of an unknown hook",
    "returns_without_call": "returns without a call",
    "syscalls_of_unknown_number": "syscalls of an unknown number",
    "sysreturns_without_syscall": "syscall returns without a syscall",
    "stacks_never_written": "stacks never written",
    "memptrs_without_call": "pointers of posix_memalign without a call",
    "blocks_overwritten": "blocks whose end was not seen",
    "beyond_limit": "records beyond the limit of the recorder",
}


def signal_name(number: int) -> str:
    """`SIGTERM` for 15; a number without a name (real-time signals) as `signal 40`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %s" % number
