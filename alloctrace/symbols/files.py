"""The files of a run's modules, and what is known of each while its functions are named."""

from __future__ import annotations

from functools import cached_property

from alloctrace.elf import ranges as elf_ranges
from alloctrace.elf.elf import ElfError
from alloctrace.elf.of_run import that_ran
from .tables import Tables

_OF_DEBUGGERS = (
    ".debug",
    ".zdebug",
    ".stab",
    ".gnu_debugdata",
    ".gnu_debugaltlink",
    ".gdb_index",
)  # how sections begin
RT_SIGRETURN = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"  # mov $15, %rax; syscall


class File:
    """What is known of one module: its file (None where it must not be used) and the answers."""

    def __init__(self, module, elf, tables):
        self.module = module
        self.elf = elf
        self.tables = tables
        self.role = ""
        self.answers = {}  # offset -> answer of gdb
        self.functions = {}  # offset -> (start, Function or None), of the ELF tables
        self.trampolines = {} if tables is None else tables.trampolines

    def function_at(self, offset):
        """(where the function around `offset` begins, its Function), each None if not known."""
        if offset not in self.functions:
            tables = self.tables.get()
            self.functions[offset] = tables.start_at(offset), tables.at(offset)
        return self.functions[offset]

    def is_signal_return(self, offset, remembered=None):
        """Whether the code at `offset` is a signal trampoline: nothing called from there.
        `remembered(path)`: offsets of a file that are known to be none."""
        if self.elf is None:
            return False
        if not self.trampolines and remembered is not None:
            self.trampolines.update(dict.fromkeys(remembered(self.elf.path), False))
        if offset not in self.trampolines:
            try:
                found = self.elf.read(offset, len(RT_SIGRETURN)) == RT_SIGRETURN
            except ElfError:
                found = False
            self.trampolines[offset] = found
        return self.trampolines[offset]


def open_all(modules, debug_roots, notes, opened):
    """{module id: File}; modules of one file share its tables, which stay in `opened`."""
    files = {}
    for module in modules:
        key = (module.path, module.build_id)
        if key not in opened:
            opened[key] = _open(module, debug_roots, notes)
        files[module.id] = File(module, *opened[key])
    return files


def _open(module, debug_roots, notes):
    """(ElfFile, _LazyTables), or (None, None) where there is no such file any more."""
    if not module.path.startswith("/"):
        return None, None  # [vdso], or a mapping that is no file
    try:
        elf = that_ran(module.path, module.build_id)
        return elf, _LazyTables(elf, debug_roots)
    except ElfError as error:
        notes.append("Functions of %s are not named: %s" % (module.name, error))
        return None, None


class _LazyTables:
    """Tables, read when the first address is looked up: most libraries have none of interest."""

    def __init__(self, elf, debug_roots):
        self._elf, self._roots, self._tables = elf, debug_roots, None
        self.trampolines = {}  # offset -> whether a signal trampoline is there, of all its modules

    def get(self):
        if self._tables is None:
            self._tables = Tables(self._elf, self._debug_file)
        return self._tables

    @cached_property
    def _debug_file(self):
        try:
            return self._elf.debug_file(self._roots)
        except ElfError:
            return None

    def may_have_lines(self, offset):
        """Whether there is debug information about that code, or it cannot be told."""
        return self._may_have_lines and (self._ranges is None or offset in self._ranges)

    @cached_property
    def _may_have_lines(self):
        try:
            sections = self._elf.sections
        except ElfError:
            return True
        told = any(name.startswith(_OF_DEBUGGERS) for name in sections)
        return told or not sections or self._debug_file is not None

    @cached_property
    def _ranges(self):
        """The elf_ranges.Ranges of debug information, None: it may be anywhere."""
        try:
            sections = self._elf.sections
            others = [n for n in sections if n.startswith(_OF_DEBUGGERS) and n[:7] != ".debug_"]
            if others or not sections or self._debug_file is not None:
                return None
            return elf_ranges.with_debug_info(self._elf)
        except ElfError:
            return None


def close(kept):
    """Close the files that `symbolise` keeps open in `kept`."""
    for elf, _ in kept.values():
        if elf is not None:
            elf.close()
    kept.clear()
