"""One step outwards where there is no unwind table: from what a function's first instructions do.

musl has almost no tables, and gdb's own guess knows functions with a frame pointer only: for others
it takes the word on top of the stack, and where a call once returned there shows a frame that is
over. The pushes and the subtraction before the first branch or call tell how far up the return
address lies. What is found there counts only if a call stands before it (code.Map.supports).
"""

from __future__ import annotations

import re

import gdb

_OFFSET = re.compile(r" \+ (\d+) in section ")
_PUSH = re.compile(r"^push\s+%r")
_GROW = re.compile(r"^sub\s+\$0x([0-9a-f]+),%rsp$")
_BRANCH = re.compile(r"^(?:bnd |notrack |rep |repz )*(?:call|j\w+|ret)")
_FRAME = re.compile(r"^mov\s+%rsp,%rbp$")
_OTHER = re.compile(r",%rsp$|^(?:pop|leave|enter)")
_MAX_BYTES = 4096


def read(pc):
    """(bytes between the stack pointer in a function's body and its return address, whether rbp
    tells as well); None where its first instructions do not say."""
    found = _OFFSET.search(gdb.execute("info symbol %#x" % pc, to_string=True))
    if found is None or not 0 < int(found.group(1)) <= _MAX_BYTES:
        return None
    try:
        listing = gdb.selected_inferior().architecture().disassemble(pc - int(found.group(1)), pc)
    except gdb.error:
        return None
    return _pushed(line["asm"] for line in listing)


def _pushed(texts):
    size, before, has_frame = 0, [], False
    for text in texts:
        grown = _GROW.match(text)
        if _FRAME.match(text):
            has_frame = before == ["push   %rbp"]
        elif _PUSH.match(text):
            size += 8
        elif grown:
            size += int(grown.group(1), 16)
        elif _BRANCH.match(text):
            return size, has_frame
        elif _OTHER.search(text):
            return None
        before += [text] if text != "endbr64" else []
    return size, has_frame
