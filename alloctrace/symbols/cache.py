"""What gdb and the ELF tables said of files, kept on disk: a program that is watched again needs
neither for its names.

One file for each file that was looked into, named by all that the answers depend on: the file and
its debug files as they are now, gdb, the script that it runs. Each of its lines is JSON of what a
run had to ask for. Whatever is wrong with the cache, the answers come from gdb as without it:
nothing here raises, nothing is believed that is not of the right shape, and a folder that others
may write to is left alone.

Code of one function is of one compilation: where gdb knows no debug information at one of its
addresses there is none at the others, and only the distance from its symbol differs.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import zlib

from alloctrace import cache_folder, fields
from alloctrace.cache_folder import state, state_of
from alloctrace.elf import debug as elf_debug
from alloctrace.elf.debug import DEBUG_ROOTS
from alloctrace.elf.elf import ElfError, ElfFile
from alloctrace.elf.readers import READERS
from .tables import Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Optional, Protocol

    from .files import Answer
    from .tables import FunctionAt

    Begun = list[tuple[int, str]]  # (offset, kind): relocations.begun
    Requests = Sequence[tuple[str, Iterable[int]]]  # (path, offsets)
    Answers = dict[int, Answer]  # by offset
    Ask = Callable[..., tuple[Sequence[Optional[Answers]], list[str]]]
    Lines = Callable[[Requests], Sequence[dict[int, list[list[Any]]]]]

    class Asked(Protocol):
        """What is known here of a file that is asked about: symbols._Asked."""

        @property
        def debug_info(self) -> str | None:
            ...

        def start_at(self, offset: int) -> int | None:
            ...

        def is_unread(self, offset: int) -> bool:
            ...


_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
_SCRIPTS = os.path.join(_TOP, "gdb-scripts")
# What gdb runs, and the part of it that looks names up.
SCRIPTS = (
    os.path.join(_SCRIPTS, "symbolise.py"),
    os.path.join(_SCRIPTS, "brkpoint_gdb", "symbol_lookup.py"),
)
TIMEOUT_S = 120.0  # for one gdb
VERSION = 5  # of the answers' form
_SYMBOLS, _ELF = os.path.dirname(__file__), os.path.dirname(elf_debug.__file__)
# What ELF tables say is theirs, and of who reads these. Most runs import none of it.
CODE = tuple(
    os.path.join(folder, name + ".py")
    for folder, names in (
        (_SYMBOLS, "demangle_cxx demangle_rust demangle_text demangle_types index names tables"),
        (_ELF, "relocations unwind_tables"),
    )
    for name in names.split()
)
MAX_FILE = 8 << 20  # bytes that are kept of one file's answers
_BAD = "gdb is not asked about %r: the last time it took more than %g s"
_KINDS = frozenset(("initialiser", "finaliser"))  # as elf/relocations.py says them
MAX_CHAIN = 256  # functions at one address: symbol_lookup.py stops there


class _Kept:
    """What is known of one file."""

    def __init__(self) -> None:
        self.answers: dict[int, Answer | None] = {}  # by offset; None: gdb said nothing
        self.functions: dict[int, FunctionAt] = {}  # by offset, of the ELF tables
        self.returns: set[int] = set()  # offsets that were looked at, and are no trampolines
        self.begun: Begun | None = None  # what a file itself tells to begin; None: not known yet
        self.bad = ""  # why gdb is not asked about it again
        self.size = 0  # bytes of the file that holds it; 0: there is none that may be believed

    def silent(self) -> dict[int, str]:
        """{start: name} of functions for which gdb has no more than the linker's symbol."""
        found = {}
        for offset, answer in self.answers.items():
            start, function = self.functions.get(offset, (None, None))
            if function is None or answer is None or answer["chain"] or answer["symbol"] is None:
                continue
            name, distance = answer["symbol"]
            if offset - distance == start:
                found[start] = name
        return found


