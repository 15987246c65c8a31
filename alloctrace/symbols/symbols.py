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
    from collections.abc import Callable, Sequence
    from typing import Any

    from alloctrace.history.history import History
    from alloctrace.stacks.tree import StackTree


def symbolise(
    history: History,
    user_libs: Sequence[str] = (),
    system_libs: Sequence[str] = (),
    gdb: Callable[..., Any] | None = None,
    debug_roots: Sequence[str] = DEBUG_ROOTS,
    notes: list[str] | None = None,
    kept: dict[Any, Any] | None = None,
) -> StackTree:
    """The StackTree of history.stacks: {stack id: (Frame, …)}, inlined frames unfolded.

    `user_libs`, `system_libs`: patterns of file names or paths that override whose a library is.
    `gdb`: None for ELF tables only, or a function that answers as start/symbol_gdb.ask does. What
    could not be read is said in `notes` (a list; by default the history's). Never raises for what
    files contain.
    `kept`: a dict of the caller's that keeps files open and read from one call to the next.
    """
    notes = history.notes if notes is None else notes
    opened = {} if kept is None else kept
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
        known = _known_addresses(history, files, wanted)
        _look_up(wanted, files, gdb, debug_roots, notes)
        namer = _Namer(files, known, _hooked(history))
        frames = {id(place): namer.frames(place) for place in distinct}
        _keep(files.values(), gdb)
        return planned.tree(lambda place: frames[id(place)])
    finally:
        if kept is None:
            symbol_files.close(opened)


def _look_up(wanted, files, gdb, debug_roots, notes):
    """Ask gdb for the addresses of interest. `wanted`: {module id: {(offset, is_call)}}."""
    by_file = {}
    for id_, rows in wanted.items():
        file = files[id_]
        if file.elf is not None:
            group = by_file.setdefault(id(file.tables), ([], set()))
            group[0].append(file)
            group[1].update(offset - is_call for offset, is_call in rows)
    groups = list(by_file.values())
    if hasattr(gdb, "functions"):
        for group, _ in groups:
            functions = gdb.functions(group[0].elf.path)
            for file in group:
                file.functions = functions
    groups = [row for row in groups if _may_be_asked(row[0][0], debug_roots, notes)]
    groups = [(group, _for_gdb(group[0], offsets)) for group, offsets in groups]
    groups = [row for row in groups if row[1]]
    if gdb is None or not groups:
        return
    requests = [(group[0].elf.path, offsets) for group, offsets in groups]
    if hasattr(gdb, "functions"):
        starts = [lambda at, file=group[0]: file.function_at(at)[0] for group, _ in groups]
        answers, problems = gdb(requests, starts)
    else:
        answers, problems = gdb(requests)
    notes.extend(problems)
    for (group, _), found in zip(groups, answers):
        for file in group:
            file.answers = found or {}


def _for_gdb(file, offsets):
    """Those of which gdb may know more than the file's own tables: lines, or a mangled name that
    is not understood here."""
    lines = {offset for offset in offsets if file.tables.may_have_lines(offset)}
    functions = ((offset, file.function_at(offset)[1]) for offset in offsets - lines)
    return lines | {offset for offset, found in functions if found and _is_unread(found)}


def _is_unread(function):
    return symbol_names.is_mangled(function.raw) and symbol_names.is_mangled(function.name)


def _may_be_asked(file, debug_roots, notes):
    try:
        unfit = elf_debug.unfit(file.elf, debug_roots)
    except ElfError:
        return True  # gdb has its own words for a damaged file
    if unfit is not None:
        text = "gdb is not asked about %s: its debug file %r is not a regular file of sensible size"
        notes.append(text % (file.module.name, unfit))
    return unfit is None


def _keep(files, gdb):
    """What was found in ELF tables, for the next run, where `gdb` keeps such things."""
    for file in files if hasattr(gdb, "functions") else ():
        if file.elf is not None and (file.functions or file.trampolines):
            returns = [offset for offset, is_return in file.trampolines.items() if not is_return]
            gdb.keep(file.elf, file.functions, returns)


