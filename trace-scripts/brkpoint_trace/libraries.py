"""Which files a program will load, as ldd says it, without running anything.

The search of ld.so(8): DT_RPATH (where there is no DT_RUNPATH), LD_LIBRARY_PATH, DT_RUNPATH,
/etc/ld.so.cache, the default folders. The cache's layout: glibc sysdeps/generic/dl-cache.h.
Hardware subfolders (glibc-hwcaps) are not searched beyond the cache; musl has a search of its own:
its libraries are only named.
"""

from __future__ import annotations

import os
import struct
from collections import deque, namedtuple

from alloctrace.elf.elf import ElfError, ElfFile
from alloctrace.elf.image import c_string

CACHE = "/etc/ld.so.cache"
DEFAULT = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib",
           "/usr/lib")  # fmt: skip
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER, _ENTRY = 48, struct.Struct("<iIIIQ")
_X8664 = 0x0303  # FLAG_ELF_LIBC6 | FLAG_X8664_LIB64, sysdeps/generic/ldconfig.h
_MOST = 1 << 16
_RPATH, _RUNPATH = 15, 29
_MOST_FILES = 1000
# path: where it was found, None: not found. why: who needs it first, by name.
Library = namedtuple("Library", "name path why")


def needed(path, environ=os.environ, cache=CACHE):
    """[Library] in the order in which a loader would bring them in; raises ElfError, OSError."""
    known = read_cache(cache)
    given = [f for f in environ.get("LD_LIBRARY_PATH", "").replace(";", ":").split(":") if f]
    found, queue = {}, deque([path])
    while queue and len(found) < _MOST_FILES:
        file = queue.popleft()
        for name, where in _of_file(file, given, known):
            if name not in found:
                found[name] = Library(name, where, os.path.basename(file))
                if where:
                    queue.append(where)
    return list(found.values())


def _of_file(path, given, known):
    with ElfFile(path) as elf:
        musl = "musl" in (elf.interp or "")
        rpath, runpath = _folders(elf, _RPATH, path), _folders(elf, _RUNPATH, path)
        first = [] if runpath else rpath
        for name in elf.needed:
            yield name, None if musl else _find(name, first + given + runpath, known)


def _folders(elf, tag, path):
    value = elf.dynamic.get(tag)
    if value is None:
        return []
    origin = os.path.dirname(os.path.realpath(path))
    text = c_string(elf.dynamic_strings, value, 4096)
    for name in ("$ORIGIN", "${ORIGIN}"):
        text = text.replace(name, origin)
    return [folder for folder in text.split(":") if folder]


def _find(name, folders, known):
    if "/" in name:
        return name if _fits(name) else None
    candidates = [os.path.join(folder, name) for folder in folders] + known.get(name, [])
    candidates += [os.path.join(folder, name) for folder in DEFAULT]
    return next((path for path in candidates if _fits(path)), None)


def _fits(path):
    try:
        with ElfFile(path) as elf:
            return elf.is_supported and elf.type == "DYN"
    except (ElfError, OSError):
        return False


def read_cache(path=CACHE):
    """{name: [path]} of ld.so.cache for x86-64; {} where there is none that can be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(1 << 24)
    except OSError:
        return {}
    start = data.find(_MAGIC)
    if start < 0 or len(data) < start + _HEADER:
        return {}
    data = data[start:]
    count = min(struct.unpack_from("<I", data, len(_MAGIC))[0], _MOST, len(data) // _ENTRY.size)
    found = {}
    for index in range(count):
        at = _HEADER + index * _ENTRY.size
        if at + _ENTRY.size > len(data):
            break
        flags, name, where, _, _ = _ENTRY.unpack_from(data, at)
        if flags == _X8664 and name < len(data) and where < len(data):
            found.setdefault(_text(data, name), []).append(_text(data, where))
    return found


def _text(data, at):
    return data[at : at + 4096].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
