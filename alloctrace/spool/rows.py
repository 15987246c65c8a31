"""The records of a spool as bytes: one table for both languages.

recorder/contract.py makes the C of it: an enumerator of each kind, a struct of each row. What the
fields mean: docs/trace-format.md. Little-endian, without gaps but those that are named `_`.
"""

from __future__ import annotations

import struct

MAGIC = b"brkspool"
VERSION = 1  # with records of single calls; 2: with columns and sums as well
VERSIONS = (1, 2)
MAX_PAYLOAD = 1 << 20  # bytes of a record

# The kinds of records. Single ones, as they come:
JSON, STACK, ENTER, LEAVE, SYSENTER, SYSLEAVE = range(1, 7)
# and many rows in a record, which the history in C hands out:
NODES, GROUPS, ARGUMENTS, COLUMN, LATE, SUMS, BLOCKS, STAGES = range(7, 15)
MEMBERS, PEAKS, AT_PEAK = range(15, 18)

ROWS = {
    "file": "u8 magic[8], u32 version, u32 _",
    "record": "u32 length, u8 kind, u8 _[3]",
    # Single records. Behind `stack` come its frames, behind `sysenter` the path of a mapped file.
    "stack": "u32 id, u8 cut, u8 _[3]",
    "frame": "u64 pc, u64 slot",
    "enter": "u64 t_ns, u32 tid, u32 hook, u64 sp, u64 args[3], u32 stack, u32 _",
    "leave": "u64 t_ns, u32 tid, u32 hook, u64 sp, u64 result",
    "sysenter": "u64 t_ns, u32 tid, u32 number, u64 sp, u64 args[6], u32 stack, u32 _",
    "sysleave": "u64 t_ns, u32 tid, u32 number, i64 result",
    # A node of the tree of stacks; parent 0 or less: outermost, or cut for that reason.
    "node": "u32 id, i32 parent, u64 pc",
    "group": "u32 id, u32 name, u32 pid, u32 phase, u32 within, i32 stack, u64 image,"
    " u64 first_seq, u64 first_t, u64 before",
    # Behind it the path; number UINT32_MAX: what posix_memalign returned, in args[0].
    "arguments": "u32 id, u32 number, u64 args[6]",
    # Behind it the packed values.
    "column": "u64 first, u32 count, u8 column, u8 width, u8 delta, u8 _, i64 base, u32 period,"
    " u32 _",
    "late": "u64 seq, u64 column, u64 value",
    "sum": "u64 id, u64 count, u64 failed, u64 unfinished, u64 reached, i64 bytes,"
    " u64 allocations, i64 allocated, u64 live_blocks, i64 live_bytes, u64 temporary_blocks,"
    " i64 temporary_bytes, i64 peak_bytes",
    "block": "u64 number, u64 address, u64 size, u64 seq, u64 last, u64 pid",
    "stage": "u64 seq, u64 t_ns, u64 group, i64 live_bytes",  # group 0: all
    "members": "u32 group, u32 maker[4], u32 _, u64 sized, u64 least, u64 most, u64 nulls,"
    " u64 known, u64 grew, u64 shrank",
    "peak": "u32 pid, u32 phase, u64 image, i64 bytes, u64 seq, u64 t_ns",
    "at_peak": "u64 group, i64 bytes",  # of its own program's peak
}
CODES = {"u8": "B", "u32": "I", "i32": "i", "u64": "Q", "i64": "q"}


def fields_of(name: str) -> list[tuple[str, str, int]]:
    """[(type, name, how many)] of a row; 0: one, not an array."""
    found = []
    for field in ROWS[name].split(","):
        type_, what = field.split()
        what, _, number = what.rstrip("]").partition("[")
        found.append((type_, what, int(number or 0)))
    return found


def layout(name: str) -> struct.Struct:
    """What packs and unpacks a row; `_` is left out."""
    parts = ["<"]
    for type_, what, number in fields_of(name):
        code = CODES[type_]
        if what == "_":
            parts.append("%dx" % ((number or 1) * struct.calcsize("<" + code)))
        else:
            parts.append("%ds" % number if type_ == "u8" and number else (str(number or "") + code))
    return struct.Struct("".join(parts))


def names(name: str) -> str:
    """The names of a row's fields, as namedtuple takes them."""
    return " ".join(what for _, what, _ in fields_of(name) if what != "_")
