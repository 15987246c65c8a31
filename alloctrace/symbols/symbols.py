"""Program counters -> frames: which function of which file, and whose file it is.

Each distinct (file, offset) is looked up once: gdb reads the debug information of all files in
one run without a process (start/symbol_gdb.py), ELF tables fill in what it does not know
(symbols/tables.py). A file that is no longer the one that ran names nothing.
"""

from __future__ import annotations

from alloctrace.elf import debug as elf_debug
from alloctrace.elf.debug import DEBUG_ROOTS
from alloctrace.elf.elf import ElfError
from alloctrace.model import Frame, by_image
from alloctrace.plain import replace
from . import files as symbol_files, names as symbol_names
from . import places as symbol_places, roles as symbol_roles, stacks as symbol_stacks
from .places import Places
from .tables import is_exported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Optional

    from alloctrace.elf.elf import ElfFile
    from alloctrace.history.history import History
    from alloctrace.model import Module
    from alloctrace.stacks.tree import StackTree
    from .files import Answer, File, LazyTables, Opened
    from .places import Place
    from .tables import Function

    Wanted = dict[int, set[tuple[int, bool]]]  # {module id: {(offset, is_call)}}
    Begun = tuple[int, Optional[int]]  # (module id, offset) where a function begins

_NOTHING: Answer = {"chain": [], "symbol": None}


def symbolise(
    history: History,
    user_libs: Sequence[str] = (),
    system_libs: Sequence[str] = (),
    gdb: Callable[..., Any] | None = None,
    debug_roots: Sequence[str] = DEBUG_ROOTS,
    notes: list[str] | None = None,
    kept: Opened | None = None,
) -> StackTree:
    """The StackTree of history.stacks: {stack id: (Frame, …)}, inlined frames unfolded.

    `user_libs`, `system_libs`: patterns of file names or paths that override whose a library is.
    `gdb`: None for ELF tables only, or a function that answers as start/symbol_gdb.ask does. What
    could not be read is said in `notes` (a list; by default the history's). Never raises for what
    files contain.
    `kept`: a dict of the caller's that keeps files open and read from one call to the next.
    """
    notes = history.notes if notes is None else notes
    opened: Opened = {} if kept is None else kept
    files = symbol_files.open_all(history.modules, debug_roots, notes, opened)
    remembered = getattr(gdb, "returns", None)
    places = Places(
        history.modules, lambda m, offset: files[m.id].is_signal_return(offset, remembered)
    )
    try:
        planned = symbol_stacks.plan(history, places)
        distinct = planned.wanted()
        for module in history.modules:
            elf = files[module.id].elf
            files[module.id].role = symbol_roles.role(module, elf, user_libs, system_libs)
        wanted = symbol_places.wanted(distinct)
        known = _known_addresses(history, files, wanted, getattr(gdb, "begun", None))
        _look_up(wanted, files, gdb, debug_roots, notes)
        namer = _Namer(files, known, _hooked(history))
        frames = {id(place): namer.frames(place) for place in distinct}
        _keep(files.values(), gdb)
        return planned.tree(lambda place: frames[id(place)])
    finally:
        if kept is None:
            symbol_files.close(opened)


def _look_up(
    wanted: Wanted,
    files: Mapping[int, File],
    gdb: Any,
    debug_roots: Sequence[str],
    notes: list[str],
) -> None:
    """Ask gdb for the addresses of interest."""
    by_file: dict[int, _Asked] = {}
    for id_, rows in wanted.items():
        file = files[id_]
        if file.elf is not None and file.tables is not None:
            asked = by_file.setdefault(id(file.tables), _Asked(file.elf, file.tables))
            asked.files.append(file)
            asked.offsets.update(offset - is_call for offset, is_call in rows)
    if hasattr(gdb, "functions"):
        for asked in by_file.values():
            functions = gdb.functions(asked.elf.path)
            for file in asked.files:
                file.functions = functions
    groups = [asked for asked in by_file.values() if _may_be_asked(asked, debug_roots, notes)]
    for asked in groups:
        asked.leave_for_gdb()
    groups = [asked for asked in groups if asked.offsets]
    if gdb is None or not groups:
        return
    requests = [(asked.elf.path, asked.offsets) for asked in groups]
    if hasattr(gdb, "functions"):
        answers, problems = gdb(requests, groups)
    else:
        answers, problems = gdb(requests)
    notes.extend(problems)
    for asked, found in zip(groups, answers):
        for file in asked.files:
            file.answers = found or {}


