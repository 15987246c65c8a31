"""What makes the bytes of many events: `brkpoint-rows`, a C program built with the recorder.

It is told what a format needs, then chunk after chunk as the trace has them, asks for what all
events of a group say, and writes to the file itself: recorder/rows/. What it makes is what the
Python of this folder makes, byte for byte, which is used where there are few events or no such
program. One that is damaged, or was built for other files than these, does not say the right
greeting and is not used.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import select
import signal
import struct
import zlib

from alloctrace.columns.check import TraceError, checked
from alloctrace.columns.schema import COLUMN_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, BinaryIO, Union

    from alloctrace.trace.read import Trace

    Told = Union[int, bytes, "array[int]"]

NAME = "brkpoint-rows"
FEWEST = 100_000  # events: for less, starting it is not worth while
LONGEST = 1 << 30  # bytes of a message
# What is said: by us, then by it.
MESSAGES = ("TOLD", "CHUNK_OF", "ANSWER", "END", "ASK", "DONE", "RESULT", "DAMAGED", "FAILED")
_TOLD, _CHUNK, _ANSWER, _END, _ASK, _DONE, _RESULT, _DAMAGED, _FAILED = range(len(MESSAGES))
_HERE = os.path.dirname(os.path.realpath(__file__))
_TOP = os.path.dirname(_HERE)
_PLACES = ("build/recorder/" + NAME, "recorder/" + NAME)
# What it does as well, and what both rest on.
_FILES = [
    *("exports/%s.py" % name for name in (
        "maker rows csv ndjson lifetimes dhat by_thread heaptrack perfetto slices protobuf".split()
    )),
    "alloctrace/columns/schema.py",
    "alloctrace/columns/columns.py",
    "alloctrace/columns/events.py",
    "alloctrace/trace/read.py",
]  # fmt: skip
_HEAD = struct.Struct("<QQ")
_COLUMN = struct.Struct("<QQQqqQ")  # column, width, whether delta-coded, base, period, bytes
_LATE = struct.Struct("<QQq")  # row, column, value
_OUT = 3  # its descriptor for the bytes of the export
_FIRST_FREE = 10
_PATIENCE_MS = 10_000


def greeting() -> str:
    """What one says that was built for these files."""
    found = 0
    for path in _FILES:
        with open(os.path.join(_TOP, path), "rb") as file:
            found = zlib.crc32(file.read(), found)
    return "%s %08x\n" % (NAME, found)


def find() -> str | None:
    """The path of the program, None where it is not built."""
    paths = [os.path.join(_TOP, place) for place in _PLACES]
    return next((path for path in paths if os.access(path, os.X_OK)), None)


@contextlib.contextmanager
def started(trace: Trace, out: BinaryIO | None, mode: str, *told: Told) -> Iterator[Maker | None]:
    """A Maker of one of its modes, that writes to `out` (None: it writes nothing); None where
    Python must do it. `told`: numbers, bytes, and arrays, whose length it knows by then."""
    path, file = find(), _descriptor(out)
    if path is None or file is None or trace.run.get("events", 0) < FEWEST:
        yield None
        return
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, file)
        yield _greeted(stack, trace, out, [path, mode], file, told)


def _greeted(
    stack: contextlib.ExitStack,
    trace: Trace,
    out: BinaryIO | None,
    words: list[str],
    file: int,
    told: tuple[Told, ...],
) -> Maker | None:
    try:
        pid, into, said = _spawned(words, file)
    except OSError:
        return None
    stack.callback(_end, pid, into, said)
    wanted = greeting().encode()
    if not _is_said(said, wanted):
        return None
    made = Maker(trace, out, into, said)
    groups = len(trace.sums().groups)
    made.say(_TOLD, b"".join(map(_as_told, (groups, *told))))
    return made


def _descriptor(out: BinaryIO | None) -> int | None:
    """A copy of where its bytes go, None where it is no file."""
    if out is None:
        return os.open(os.devnull, os.O_WRONLY)
    try:
        return os.dup(out.fileno())
    except (AttributeError, io.UnsupportedOperation):
        return None


def _spawned(words: list[str], file: int) -> tuple[int, BinaryIO, BinaryIO]:
    """(its number, a file to tell it, a file of what it says). It has a session of its own: what
    the terminal sends is for us, and it ends with us."""
    ends = [*os.pipe(), *os.pipe()]
    high: list[int] = []
    environment: dict[str, str] = {}
    try:
        high += [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for end in (ends[0], ends[3])]
        pairs = (file, _OUT), (high[0], 0), (high[1], 1)
        actions = [(os.POSIX_SPAWN_DUP2, old, new) for old, new in pairs]
        pid = os.posix_spawn(words[0], words, environment, file_actions=actions, setsid=True)
    except OSError:
        os.close(ends[1])
        os.close(ends[2])
        raise
    finally:
        for end in (*high, ends[0], ends[3]):
            os.close(end)
    return pid, open(ends[1], "wb"), open(ends[2], "rb")


def _end(pid: int, *files: BinaryIO) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for file in files:
        with contextlib.suppress(OSError):  # what it was not told any more
            file.close()


def _is_said(said: BinaryIO, wanted: bytes) -> bool:
    """Whether it begins so: a stranger may say nothing, or anything."""
    found, poll = b"", select.poll()
    poll.register(said.fileno(), select.POLLIN)
    while len(found) < len(wanted) and poll.poll(_PATIENCE_MS):
        more = os.read(said.fileno(), len(wanted) - len(found))
        if not more:
            break
        found += more
    return found == wanted


def _as_told(value: Told) -> bytes:
    if isinstance(value, int):
        return struct.pack("<Q", value)
    return text(value) if isinstance(value, bytes) else value.tobytes()


def text(value: bytes) -> bytes:
    """Bytes as it is told them, with their length in front."""
    return struct.pack("<Q", len(value)) + value


class Maker:
    """It was told what it must know, and makes what the chunks are turned into."""

    def __init__(self, trace: Trace, out: BinaryIO | None, into: BinaryIO, said: BinaryIO) -> None:
        self._trace, self._out, self._into, self._said = trace, out, into, said

    def follow(
        self, names: Sequence[str], answer: Callable[[list[int]], bytes] | None = None
    ) -> None:
        """Have all events turned into bytes. `names`: the columns of its mode; `answer(numbers)`:
        the bytes that it asks for."""
        for first, count, columns, late in self._trace.stored_chunks(names):
            with checked():
                chunk = _chunk(first, count, columns, late)
            self.say(_CHUNK, chunk)
            kind, payload = self._hear()
            while kind == _ASK:
                if answer is None:
                    raise RuntimeError("%s asks for what it was told" % NAME)
                made = answer(memoryview(payload).cast("Q").tolist())
                self.say(_ANSWER, made)
                kind, payload = self._hear()

    def results(self) -> Iterator[bytes]:
        """Yield what it counted: bytes. When all are taken, all is written."""
        self.say(_END, b"")
        kind, payload = self._hear()
        while kind == _RESULT:
            yield payload
            kind, payload = self._hear()

    def say(self, kind: int, payload: bytes) -> None:
        if self._out is not None:
            self._out.flush()  # it writes to the same file
        with contextlib.suppress(BrokenPipeError):  # it has said why, or else is gone
            self._into.write(_HEAD.pack(kind, len(payload)))
            self._into.write(payload)
            self._into.flush()

    def _hear(self) -> tuple[int, bytes]:
        kind, length = _HEAD.unpack(self._read(_HEAD.size))
        payload = self._read(length)
        if kind == _DAMAGED:
            raise TraceError(payload.decode("ascii", "replace"))
        if kind == _FAILED:
            number = int.from_bytes(payload, "little")
            raise OSError(number, os.strerror(number))
        return kind, payload

    def _read(self, length: int) -> bytes:
        found = self._said.read(length)
        if len(found) < length:
            raise RuntimeError("%s has ended early" % NAME)
        return found


def _chunk(
    first: int, count: int, columns: list[tuple[Any, ...]], late: list[tuple[Any, ...]]
) -> bytes:
    """A chunk as it is told; `columns`, `late`: rows of these tables."""
    parts = [struct.pack("<QQQ", first, count, len(columns))]
    for name, width, base, period, data, delta in columns:
        head = COLUMN_NAMES.index(name), width, bool(delta), base, period, len(data)
        parts += [_COLUMN.pack(*head), data]
    parts.append(struct.pack("<Q", len(late)))
    parts += [_LATE.pack(seq - first, COLUMN_NAMES.index(name), v) for seq, name, v in late]
    return b"".join(parts)


def numbers(payload: bytes) -> list[int]:
    """The whole numbers of a result, 16 bytes each."""
    view = memoryview(payload)
    return [
        int.from_bytes(view[at : at + 16], "little", signed=True) for at in range(0, len(view), 16)
    ]
