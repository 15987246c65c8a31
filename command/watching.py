"""What a person sees while the target runs: nothing, a line of progress, or the events (--live)."""

from __future__ import annotations

import contextlib
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

_FIRST = 3.0  # seconds before there is any progress to tell
_EVERY = 1.0
_LARGE = 1 << 20  # bytes of spool that take a moment
_MOMENT = 0.3  # seconds


def choose(spool_path: str, is_live: bool, quiet: bool) -> Live | Nothing | Progress:
    """The view for this run; it has tick() and finish()."""
    if is_live:
        return Live(spool_path)
    # a program that draws on the same terminal would be disturbed
    if not quiet and _is_terminal(sys.stderr) and not _is_terminal(sys.stdout):
        return Progress(spool_path)
    return Nothing()


@contextlib.contextmanager
def working(spool_path: str, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Gives tell(what), for what is being done while a spool is turned into a trace: a line on the
    terminal, where the spool is large or it has taken a moment already."""
    size, start = _size(spool_path), time.monotonic()
    told: list[str] = []

    def tell(what: str) -> None:
        if told or size > _LARGE or time.monotonic() - start > _MOMENT:
            told.append(what)
            words = "brkpoint: making the trace of %.1f MiB: %s ..." % (size / 2**20, what)
            _write("\r" + words + "\033[K")

    telling = not quiet and _is_terminal(sys.stderr)
    try:
        yield tell if telling else lambda what: None
    finally:
        if told:
            _write("\r\033[K")


class Nothing:
    def tick(self) -> None:
        pass

    def finish(self) -> None:
        pass


class Progress:
    """One line that is overwritten, from the size of the spool."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._start = time.monotonic()
        self._next = self._start + _FIRST
        self._shown = False

    def tick(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        self._shown = True
        words = "brkpoint: %d s, %.1f MiB recorded" % (
            now - self._start,
            _size(self._path) / 2**20,
        )
        _write("\r" + words + "\033[K")

    def finish(self) -> None:
        if self._shown:
            _write("\r\033[K")


class Live:
    """The events as they come, from the growing spool."""

    def __init__(self, path: str) -> None:
        from alloctrace.spool import spool  # only now: other runs begin without all this
        from alloctrace.trace import follow  # only now: other runs begin without all this
        from reports import ink, live

        self._damaged = spool.SpoolError
        self._follow = follow.Follow(path)
        self._lines = live.Follower(
            self._follow.stack, ink.of_stream(sys.stderr), self._follow.explain
        )
        self._broken = False

    def tick(self) -> None:
        try:
            if not self._broken:
                self._write(self._lines.feed(self._follow.poll()))
        except self._damaged:
            self._broken = True  # said when the trace is made

    def finish(self) -> None:
        self.tick()
        self._write(self._lines.finish())
        self._write([""])

    def _write(self, lines: Iterable[str]) -> None:
        for line in lines:
            _write(line + "\n")


def _write(words: str) -> None:
    try:
        sys.stderr.write(words)
        sys.stderr.flush()
    except (OSError, AttributeError):
        pass


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
