"""The files of a run's modules, and what is known of each while its functions are named."""

from __future__ import annotations

from functools import cached_property

from alloctrace.elf import ranges as elf_ranges
from alloctrace.elf.elf import ElfError
from alloctrace.elf.of_run import that_ran
from .tables import Tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Optional, TypedDict

    from alloctrace.elf.elf import ElfFile
    from alloctrace.model import Module
    from .tables import FunctionAt

    class Answer(TypedDict):
        """What gdb says of an address."""

        chain: list[list[Any]]  # [function, file, line], innermost first
        symbol: list[Any] | None  # [name, distance]

    # {(path, build id): …}, of modules whose file may be used
    Opened = dict[tuple[str, str, int], tuple[Optional[ElfFile], Optional["LazyTables"]]]

_INFO = frozenset((".debug_info", ".zdebug_info"))
_PACKED = ".gnu_debugdata"
_OF_DEBUGGERS = (".stab", ".debug_info", ".zdebug_info")  # how sections with lines begin
# How sections begin that make it unsure which code debug information is about.
_OF_OTHERS = (".zdebug", ".stab", _PACKED, ".gnu_debugaltlink", ".gdb_index")
RT_SIGRETURN = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"  # mov $15, %rax; syscall


class File:
    """What is known of one module: its file (None where it must not be used) and the answers."""

    def __init__(self, module: Module, elf: ElfFile | None, tables: LazyTables | None) -> None:
        self.module, self.name = module, module.name
        self.elf = elf
        self.tables = tables
        self.role = ""
        self.answers: dict[int, Answer] = {}  # by offset
        self.functions: dict[int, FunctionAt] = {}  # by offset, of the ELF tables
        self.begun: list[tuple[int, str]] | None = None  # relocations.begun, once asked for
        self.trampolines = {} if tables is None else tables.trampolines

    def function_at(self, offset: int) -> FunctionAt:
        """(where the function around `offset` begins, its Function), each None if not known."""
        if offset not in self.functions:
            if self.tables is None:
                return None, None
            tables = self.tables.get()
            function = tables.at(offset)
            self.functions[offset] = tables.begin(offset, function), function
        return self.functions[offset]

    def is_signal_return(
        self, offset: int, remembered: Callable[[str], Iterable[int]] | None = None
    ) -> bool:
        """Whether the code at `offset` is a signal trampoline: nothing called from there.
        `remembered(path)`: offsets of a file that are known to be none."""
        if self.elf is None:
            return False
        known = self.trampolines.get(offset)
        if known is not None:
            return known
        if not self.trampolines and remembered is not None:
            self.trampolines.update(dict.fromkeys(remembered(self.elf.path), False))
        if offset not in self.trampolines:
            try:
                found = self.elf.read(offset, len(RT_SIGRETURN)) == RT_SIGRETURN
            except ElfError:
                found = False
            self.trampolines[offset] = found
        return self.trampolines[offset]


def open_all(
    modules: Iterable[Module], debug_roots: Sequence[str], notes: list[str], opened: Opened
) -> dict[int, File]:
    """{module id: File}; modules of one file share its tables, which stay in `opened`."""
    files = {}
    for module in modules:
        key = (module.path, module.build_id, module.mtime_ns)
        if key not in opened:
            opened[key] = _open(module, debug_roots, notes)
        files[module.id] = File(module, *opened[key])
    return files


def _open(
    module: Module, debug_roots: Sequence[str], notes: list[str]
) -> tuple[ElfFile | None, LazyTables | None]:
    """(ElfFile, LazyTables), or (None, None) where there is no such file any more."""
    if not module.path.startswith("/"):
        return None, None  # [vdso], or a mapping that is no file
    try:
        elf = that_ran(module.path, module.build_id, module.mtime_ns)
        return elf, LazyTables(elf, debug_roots)
    except ElfError as error:
        name = module.name or "a program that lies on a mount without a folder"
        notes.append("Functions of %s are not named: %s" % (name, error))
        return None, None


class LazyTables:
    """Tables, read when the first address is looked up: most libraries have none of interest."""

    def __init__(self, elf: ElfFile, debug_roots: Sequence[str]) -> None:
        self._elf, self._roots = elf, debug_roots
        self._tables: Tables | None = None
        # offset -> whether a signal trampoline is there, of all its modules
        self.trampolines: dict[int, bool] = {}

    def get(self) -> Tables:
        if self._tables is None:
            self._tables = Tables(self._elf, self._debug_file)
        return self._tables

    @cached_property
    def _debug_file(self) -> str | None:
        try:
            return self._elf.debug_file(self._roots)
        except ElfError:
            return None

    def may_have_lines(self, offset: int) -> bool:
        """Whether there is debug information about that code, or it cannot be told."""
        return self._may_have_lines and (self._ranges is None or offset in self._ranges)

    @property
    def debug_info(self) -> str | None:
        """The path of the file that gdb would read debug information from, or None."""
        try:
            own = not _INFO.isdisjoint(self._elf.sections)
        except ElfError:
            return None
        return self._elf.path if own else self._debug_file

    @cached_property
    def _may_have_lines(self) -> bool:
        """What a section of its own tells, or a debug file. Sections that only help to read
        .debug_info (an index, a link to what several files share) are nothing without it."""
        try:
            sections = self._elf.sections
            if not sections or any(name.startswith(_OF_DEBUGGERS) for name in sections):
                return True
            if _PACKED in sections:
                packed = self._elf.mini_debug
                if packed is None or any(n.startswith(_OF_DEBUGGERS) for n in packed.sections):
                    return True
        except ElfError:
            return True
        return self.debug_info is not None

    @cached_property
    def _ranges(self) -> elf_ranges.Ranges | None:
        """The elf_ranges.Ranges of debug information, None: it may be anywhere."""
        try:
            sections = self._elf.sections
            others = [n for n in sections if n.startswith(_OF_OTHERS)]
            if others or not sections or self._debug_file is not None:
                return None
            return elf_ranges.with_debug_info(self._elf)
        except ElfError:
            return None


def close(kept: Opened) -> None:
    """Close the files that `symbolise` keeps open in `kept`."""
    for elf, _ in kept.values():
        if elf is not None:
            elf.close()
    kept.clear()
