"""What gdb and the ELF tables said of files, kept on disk: a program that is watched again needs
neither for its names.

One file of JSON for each file that was looked into, named by all that the answers depend on: the
file and its debug files as they are now, gdb, the script that it runs. Whatever is wrong with the
cache, the answers come from gdb as without it: nothing here raises, nothing is believed that is
not of the right shape, and a folder that others may write to is left alone.
"""

from __future__ import annotations

import json
import os
import stat
import zlib
from collections import namedtuple

from . import cache_folder
from . import elf as elf_file
from . import elf_debug, elf_frames, elf_symbols, fields, symbol_gdb, symbol_names, symbol_tables
from .elf import ElfError, ElfFile
from .elf_debug import DEBUG_ROOTS
from .symbol_tables import Function

VERSION = 3  # of the answers' form
CODE = (
    elf_file,
    elf_frames,
    elf_symbols,
    symbol_names,
    symbol_tables,
)  # what ELF tables say is theirs
MAX_FILE = 8 << 20  # bytes that are kept of one file's answers
_BAD = "gdb is not asked about %r: the last time it took more than %g s"
MAX_CHAIN = 256  # functions at one address: symbol_lookup.py stops there


# What is known of one file. answers: {offset: what gdb said, None: nothing}; functions: {offset:
# (start, Function or None)} of the ELF tables; bad: why gdb is not asked about it again.
_Kept = namedtuple("_Kept", "answers functions bad", defaults=[""])


class Cached:
    """As symbol_gdb.ask, for symbols.symbolise: asks gdb only for what is not known."""

    def __init__(self, folder, gdb="gdb", debug_roots=DEBUG_ROOTS, ask=symbol_gdb.ask):
        self._folder, self._gdb, self._debug_roots, self._ask = folder, gdb, debug_roots, ask
        scripts = [*symbol_gdb.SCRIPTS, *(module.__file__ for module in CODE)]
        self._how = [VERSION, _state(gdb), list(debug_roots), *map(_state, scripts)]
        self._files = {}  # path -> (key, _Kept) of those that were asked about

    def __call__(self, requests):
        """[(path, offsets)] -> ([{offset: answer}], [what went wrong])."""
        files = [self._file(path) for path, _ in requests]
        rest = [
            (path, [offset for offset in offsets if offset not in kept.answers])
            for (path, offsets), (_, kept) in zip(requests, files)
        ]
        wanted = [at for at, (_, offsets) in enumerate(rest) if offsets]
        asked = [at for at in wanted if not files[at][1].bad]
        found, problems = [], []
        if asked:
            roots = None if tuple(self._debug_roots) == DEBUG_ROOTS else list(self._debug_roots)
            found, problems = self._ask([rest[at] for at in asked], self._gdb, roots)
        problems = problems + [files[at][1].bad for at in wanted if files[at][1].bad]
        for at, new in zip(asked, found):
            if new is None:
                self._learn(rest[at][0], bad=_BAD % (rest[at][0], symbol_gdb.TIMEOUT_S))
                continue
            unnamed = {} if problems else dict.fromkeys(rest[at][1])  # gdb knows nothing there
            self._learn(rest[at][0], answers={**unnamed, **new})
        answers = [
            _known(offsets, kept.answers) for (_, offsets), (_, kept) in zip(requests, files)
        ]
        return answers, problems

    def functions(self, path):
        """{offset: (start, Function)} that is known of a file that was asked about."""
        return dict(self._files[path][1].functions)

    def keep(self, elf, functions):
        """The same of an ElfFile, to be known from now on, if its path still leads to it."""
        if elf.path not in self._files:
            return
        is_new = functions.keys() - self._files[elf.path][1].functions.keys()
        if is_new and _of(elf.image.status) == _state(elf.path):
            self._learn(elf.path, functions=functions)

    def _file(self, path):
        key = self._key(path)
        self._files[path] = key, self._load(key)
        return self._files[path]

    def _learn(self, path, answers=(), functions=(), bad=""):
        """Where the file is still the same. What is new stays, where all together is too much."""
        key, kept = self._files[path]
        kept.answers.update(answers)
        kept.functions.update(functions)
        if bad:
            kept = kept._replace(bad=bad)
            self._files[path] = key, kept
        if key is not None and key == self._key(path):
            self._store(key, kept) or self._store(key, _Kept(dict(answers), dict(functions)))
            cache_folder.make_room(self._folder)

    def _key(self, path):
        """What the answers for a file depend on, as text; None: it cannot be told."""
        try:
            with ElfFile(path) as elf:
                debug = elf.debug_file(self._debug_roots)
                states = [_state(path), debug and _state(debug)]
            states += map(_state, _shared(debug))
        except (ElfError, OSError):
            return None
        return json.dumps([*self._how, os.path.abspath(path), states])

    def _path(self, key):
        """Two keys of one name only take turns: the file holds the key."""
        name = "%08x%08x" % (zlib.crc32(key.encode("ascii")), zlib.adler32(key.encode("ascii")))
        return os.path.join(self._folder, cache_folder.SYMBOLS + name)

    def _load(self, key):
        """The _Kept of what is known."""
        try:
            if key is None or not cache_folder.is_ours(os.stat(self._folder)):
                return _Kept({}, {})
            with open(self._path(key), "rb", opener=_open_own) as file:
                data = fields.loads(file.read(MAX_FILE).decode("ascii"))
            answers = {int(offset): answer for offset, answer in data["found"].items()}
            functions = {int(offset): _function(row) for offset, row in data["functions"].items()}
            is_right = data["key"] == key and all(map(_is_answer, answers.values()))
            is_right = is_right and isinstance(data["bad"], str)
            return _Kept(answers, functions, data["bad"]) if is_right else _Kept({}, {})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _Kept({}, {})

    def _store(self, key, kept):
        """In one step: a reader sees the old file or the new one, whole. False: it is too much."""
        data = {"key": key, "found": kept.answers, "functions": kept.functions, "bad": kept.bad}
        import tempfile  # only now: most runs know all their names

        text = json.dumps(data, separators=(",", ":"))
        if len(text) > MAX_FILE:
            return False
        try:
            if not cache_folder.make(self._folder):
                return True
            descriptor, name = tempfile.mkstemp(prefix="." + cache_folder.SYMBOLS, dir=self._folder)
            try:
                with open(descriptor, "w", encoding="ascii") as file:
                    file.write(text)
                os.replace(name, self._path(key))
            except BaseException:
                os.unlink(name)
                raise
        except OSError:
            pass  # a full disk, a home that cannot be written: next time gdb is asked again
        return True