class Cached:
    """For symbols.symbolise: asks gdb (`ask`: start/symbol_gdb.ask) only for what is not known.

    `lines`: start/lines.read, or None: what it says gdb is not asked. `by`: paths of what it is.
    """

    def __init__(
        self,
        folder: str,
        ask: Ask,
        gdb: str = "gdb",
        debug_roots: Sequence[str] = DEBUG_ROOTS,
        lines: Lines | None = None,
        by: Sequence[str] = (),
    ) -> None:
        self._folder, self._gdb, self._debug_roots, self._ask = folder, gdb, debug_roots, ask
        self._lines = lines
        scripts = [*SCRIPTS, *READERS, *CODE, *by]
        self._how = [VERSION, state(gdb), list(debug_roots), *map(state, scripts)]
        self._files: dict[str, tuple[str | None, _Kept]] = {}  # (key, …) of those asked about

    def __call__(
        self, requests: Requests, groups: Sequence[Asked] = ()
    ) -> tuple[list[Answers], list[str]]:
        """[(path, offsets)] -> ([{offset: answer}], [what went wrong]). `groups`: of each file,
        what is known of it here."""
        files = [self._file(path) for path, _ in requests]
        self._derive(requests, groups)
        if self._lines is not None and groups:
            self._read_lines(self._rest(requests), groups)
        rest = self._rest(requests)
        wanted = [at for at, (_, offsets) in enumerate(rest) if offsets]
        asked = [at for at in wanted if not files[at][1].bad]
        found: Sequence[Answers | None] = []
        problems: list[str] = []
        if asked:
            roots = None if tuple(self._debug_roots) == DEBUG_ROOTS else list(self._debug_roots)
            found, problems = self._ask([rest[at] for at in asked], self._gdb, roots)
        problems = problems + [files[at][1].bad for at in wanted if files[at][1].bad]
        for at, new in zip(asked, found):
            if new is None:
                self._learn(rest[at][0], bad=_BAD % (rest[at][0], TIMEOUT_S))
                continue
            unnamed: dict[int, Answer | None] = {}
            if not problems:  # gdb knows nothing there
                unnamed = dict.fromkeys(rest[at][1])
            self._learn(rest[at][0], answers={**unnamed, **new})
        answers = [
            _known(offsets, kept.answers) for (_, offsets), (_, kept) in zip(requests, files)
        ]
        return answers, problems

    def _rest(self, requests: Requests) -> list[tuple[str, list[int]]]:
        """What is not known of these."""
        files = [self._file(path)[1].answers for path, _ in requests]
        return [
            (path, [offset for offset in offsets if offset not in known])
            for (path, offsets), known in zip(requests, files)
        ]

    def _read_lines(self, rest: Requests, groups: Sequence[Asked]) -> None:
        """What debug information says without gdb. Where it says nothing, the name is all that gdb
        would add: what is not understood of it is left."""
        wanted = [
            (path, group, group.debug_info, offsets)
            for (path, offsets), group in zip(rest, groups)
            if offsets
        ]
        requests = [(debug, offsets) for _, _, debug, offsets in wanted if debug]
        assert self._lines is not None
        found = iter(self._lines(requests) if requests else ())
        for path, group, debug, _ in wanted:
            chains: dict[int, list[list[Any]]] = next(found, {}) if debug else {}
            new: dict[int, Answer | None] = {
                offset: {"chain": chain, "symbol": None}
                for offset, chain in chains.items()
                if chain or not group.is_unread(offset)
            }
            if new:
                self._learn(path, answers=new)

    def _derive(self, requests: Requests, groups: Sequence[Asked]) -> None:
        """What gdb would say of more addresses in functions that it says no more of."""
        for (path, offsets), group in zip(requests, groups):
            kept = self._file(path)[1]
            new = [offset for offset in offsets if offset not in kept.answers]
            silent = kept.silent() if new and kept.answers else {}
            for offset in new if silent else ():
                start = group.start_at(offset)
                if start in silent:
                    symbol = [silent[start], offset - start]
                    kept.answers[offset] = {"chain": [], "symbol": symbol}

    def functions(self, path: str) -> dict[int, FunctionAt]:
        """{offset: (start, Function)} that is known of a file."""
        return dict(self._file(path)[1].functions)

    def returns(self, path: str) -> set[int]:
        """Offsets that are known to be no signal trampolines."""
        return self._file(path)[1].returns

    def begun(self, path: str) -> Begun | None:
        """What relocations.begun says of a file; None: it is not known."""
        return self._file(path)[1].begun

    def keep(
        self,
        elf: ElfFile,
        functions: Mapping[int, FunctionAt],
        returns: Iterable[int] = (),
        begun: Begun | None = None,
    ) -> None:
        """The same of an ElfFile, to be known from now on, if its path still leads to it."""
        if elf.path not in self._files:
            return
        kept = self._files[elf.path][1]
        new = {at: functions[at] for at in functions.keys() - kept.functions.keys()}
        returns = set(returns) - kept.returns
        begun = begun if kept.begun is None else None
        is_new = bool(new or returns) or begun is not None
        if is_new and state_of(elf.image.status) == state(elf.path):
            self._learn(elf.path, functions=new, returns=returns, begun=begun)

    def _file(self, path: str) -> tuple[str | None, _Kept]:
        if path not in self._files:
            key = self._key(path)
            self._files[path] = key, self._load(key)
        return self._files[path]

    def _learn(
        self,
        path: str,
        answers: Mapping[int, Answer | None] | None = None,
        functions: Mapping[int, FunctionAt] | None = None,
        returns: Iterable[int] = (),
        begun: Begun | None = None,
        bad: str = "",
    ) -> None:
        """Where the file is still the same. What is new stays, where all together is too much."""
        key, kept = self._files[path]
        answers, functions, returns = answers or {}, functions or {}, set(returns)
        kept.answers.update(answers)
        kept.functions.update(functions)
        kept.returns.update(returns)
        kept.begun = kept.begun if begun is None else begun
        kept.bad = bad or kept.bad
        if key is not None and key == self._key(path):
            self._store(key, kept, _line(key, answers, functions, returns, begun, bad))
            cache_folder.make_room(self._folder)

    def _key(self, path: str) -> str | None:
        """What the answers for a file depend on, as text; None: it cannot be told."""
        try:
            with ElfFile(path) as elf:
                debug = elf.debug_file(self._debug_roots)
                states = [state(path), debug and state(debug)]
            states += map(state, _shared(debug))
        except (ElfError, OSError):
            return None
        return json.dumps([*self._how, os.path.abspath(path), states])

    def _path(self, key: str) -> str:
        """Two keys of one name only take turns: the file holds the key."""
        name = "%08x%08x" % (zlib.crc32(key.encode("ascii")), zlib.adler32(key.encode("ascii")))
        return os.path.join(self._folder, cache_folder.SYMBOLS + name)

    def _load(self, key: str | None) -> _Kept:
        """The _Kept of what is known."""
        kept = _Kept()
        try:
            if key is None or not cache_folder.is_ours(os.stat(self._folder)):
                return kept
            with open(self._path(key), "rb", opener=cache_folder.open_own) as file:
                data = file.read(MAX_FILE + 1)
            if len(data) > MAX_FILE or not data.endswith(b"\n"):
                return _Kept()
            for line in data.decode("ascii").splitlines():
                _take(_loads(line), key, kept)
            kept.size = len(data)
            return kept
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return _Kept()

    def _store(self, key: str, kept: _Kept, line: bytes) -> None:
        """One line more, or where that is too much, or nothing may be believed, this line alone, in
        one step: a reader sees the old file or the new one, whole."""
        if len(line) > MAX_FILE:
            return
        if kept.size and kept.size + len(line) <= MAX_FILE:
            with contextlib.suppress(OSError):
                with open(self._path(key), "ab", buffering=0, opener=cache_folder.open_own) as file:
                    kept.size += file.write(line)
            return
        if cache_folder.put(self._path(key), line):  # else gdb is asked again next time
            kept.size = len(line)


