"""The engine, writing down what an unwinder needs to walk the same stacks once more.

`gdb -x` runs this in place of gdb-scripts/engine.py. Into the file that BRKPOINT_UNWIND_DUMP names
go, as 8-byte words: the code that is mapped, and for every BRKPOINT_UNWIND_EVERYth stack the
registers, the stack's memory, and the frames that gdb finds by itself, nothing remembered.
recorder/tests/unwind_replay.c reads it.
"""

import os
import struct
import sys

import gdb

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import main, stacks  # noqa: E402
from brkpoint_gdb.engine import Engine  # noqa: E402

MODULES, STACK = 1, 2
_MARGIN = 4096  # bytes of memory around what gdb's frames lie in
_MAX_REGION = 1 << 20
_LIMIT = int(os.environ.get("BRKPOINT_UNWIND_LIMIT", "4000"))  # stacks of one program


class Dump:
    """Words into a file."""

    def __init__(self, path):
        self.path = path
        self._file = open(path, "ab", buffering=1 << 20)
        self.stacks = 0

    def words(self, *values):
        self._file.write(struct.pack("<%dQ" % len(values), *values))

    def text(self, data):
        data += bytes(8 - len(data) % 8)
        self.words(len(data) // 8)
        self._file.write(data)

    def memory(self, start, data):
        self.words(start, len(data) // 8)
        self._file.write(data[: len(data) // 8 * 8])

    def flush(self):
        self._file.flush()


class DumpedStacks(stacks.Stacks):
    dump = Dump(os.environ["BRKPOINT_UNWIND_DUMP"])
    every = int(os.environ.get("BRKPOINT_UNWIND_EVERY", "1"))
    seen = 0
    written = None

    def at_entry(self, pc, sp, ret, link):
        if ret is not None and self._is_wanted():
            walked = self._alone(lambda: self._walk_entry(sp, ret))
            self._write_down(False, ret, sp + 8, walked)
        return super().at_entry(pc, sp, ret, link)

    def at_pc(self, pc):
        if self._is_wanted() and not self._is_start(pc):
            link, cut = self._alone(lambda: self._from(pc))
            sp = int(gdb.newest_frame().read_register("rsp"))
            self._write_down(True, pc, sp, link, cut)
        return super().at_pc(pc)

    def _is_wanted(self):
        DumpedStacks.seen += 1
        return DumpedStacks.seen % self.every == 0 and self.dump.stacks < _LIMIT

    def _alone(self, walk):
        """The result of `walk` with nothing remembered: gdb walks to the end."""
        known, self._chains = self._chains, {}
        try:
            return walk()
        finally:
            self._chains = known

    def _from(self, pc):
        links = []
        rest = self._walk(stacks._innermost(), pc, links)
        return self._build(links, None, rest if isinstance(rest, int) else 0), rest

    def _write_down(self, exact, pc, sp, link, cut=0):
        self._write_modules()
        frames = link.frames() if link is not None else []
        if link is not None:
            cut = stacks.CUT_DEEP if link.depth >= stacks.MAX_FRAMES else link.cut
        if not exact:
            frames = frames[1:]
        frame, mask = gdb.newest_frame(), (1 << 64) - 1
        bp, bx = (int(frame.read_register(name)) & mask for name in ("rbp", "rbx"))
        self.dump.words(STACK, exact, pc, sp & mask, bp, bx, cut, len(frames))
        for return_address, slot in frames:
            self.dump.words(return_address, slot)
        regions = list(self._regions(sp & mask, [slot for _, slot in frames if slot]))
        self.dump.words(len(regions))
        for start, end in regions:
            self.dump.memory(start, self._process.read(start, end - start))
        self.dump.stacks += 1
        self.dump.flush()

    def _regions(self, sp, slots):
        """(start, end) of the memory around the slots, one for each mapping."""
        for mapping in self._process.mappings():
            inside = [s for s in [sp, *slots] if mapping.start <= s < mapping.end]
            if inside:
                start = sp if sp in inside else max(mapping.start, min(inside) - _MARGIN)
                end = min(mapping.end, max(inside) + _MARGIN, start + _MAX_REGION)
                yield start & ~7, end

    def _write_modules(self):
        mapped = [m for m in self._process.mappings() if "x" in m.perms and m.path != b"[vsyscall]"]
        codes = [self._code.at(mapping.start) for mapping in mapped]
        state = (self.thread_starts, mapped, codes)
        if state == DumpedStacks.written:
            return
        DumpedStacks.written = state
        self.dump.words(MODULES, len(mapped))
        for mapping, code in zip(mapped, codes):
            bias = code.bias if code is not None else 0
            self.dump.words(mapping.start, mapping.end, bias & ((1 << 64) - 1))
            self.dump.text(self._path_of(code) if code is not None else b"")
        self.dump.words(len(self.thread_starts))
        for low, high in self.thread_starts:
            self.dump.words(low, high)

    def _path_of(self, code):
        if code.file is None and code.path != b"[vdso]":
            return b""
        if code.path != b"[vdso]":
            return code.path
        path = self.dump.path + ".vdso"
        with open(path, "wb") as file:
            file.write(self._process.read(code.start, code.end - code.start))
        return os.fsencode(path)


stacks.Stacks = DumpedStacks
main.leave(main.main(Engine))