def _state(path):
    """What changes when the file does."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return _of(status)


def _of(status):
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _shared(debug):
    """Paths of the file with what several debug files have in common (dwz), if there is one."""
    if debug is None:
        return []
    with ElfFile(debug) as elf:
        return elf_debug.shared(elf)


def _open_own(path, flags):
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    if not cache_folder.is_ours(status) or not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise PermissionError(path)
    return descriptor


def _is_answer(answer):
    """None, or what symbol_lookup.look_up gives for an address."""
    if answer is None:
        return True
    chain, symbol = answer["chain"], answer["symbol"]
    if not isinstance(chain, list) or len(chain) > MAX_CHAIN or not all(map(_is_function, chain)):
        return False
    return symbol is None or (len(symbol) == 2 and _is(symbol[0], str) and _is(symbol[1], int))


def _function(row):
    """(start, Function or None) as _store has written it. Raises ValueError or TypeError."""
    start, function = row
    if not (start is None or _is(start, int)):
        raise ValueError(start)
    if function is None:
        return start, None
    made = Function(*function)._replace(rank=tuple(function[4]))
    if not all(map(_is, made, (int, int, str, str, tuple))) or len(made.rank) != 7:
        raise ValueError(function)
    return start, made


def _is_function(row):
    name, file, line = row
    return _is(name, str) and (file is None or _is(file, str)) and (line is None or _is(line, int))


def _is(value, kind):
    return type(value) is kind


def _known(offsets, found):
    return {offset: found[offset] for offset in offsets if found.get(offset) is not None}
