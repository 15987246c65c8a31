"""A recorder's history of many groups, each with a stack of its own in a tree of nodes."""

from __future__ import annotations

import struct

from alloctrace.history import history
from alloctrace.spool import spool

ENTRY, PROGRAM, LIBRARY, NOWHERE = 0x10, 0x400000, 0x7F0000000000, 0x10000000000
OF = {"program": PROGRAM, "library": LIBRARY, "nowhere": NOWHERE}
_SIZE = 1 << 20


def recorded(groups, depth, outer="program"):
    """The History of `groups` calls of malloc: `depth` frames outside the function that called, of
    the program, or of a system library or of code in no file that it calls, are common to all; two
    are each one's own."""
    nodes, rows = list(_chain(depth, OF[outer])), []
    for index in range(groups):
        at = len(nodes)
        caller = OF[outer] + 16 + 16 * (index % 1000)
        nodes.append((at + 1, depth - index // 1000 % 8, caller + 4))
        nodes.append((at + 2, at + 1, ENTRY))
        rows.append((index + 1, 1, 7, 2, 0, at + 2, 0, index, index, (1 << 64) - 1))
    return history.build(_records(nodes, rows))


def _chain(depth, base):
    """Frames from the outermost inwards: the program's main, then those at `base`."""
    for number in range(1, depth + 1):
        yield number, number - 1, (base if number > 1 else PROGRAM) + 0x80000 + number % 7


def _records(nodes, rows):
    yield spool.Info({"type": "run", "pid": 7, "keep": "totals", "engine": "recorder"})
    yield spool.Info({"type": "image", "index": 0, "path": "/no/such/program", "t_ns": 0})
    yield _module(1, "/no/such/program", PROGRAM, "executable")
    yield _module(2, "/usr/lib/libdeep.so.1", LIBRARY, "library")
    yield _module(3, "/usr/lib/libc.so.6", 0, "library")
    yield spool.Info({"type": "name", "id": 1, "kind": "call", "name": "malloc", "impl": "malloc"})
    yield spool.Nodes(_table(nodes, "<IiQ"))
    yield spool.Groups(_table(rows, "<5Ii4Q"))
    sums = [(row[0], 1, 0, 0, 0, 24, 1, 24, 1, 24, 0, 0, 24) for row in rows]
    yield spool.Sums(_table(sums, "<5QqQqQqQqq"))
    yield spool.Info({"type": "sums", "events": len(rows), "last": True, "timeline": []})


def _module(id_, path, base, role):
    where = {"base": base, "start": base, "end": base + _SIZE, "build_id": ""}
    return spool.Info({"type": "module", "id": id_, "path": path, "role": role, "t_ns": 0, **where})


def _table(rows, layout):
    row = struct.Struct(layout)
    return spool.Table(b"".join(row.pack(*values) for values in rows), row)