class _Asked:
    """The modules of one file, and the addresses in it that are of interest."""

    def __init__(self, elf: ElfFile, tables: LazyTables) -> None:
        self.elf, self._tables = elf, tables
        self.files: list[File] = []
        self.offsets: set[int] = set()

    def start_at(self, offset: int) -> int | None:
        """Where the function around it begins."""
        return self.files[0].function_at(offset)[0]

    def leave_for_gdb(self) -> None:
        """Those of which it may know more than the file's own tables: lines, or a mangled name
        that is not understood here."""
        lines = {offset for offset in self.offsets if self._tables.may_have_lines(offset)}
        self.offsets = lines | set(filter(self.is_unread, self.offsets - lines))

    def is_unread(self, offset: int) -> bool:
        """Whether the function around it has a name that the file's tables do not tell."""
        function = self.files[0].function_at(offset)[1]
        return function is not None and all(map(symbol_names.is_mangled, function[2:4]))

    @property
    def debug_info(self) -> str | None:
        """The path of the file that gdb would read debug information from, or None."""
        return self._tables.debug_info


def _may_be_asked(asked: _Asked, debug_roots: Sequence[str], notes: list[str]) -> bool:
    try:
        unfit = elf_debug.unfit(asked.elf, debug_roots)
    except ElfError:
        return True  # gdb has its own words for a damaged file
    if unfit is not None:
        text = "gdb is not asked about %s: its debug file %r is not a regular file of sensible size"
        notes.append(text % (asked.files[0].module.name, unfit))
    return unfit is None


def _keep(files: Iterable[File], gdb: Any) -> None:
    """What was found in ELF tables, for the next run, where `gdb` keeps such things."""
    done = set()
    for file in files if hasattr(gdb, "functions") else ():
        known = id(file.elf), id(file.functions), file.begun is None
        if file.elf is not None and known not in done and (file.functions or file.trampolines):
            done.add(known)
            returns = [offset for offset, is_return in file.trampolines.items() if not is_return]
            gdb.keep(file.elf, file.functions, returns, file.begun)


def _known_addresses(
    history: History,
    files: Mapping[int, File],
    wanted: Wanted,
    remembered: Callable[[str], list[tuple[int, str]] | None] | None,
) -> dict[Begun, str]:
    """{(module id, offset): what begins there}: entry, main, user_main, initialiser, finaliser; of
    the modules that are wanted. `remembered(path)`: what a file itself is known to tell."""
    known: dict[Begun, str] = {}
    own: dict[tuple[int, bool], dict[int, str]] = {}
    modules = [module for module in history.modules if module.id in wanted]
    for module in modules:
        file = files[module.id]
        if file.elf is None:
            continue
        key = id(file.tables), file.role == "executable"
        if key not in own:
            file.begun = remembered and remembered(file.elf.path)
            if file.begun is None:
                file.begun = file.elf.begun()
            own[key] = dict(file.begun)
            if key[1]:
                own[key][file.elf.entry] = "entry"
        known.update(((module.id, offset), kind) for offset, kind in own[key].items())
    of_images = by_image(modules)
    for told, image in _told_addresses(history):
        for name, kind in (("address", "main"), ("main", "main"), ("user_main", "user_main")):
            address = told.get(name)
            if isinstance(address, int):
                for module in of_images.get(image, ()):
                    if module.start <= address < module.end:
                        known[module.id, address - module.base] = kind
    return known


