"""The closed vocabularies of docs/architecture.md: every room spells them from here."""

PHASES = ("load", "init", "main", "exit")
ORIGINS = ("loader", "runtime", "user", "unknown")
CONFIDENCES = ("frame", "address", "phase")

ENTRY_POINTS = (
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "free",
    "aligned_alloc",
    "posix_memalign",
    "memalign",
    "valloc",
    "pvalloc",
)

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
