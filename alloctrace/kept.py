"""Plain values that are made once and kept on disk, beside what symbols/cache.py keeps: indexes of
rule tables, which each start would else make anew of their text.

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
    from typing import Any

HEAD = b"brkpoint kept 1\n"
_SUM = 4  # bytes of the checksum behind it
MAX_FILE = 4 << 20
_folder: str | None = None


def use(folder: str | None) -> None:
    """Keep values there from now on; None: keep none, and believe none."""
    global _folder
    _folder = folder


def made(name: str, sources: Iterable[str], make: Callable[[], Any]) -> Any:
    """What `make()` gives, by this run or an earlier one: a value that marshal can hold. `sources`:
    the files that it rests on, the code that makes it among them."""
    if _folder is None:
        return make()
    sources = [__file__, *sources]
    key = [name, sys.hexversion, *map(cache_folder.state, sources)]
    # another copy of brkpoint has a file of its own
    path = os.path.join(_folder, file_name(name, sources))
    found = _load(path)
    if isinstance(found, tuple) and found[0] == key:
        return found[1]
    value = make()
    _store(path, (key, value))
    return value


def file_name(name: str, sources: Iterable[str]) -> str:
    told = "\n".join([name, *sources]).encode("utf-8", "surrogateescape")
    return "%s%08x" % (cache_folder.TABLES, zlib.crc32(told))


def _load(path: str) -> Any:
    """(key, value), or a sentence that says why it is not believed; None: there is none."""
    try:
        if not cache_folder.is_ours(os.stat(os.path.dirname(path))):
            return "others may write to its folder"
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
    """In one step: a reader sees the old file or the new one, whole."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, ".%s.%d" % (name, os.getpid()))
    with contextlib.suppress(OSError, ValueError):
        rest = marshal.dumps(pair)
        if len(HEAD) + _SUM + len(rest) > MAX_FILE or not cache_folder.make(folder):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(HEAD + _sum(rest) + rest)
            os.replace(temporary, path)
        except OSError:  # a full disk, a home that cannot be written
            os.unlink(temporary)
        cache_folder.make_room(folder)


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
