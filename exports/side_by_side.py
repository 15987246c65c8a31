"""Chunks of a trace that are made into bytes by several processes, and written in their order.

Every n-th chunk is one process's. Each holds no more than one that is made, until its turn is
taken, so memory does not grow with the file. The bytes are the same as by one process.
"""

from __future__ import annotations

import contextlib
import os
import signal

from alloctrace.columns.check import TraceError
from alloctrace.trace import trace as traces

MOST = 3  # processes: so that all together hold less than 300 MiB
_FEWEST = 500_000  # events: for less, starting them is not worth while
_PIECE = 1 << 20
_LENGTH = 8  # bytes in front of what a process says: its length, or one of these
_END, _DAMAGED = 1 << 62, 1 << 63  # with the latter: the length of a TraceError's words
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


def write(out, trace, maker):
    """Write the bytes of all chunks. `maker(trace)` gives a function of (k, n) that yields of
    every n-th chunk, from chunk k on, its bytes in pieces: a list."""
    count = min(MOST, len(os.sched_getaffinity(0)))
    if count < 2 or trace.run.get("events", 0) < _FEWEST:
        for made in maker(trace)((0, 1)):
            out.writelines(made)
        return
    with contextlib.ExitStack() as stack:
        turns = [(number, count) for number in range(count)]
        pipes = [stack.enter_context(_process(trace, maker, turn)) for turn in turns]
        while all(pipe.copy(out) for pipe in pipes):
            pass


@contextlib.contextmanager
def _process(trace, maker, turn):
    """The pipe that it writes to. Whatever happens, it is gone afterwards."""
    reads, writes = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(reads)  # or it would wait for itself to read
            _in_process(trace, maker, turn, writes)
        except Exception:
            import traceback  # only now, as it should be never

            traceback.print_exc()
        finally:
            os._exit(1)  # nothing of the parent's is written or cleaned up here
    os.close(writes)
    try:
        with open(reads, "rb") as file:
            yield _Pipe(file)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _in_process(theirs, maker, turn, writes):
    """It ends without a word where the parent does: by Ctrl-C, or because nobody reads."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGPIPE:
            signal.signal(number, signal.SIG_DFL)
    with open(writes, "wb") as pipe:
        try:
            with traces.open(theirs.path) as trace:  # what SQLite opened must not cross a fork
                if trace.run != theirs.run:
                    raise TraceError("another one has taken its place meanwhile")
                for made in maker(trace)(turn):
                    pipe.write(sum(map(len, made)).to_bytes(_LENGTH, "little"))
                    pipe.writelines(made)
            pipe.write(_END.to_bytes(_LENGTH, "little"))
        except TraceError as error:
            text = str(error).encode("utf-8", "replace")[:_PIECE]
            pipe.write((_DAMAGED | len(text)).to_bytes(_LENGTH, "little") + text)


class _Pipe:
    """What a process says, taken by its parent."""

    def __init__(self, file):
        self._file, self._room = file, memoryview(bytearray(_PIECE))

    def copy(self, out):
        """Write its next chunk; False: it had no more."""
        left = int.from_bytes(self._read(_LENGTH), "little")
        if left == _END:
            return False
        if left & _DAMAGED:
            raise TraceError(bytes(self._read(left ^ _DAMAGED)).decode("utf-8", "replace"))
        while left:
            piece = self._read(min(left, _PIECE))
            out.write(piece)
            left -= len(piece)
        return True

    def _read(self, size):
        """So many bytes, until the next are read."""
        got = self._room[:size]
        if self._file.readinto(got) < size:
            raise RuntimeError("a process that turned events into text has ended early")
        return got