def _line(
    key: str,
    answers: Mapping[int, Answer | None],
    functions: Mapping[int, FunctionAt],
    returns: Iterable[int],
    begun: Begun | None,
    bad: str,
) -> bytes:
    """Of a file: what was found out; a function once for all its addresses."""
    rows: list[Function] = []
    numbers: dict[Function | None, int] = {}
    for _, function in functions.values():
        if function is not None and function not in numbers:
            numbers[function] = len(rows)
            rows.append(function)
    at = {offset: [start, numbers.get(function)] for offset, (start, function) in functions.items()}
    data: dict[str, Any] = {"key": key, "found": answers, "functions": rows, "at": at}
    data.update(returns=sorted(returns), begun=begun, bad=bad)
    return json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"


def _loads(line: str) -> Any:
    """As fields.loads. Where Python itself refuses numbers of thousands of digits, there is no need
    to look for one of some more than can be right: what is read here is looked at one by one."""
    return json.loads(line) if hasattr(sys, "set_int_max_str_digits") else fields.loads(line)


def _take(data: Any, key: str, kept: _Kept) -> None:
    """What `_line` has written. Raises where it is another's or not made so."""
    answers = {int(offset): answer for offset, answer in data["found"].items()}
    rows, returns = list(map(_function, data["functions"])), data["returns"]
    if data["key"] != key or not all(map(_is_answer, answers.values())):
        raise ValueError(key)
    if not (isinstance(data["bad"], str) and all(type(offset) is int for offset in returns)):
        raise ValueError(key)
    begun = data["begun"]
    if begun is not None:
        kept.begun = [(offset, kind) for offset, kind in begun if _is(offset, int)]
        if len(kept.begun) < len(begun) or not _KINDS.issuperset(kind for _, kind in kept.begun):
            raise ValueError(key)
    for offset, (start, number) in data["at"].items():
        if not (start is None or type(start) is int) or number is not None and number < 0:
            raise ValueError(offset)
        kept.functions[int(offset)] = start, None if number is None else rows[number]
    kept.answers.update(answers)
    kept.returns.update(returns)
    kept.bad = data["bad"] or kept.bad


