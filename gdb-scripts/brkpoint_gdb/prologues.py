"""One step outwards where there is no unwind table: from what a function's first instructions do.

musl has almost no tables, and gdb's own guess knows functions with a frame pointer only. The
pushes and the subtraction before the first branch or call tell how far up the return address
lies. What is found there counts only if a call stands before it (code.Map.supports).
"""

from __future__ import annotations

import re

import gdb

_OFFSET = re.compile(r" \+ (\d+) in section ")
_PUSH = re.compile(r"^push\s+%r")
_GROW = re.compile(r"^sub\s+\$0x([0-9a-f]+),%rsp$")
_BRANCH = re.compile(r"^(?:bnd |notrack |rep |repz )*(?:call|j\w+|ret)")
_OTHER = re.compile(r",%rsp$|^(?:pop|leave|enter)")
_MAX_BYTES = 4096


def frame_bytes(pc):
    """Bytes between the stack pointer in a function's body and its return address; or None."""
    found = _OFFSET.search(gdb.execute("info symbol %#x" % pc, to_string=True))
    if found is None or not 0 < int(found.group(1)) <= _MAX_BYTES:
        return None
    try:
        listing = gdb.selected_inferior().architecture().disassemble(pc - int(found.group(1)), pc)
    except gdb.error:
        return None
    return _pushed(line["asm"] for line in listing)


def _pushed(texts):
    size = 0
    for text in texts:
        grown = _GROW.match(text)
        if _PUSH.match(text):
            size += 8
        elif grown:
            size += int(grown.group(1), 16)
        elif _BRANCH.match(text):
            return size
        elif _OTHER.search(text):
            return None
    return size