def _told_addresses(history: History) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield (told, its image) of those that tell where a main is."""
    for told in history.mains:
        yield told, told.get("image", 0)
    for told in history.images:
        yield told, told.get("index", 0)


def _hooked(history: History) -> dict[Begun, str]:
    """{(module id, offset): name} of the allocator functions that the engine found."""
    bases = {module.id: module.base for module in history.modules}
    hooks = getattr(history, "hooks", {}).values()
    return {(h.module, h.address - bases[h.module]): h.impl for h in hooks if h.module in bases}


class _Namer:
    """Makes frames."""

    def __init__(
        self,
        files: Mapping[int, File],
        known: Mapping[Begun, str],
        hooked: Mapping[Begun, str],
    ) -> None:
        self._files = files
        self._hooked = hooked
        self._known = known
        self._made: dict[Any, tuple[Frame, ...]] = {}  # by what they are made from but the address
        self._alike = self._by_module()
        self._names: dict[str, str] = {}  # as gdb says them -> as people read them

    def _by_module(self) -> dict[int, dict[tuple[int, bool], tuple[Frame, ...]]]:
        """{module id: {(offset, is_call): frames}}: of modules that are alike but for where they
        lie one dict, as of a hundred processes of one program."""
        told: dict[int, set[tuple[int, str, bool]]] = {}
        for what, is_hook in ((self._known, False), (self._hooked, True)):
            for (id_, offset), name in what.items():
                told.setdefault(id_, set()).add((offset or 0, name, is_hook))
        kinds: dict[Any, dict[tuple[int, bool], tuple[Frame, ...]]] = {}
        found = {}
        for id_, file in self._files.items():
            if file.tables is not None:
                begins = frozenset(told.get(id_, ()))
                key = id(file.tables), file.role, file.module.path, begins
                found[id_] = kinds.setdefault(key, {})
        return found

    def frames(self, place: Place) -> tuple[Frame, ...]:
        """The frames at a Place: inlined ones, then the function that holds them."""
        pc, module, is_call = place
        if module is None:
            return (Frame(pc),)
        alike = self._alike.get(module.id)
        if alike is None:
            return self._frames(pc, module, is_call)
        offset = pc - module.base
        made = alike.get((offset, is_call))
        if made is None:
            made = alike[offset, is_call] = self._frames(pc, module, is_call)
            return made
        if len(made) == 1:
            return (made[0].at(pc),)
        return tuple([one.at(pc) for one in made])

    def _frames(self, pc: int, module: Module, is_call: bool) -> tuple[Frame, ...]:
        file, offset = self._files[module.id], pc - module.base
        frame = Frame(pc, file.name, module.path, file.role, offset)
        if file.tables is None:
            return (frame,)
        at = offset - is_call
        frame.start, function = file.function_at(at)
        begins = module.id, frame.start
        frame.known, hooked = self._known.get(begins, ""), self._hooked.get(begins)
        key = id(file.tables), file.role, offset, is_call, frame.known, hooked
        made = self._made.get(key)
        if made is None:
            answer = file.answers.get(at) or _NOTHING
            made = self._made[key] = self._named(frame, answer, function, at, hooked)
            return made
        return tuple([one.at(pc) for one in made])

    def _named(
        self, frame: Frame, answer: Answer, function: Function | None, at: int, hooked: str | None
    ) -> tuple[Frame, ...]:
        """`frame` with the names of what is at `at`, and inlined functions before it: of a chain
        only the last one has an address of its own."""
        chain = answer.get("chain") or ()
        names = [self._readable(row[0]) for row in chain]
        outermost = _outermost(names, function, answer.get("symbol"), at) or hooked
        if not chain:
            frame.function = outermost
            return (frame,)
        inlined = replace(frame, inlined=True, start=None, known="")
        found = [
            replace(inlined, function=name, file=row[1], line=row[2])
            for row, name in zip(chain[:-1], names)
        ]
        frame.function, frame.file, frame.line = outermost, *chain[-1][1:]
        return (*found, frame)

    def _readable(self, name: str) -> str:
        if name not in self._names:
            self._names[name] = symbol_names.readable(name)
        return self._names[name]


def _outermost(
    names: list[str], function: Function | None, symbol: list[Any] | None, at: int
) -> str | None:
    """The function's best name: as callers know it, else debug information's, else the linker's."""
    if function is None:
        return names[-1] if names else None
    mangled = symbol_names.is_mangled(function.raw)
    if names and (mangled or not _is_better(function, names[-1])):
        return names[-1]
    if mangled and symbol and at - symbol[1] == function.start:
        return symbol_names.readable(symbol[0], has_return_type=True)
    return function.name


def _is_better(function: Function, name: str) -> bool:
    """Of a function with aliases (glibc's __libc_malloc) debug information names any one."""
    return is_exported(function) or (name.startswith("_") and not function.name.startswith("_"))
