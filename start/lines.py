"""Debug information without gdb: (file, offsets) in, functions and lines out, where it is sure that
gdb would name the same. `brkpoint-lines` reads it, a C program built with the recorder.

It runs beside us, with limits of its own: where a damaged file ends it, where it is missing or of
another build, nothing is said, and gdb is asked. Starting gdb takes 0.1 s, and reading all of
libc's debug information 0.15 s more; this takes 0.03.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import struct
import zlib

from alloctrace.symbols.cache import MAX_CHAIN, SCRIPTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, BinaryIO

    Chain = list[list[Any]]  # [function, file, line], innermost first

NAME = "brkpoint-lines"
_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PLACES = tuple(os.path.join(_TOP, room, NAME) for room in ("build/recorder", "recorder"))
# What it answers as: the last of these asks gdb.
_FILES = (os.path.realpath(__file__), SCRIPTS[-1])
_MAX_ANSWER = 1 << 28  # bytes
_FIRST_FREE = 3
_NO_ENVIRONMENT: dict[str, str] = {}


def version() -> int:
    """Of what is said here and there: a program of another build is not used."""
    found = 0
    for path in _FILES:
        with open(path, "rb") as file:
            found = zlib.crc32(file.read(), found)
    return found


def read(
    requests: Sequence[tuple[str, Iterable[int]]], places: Sequence[str] = PLACES
) -> list[dict[int, Chain]]:
    """[(path of what holds debug information, offsets)] -> [{offset: functions around it}].

    As symbol_lookup.chain_at says them; an offset that is missing is left to gdb. Never raises for
    what files contain.
    """
    program = next((path for path in places if os.access(path, os.X_OK)), None)
    asked = [(os.path.abspath(path), sorted(offsets)) for path, offsets in requests]
    said = _run(program, b"".join(_words(*one) for one in asked)) if program else b""
    greeting, *lines = said.decode("ascii", "replace").split("\n")
    found: list[dict[int, Chain]] = [{} for _ in requests]
    if greeting != "%s %d" % (NAME, version()):
        return found
    wanted = [(chains, offset) for chains, (_, offsets) in zip(found, asked) for offset in offsets]
    for (chains, offset), line in zip(wanted, lines):
        with contextlib.suppress(ValueError):  # the line that a crash cut off
            chain = json.loads(line)
            if _is_chain(chain):
                chains[offset] = chain
    return found


def _words(path: str, offsets: Sequence[int]) -> bytes:
    """As recorder/lines/main.c reads them."""
    name, many = os.fsencode(path), len(offsets)
    return struct.pack("<Q%dsQ%dQ" % (len(name), many), len(name), name, many, *offsets)


def _run(program: str, told: bytes) -> bytes:
    """What it writes when it is told that."""
    try:
        with _memory() as into, _memory() as out:
            into.write(told)
            into.seek(0)
            actions: list[Any] = [
                (os.POSIX_SPAWN_DUP2, into.fileno(), 0),
                (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ]
            # a session of its own: Ctrl-C is for the parent to handle
            how: Any = {"file_actions": actions, "setsid": True}
            _wait(os.posix_spawn(program, [program], _NO_ENVIRONMENT, **how))
            out.seek(0)
            return out.read(_MAX_ANSWER)
    except OSError:
        return b""


def _memory() -> BinaryIO:
    """A file without a name, none of whose descriptors is one of the streams."""
    made = os.memfd_create(NAME)
    try:
        return open(fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE), "r+b", buffering=0)
    finally:
        os.close(made)


def _wait(pid: int) -> None:
    """For its end, however that comes; it does not outlive us."""
    is_ended = False
    try:
        _reap(pid)
        is_ended = True
    finally:
        if not is_ended:
            os.kill(pid, signal.SIGKILL)
            _reap(pid)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored: it has ended and is gone
        os.waitpid(pid, 0)


def _is_chain(chain: Any) -> bool:
    return (
        isinstance(chain, list)
        and len(chain) <= MAX_CHAIN
        and all(isinstance(row, list) and list(map(type, row)) in _KINDS for row in chain)
    )


_NONE = type(None)
_KINDS = [[str, file, line] for file in (str, _NONE) for line in (int, _NONE)]
