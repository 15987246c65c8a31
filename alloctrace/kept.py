"""Plain values that are made once and kept on disk, beside what symbols/cache.py keeps: indexes of
rule tables, which each start would else make anew of their text, verdicts (origin/verdicts.py), and
what is in large files of code (symbols/index.py, elf/defined.py).

One file a value: a head, a checksum, and what `marshal` makes of (key, value). It is believed where
nobody else could have written it, where it is whole, and where its key is that of the files that
the value is made of. Whatever is wrong, the value is made as without it: nothing here raises.
`brkpoint doctor` names what is not believed.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import zlib

from . import cache_folder

TYPE_CHECKING = False  # to import typing would take longer than all of this file
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from .elf.image import Image

    _Value = TypeVar("_Value")

HEAD = b"brkpoint kept 1\n"
_SUM = 4  # bytes of the checksum behind it
MAX_FILE = 24 << 20  # a million functions of a browser
LARGE = 4 << 20  # bytes of a file of code; of smaller ones all is found as fast as it is kept
_folder: str | None = None


def use(folder: str | None) -> None:
    """Keep values there from now on; None: keep none, and believe none."""
    global _folder
    _folder = folder


def made(name: str, sources: Iterable[str], make: Callable[[], _Value]) -> _Value:
    """What `make()` gives, by this run or an earlier one; of the rest as `load` and `store`. A file
    that changes meanwhile is another one: what is made of it is kept as of the one before."""
    if _folder is None:
        return make()
    path, key = _path_and_key(_folder, name, list(sources))
    value: _Value | None = _value(path, key)
    if value is None:
        value = make()
        _store(path, (key, value))
    return value


def is_worth_it(image: Image) -> bool:
    """Whether to keep what was found in an opened file of code: a large one, which is still the one
    at its path."""
    status = image.status
    return status.st_size >= LARGE and cache_folder.state_of(status) == cache_folder.state(
        image.path
    )


def load(name: str, sources: Iterable[str]) -> Any:
    """The value of that name, None: none is known. `sources`: the files that it rests on, the code
    that makes it among them: it counts while they are the same."""
    if _folder is None:
        return None
    return _value(*_path_and_key(_folder, name, sources))


def store(name: str, sources: Iterable[str], value: Any) -> None:
    """Keep it in place of an older one: what marshal can hold."""
    if _folder is not None:
        path, key = _path_and_key(_folder, name, sources)
        _store(path, (key, value))


def _path_and_key(folder: str, name: str, sources: Iterable[str]) -> tuple[str, list[Any]]:
    """Two names of one path only take turns: the key holds the name. Another copy of brkpoint has
    files of its own."""
    sources = [__file__, *sources]
    told = "\n".join([name, *sources]).encode("utf-8", "surrogateescape")
    path = os.path.join(folder, "%s%08x" % (cache_folder.TABLES, zlib.crc32(told)))
    return path, [name, sys.hexversion, *map(cache_folder.state, sources)]


def _value(path: str, key: list[Any]) -> Any:
    found = _load(path)
    return found[1] if isinstance(found, tuple) and found[0] == key else None


def _load(path: str) -> Any:
    """(key, value), or a sentence that says why it is not believed; None: there is none."""
    try:
        if not cache_folder.is_ours(os.stat(os.path.dirname(path))):
            return "others may write to its directory"
        with open(path, "rb", opener=cache_folder.open_own) as file:
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None
    except PermissionError:
        return "it is another user's, or others may write to it"
    except OSError as error:
        return error.strerror or "it cannot be read"
    rest = data[len(HEAD) + _SUM :]
    if len(data) > MAX_FILE or data[: len(HEAD) + _SUM] != HEAD + _sum(rest):
        return "it is damaged"
    try:
        key, value = marshal.loads(rest)
    except (EOFError, ValueError, TypeError):
        return "it is damaged"
    return key, value


def _sum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_SUM, "little")


def _store(path: str, pair: tuple[list[Any], Any]) -> None:
    with contextlib.suppress(ValueError):  # what marshal cannot hold
        rest = marshal.dumps(pair)
        if len(HEAD) + _SUM + len(rest) <= MAX_FILE:
            cache_folder.put(path, HEAD + _sum(rest) + rest)
            cache_folder.make_room(os.path.dirname(path))


def not_believed(folder: str) -> list[tuple[str, str]]:
    """[(path, why)] of the files of this kind in `folder` that no run takes anything from."""
    found = []
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            why = _load(path) if name.startswith(cache_folder.TABLES) else None
            if isinstance(why, str):
                found.append((path, why))
    return found