def _known_addresses(history, files, wanted):
    """{(module id, offset): what begins there}: entry, main, user_main, initialiser, finaliser; of
    the modules that are wanted."""
    known, own = {}, {}
    modules = [module for module in history.modules if module.id in wanted]
    for module in modules:
        file = files[module.id]
        key = id(file.tables), file.role == "executable"
        if key not in own:
            own[key] = dict(_own_addresses(file.elf, key[1]))
        known.update(((module.id, offset), kind) for offset, kind in own[key].items())
    modules = by_image(modules)
    for told, image in _told_addresses(history):
        for key, kind in (("address", "main"), ("main", "main"), ("user_main", "user_main")):
            address = told.get(key)
            for module in modules.get(image, ()) if isinstance(address, int) else ():
                if module.start <= address < module.end:
                    known[module.id, address - module.base] = kind
    return known


def _told_addresses(history):
    """Yield (told, its image) of those that tell where a main is."""
    for told in history.mains:
        yield told, told.get("image", 0)
    for told in history.images:
        yield told, told.get("index", 0)


def _own_addresses(elf, is_program):
    """Yield (offset, kind) that the file itself tells, the most telling last."""
    if elf is None:
        return
    try:
        yield from ((offset, "finaliser") for offset in elf.finalisers())
        yield from ((offset, "initialiser") for offset in elf.initialisers())
    except ElfError:
        pass  # a damaged table: its functions keep their names, if any
    if is_program:
        yield elf.entry, "entry"


def _hooked(history):
    """{(module id, offset): name} of the allocator functions that the engine found."""
    bases = {module.id: module.base for module in history.modules}
    hooks = getattr(history, "hooks", {}).values()
    return {(h.module, h.address - bases[h.module]): h.impl for h in hooks if h.module in bases}


class _Namer:
    """Makes frames."""

    def __init__(self, files, known, hooked):
        self._files = files
        self._hooked = hooked
        self._known = known
        self._made = {}  # what they are made from but for the address -> frames

    def frames(self, place):
        """The frames at a Place: inlined ones, then the function that holds them."""
        pc, module, is_call = place
        if module is None:
            return (Frame(pc),)
        file, offset = self._files[module.id], pc - module.base
        frame = Frame(pc, module.name, module.path, file.role, offset)
        if file.tables is None:
            return (frame,)
        at = offset - is_call
        frame.start, _ = file.function_at(at)
        frame.known = self._known.get((module.id, frame.start), "")
        hooked = self._hooked.get((module.id, frame.start))
        key = id(file.tables), file.role, offset, is_call, frame.known, hooked
        if key not in self._made:
            self._made[key] = _named(frame, file, at, hooked)
        return tuple([made.at(pc) for made in self._made[key]])


def _named(frame, file, at, hooked):
    """`frame` with the names of what is at `at`, inlined functions before it."""
    answer, (_, function) = file.answers.get(at, {}), file.function_at(at)
    chain = answer.get("chain") or []
    names = [symbol_names.readable(row[0]) for row in chain]
    outermost = _outermost(names, function, answer.get("symbol"), at) or hooked
    if not chain:
        return (replace(frame, function=outermost),)
    names[-1] = outermost
    return _chain(frame, chain, names)


def _chain(frame, chain, names):
    """One frame for each function of the chain; only the last one has an address of its own."""
    inlined = replace(frame, inlined=True, start=None, known="")
    found = [
        replace(inlined, function=name, file=row[1], line=row[2])
        for row, name in zip(chain[:-1], names)
    ]
    found.append(replace(frame, function=names[-1], file=chain[-1][1], line=chain[-1][2]))
    return tuple(found)


def _outermost(names, function, symbol, at):
    """The function's best name: as callers know it, else debug information's, else the linker's."""
    if function is None:
        return names[-1] if names else None
    mangled = symbol_names.is_mangled(function.raw)
    if names and (mangled or not _is_better(function, names[-1])):
        return names[-1]
    if mangled and symbol and at - symbol[1] == function.start:
        return symbol_names.readable(symbol[0], has_return_type=True)
    return function.name


def _is_better(function, name):
    """Of a function with aliases (glibc's __libc_malloc) debug information names any one."""
    return is_exported(function) or (name.startswith("_") and not function.name.startswith("_"))