def _shared(debug: str | None) -> list[str]:
    """Paths of the file with what several debug files have in common (dwz), if there is one."""
    if debug is None:
        return []
    with ElfFile(debug) as elf:
        return elf_debug.shared(elf)


def _is_answer(answer: Any) -> bool:
    """None, or what symbol_lookup.look_up gives for an address."""
    if answer is None:
        return True
    chain, symbol = answer["chain"], answer["symbol"]
    if not isinstance(chain, list) or len(chain) > MAX_CHAIN or not all(map(_is_function, chain)):
        return False
    return symbol is None or (len(symbol) == 2 and _is(symbol[0], str) and _is(symbol[1], int))


def _function(row: list[Any]) -> Function:
    """The Function that is stored as a list. Raises ValueError or TypeError."""
    start, end, name, raw, ranked = row
    rank: Any = tuple(ranked)
    made = Function(start, end, name, raw, rank)
    if not all(map(_is, made, (int, int, str, str, tuple))) or len(made.rank) != 7:
        raise ValueError(row)
    return made


def _is_function(row: Any) -> bool:
    name, file, line = row
    return _is(name, str) and (file is None or _is(file, str)) and (line is None or _is(line, int))


def _is(value: object, kind: type) -> bool:
    return type(value) is kind


def _known(offsets: Iterable[int], found: Mapping[int, Answer | None]) -> dict[int, Answer]:
    known = ((offset, found.get(offset)) for offset in offsets)
    return {offset: answer for offset, answer in known if answer is not None}
