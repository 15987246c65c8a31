"""Breakpoints where regions of the program begin and end (region/, docs/regions.md)."""

from __future__ import annotations

from alloctrace.elf import debug as elf_debug, elf, symbols as elf_symbols

from .hooks import Breakpoint
from .process import now


class Begin(Breakpoint):
    """The first instruction of brkpoint_region_begin: its name is in its register."""

    def hit(self):
        engine, tid = self.engine, self.engine.process.tid()
        name = engine.process.registers(tid).rdi
        engine.spool.info("region_begin", tid=tid, value=name, t_ns=now())
        return False


class End(Breakpoint):
    def hit(self):
        engine = self.engine
        engine.spool.info("region_end", tid=engine.process.tid(), t_ns=now())
        return False


def watch(engine, item):
    """Breakpoints on the marks of a file."""
    try:
        marks = elf_debug.region_marks(item.file) if item.file else ()
    except elf.ElfError:
        return
    for begin, end in marks:
        for kind, vaddr in ((Begin, begin), (End, end)):
            mapped = item.start <= vaddr + item.bias < item.end
            if mapped and elf_symbols.is_in_code(item.file, vaddr):  # a note may say anything
                kind(engine, vaddr + item.bias)
