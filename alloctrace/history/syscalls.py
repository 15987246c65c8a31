"""Memory syscalls: raw registers -> the fields of an event, with flags by name.

Sources: Linux include/uapi/asm-generic/mman-common.h, mman.h, linux/mman.h; man 2 of each call.
"""

from __future__ import annotations

from alloctrace import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from collections.abc import Callable

PROT = {1: "PROT_READ", 2: "PROT_WRITE", 4: "PROT_EXEC"}
PROT.update({0x01000000: "PROT_GROWSDOWN", 0x02000000: "PROT_GROWSUP"})

# The low four bits of mmap's flags are a number, not a set of bits.
MAP_TYPES = {0: "MAP_FILE", 1: "MAP_SHARED", 2: "MAP_PRIVATE", 3: "MAP_SHARED_VALIDATE"}
MAP_TYPE_MASK = 0xF
MAP = {
    0x10: "MAP_FIXED",
    0x20: "MAP_ANONYMOUS",
    0x40: "MAP_32BIT",
    0x100: "MAP_GROWSDOWN",
    0x800: "MAP_DENYWRITE",
    0x1000: "MAP_EXECUTABLE",
    0x2000: "MAP_LOCKED",
    0x4000: "MAP_NORESERVE",
    0x8000: "MAP_POPULATE",
    0x10000: "MAP_NONBLOCK",
    0x20000: "MAP_STACK",
    0x40000: "MAP_HUGETLB",
    0x80000: "MAP_SYNC",
    0x100000: "MAP_FIXED_NOREPLACE",
}
MREMAP = {1: "MREMAP_MAYMOVE", 2: "MREMAP_FIXED", 4: "MREMAP_DONTUNMAP"}
MADVISE = dict(
    enumerate("MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED".split())
)
MADVISE.update(
    enumerate(
        (
            "MADV_FREE MADV_REMOVE MADV_DONTFORK MADV_DOFORK MADV_MERGEABLE MADV_UNMERGEABLE "
            "MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP MADV_WIPEONFORK "
            "MADV_KEEPONFORK MADV_COLD MADV_PAGEOUT MADV_POPULATE_READ MADV_POPULATE_WRITE "
            "MADV_DONTNEED_LOCKED MADV_COLLAPSE"
        ).split(),
        8,
    )
)
MADVISE.update({100: "MADV_HWPOISON", 101: "MADV_SOFT_OFFLINE"})

# Where a syscall has a length; brk has none, its size is what the break moved.
LENGTH = {"mmap": 1, "munmap": 1, "mprotect": 1, "madvise": 1, "mremap": 1}

# The kernel returns -errno in -4095..-1: include/linux/err.h, MAX_ERRNO.
MAX_ERRNO = 4095
ENOMEM = 12


def bits(value: int, names: dict[int, str], none: str = "0") -> str:
    """`value` as names joined by "|"; what has no name stays a hexadecimal number."""
    found = []
    for bit, name in names.items():
        if value & bit:
            found.append(name)
            value &= ~bit
    if value:
        found.append(hex(value))
    return "|".join(found) or none


def map_flags(value: int) -> str:
    """The flags of mmap: "MAP_PRIVATE|MAP_ANONYMOUS"."""
    kind, rest = value & MAP_TYPE_MASK, value & ~MAP_TYPE_MASK
    first = MAP_TYPES.get(kind, hex(kind))
    return first + "|" + bits(rest, MAP) if rest else first


def int32(value: int) -> int:
    """The low 32 bits as the signed `int` that the kernel takes them for."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def int64(value: int) -> int:
    """The low 64 bits as a signed number."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def decode(
    number: int, args: tuple[int, ...], path: bytes
) -> tuple[int | None, int, dict[str, Any]]:
    """(size, ptr, further arguments) of the system call `number` of six raw registers.

    `path`: bytes, of the mapped file. The size of brk is None: history knows the last break.
    """
    name = words.MEMORY_SYSCALLS[number]
    more: dict[str, Any] = _MORE[name](args) if name in _MORE else {}
    if number == words.PKEY_MPROTECT:
        more["pkey"] = int32(args[3])
    if path:
        more["path"] = path.decode("utf-8", "surrogateescape")
    size = args[LENGTH[name]] if name in LENGTH else None
    return size, args[0], more


def _mmap(args: tuple[int, ...]) -> dict[str, Any]:
    return {
        "prot": bits(args[2], PROT, "PROT_NONE"),
        "flags": map_flags(args[3]),
        "fd": int32(args[4]),
        "offset": args[5],
    }


def _mremap(args: tuple[int, ...]) -> dict[str, Any]:
    more: dict[str, Any] = {"new_size": args[2], "flags": bits(args[3], MREMAP)}
    if args[3] & 6:  # MREMAP_FIXED, MREMAP_DONTUNMAP: only then the kernel reads the address
        more["new_address"] = hex(args[4])
    return more


def _madvise(args: tuple[int, ...]) -> dict[str, str]:
    advice = int32(args[2])
    return {"advice": MADVISE.get(advice, str(advice))}


_MORE: dict[str, Callable[[tuple[int, ...]], dict[str, Any]]] = {
    "mmap": _mmap,
    "mremap": _mremap,
    "mprotect": lambda args: {"prot": bits(args[2], PROT, "PROT_NONE")},
    "madvise": _madvise,
}


def outcome(result: int) -> tuple[int | None, int | None]:
    """(result, errno) of what the kernel returned, signed: an address or number, or -errno."""
    if -MAX_ERRNO <= result < 0:
        return None, -result
    return result & ((1 << 64) - 1), None
