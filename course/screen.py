"""The reader's side: lines by the page, keys, and what is typed. A pipe is asked nothing."""

from __future__ import annotations

import contextlib
import os
import re
import sys

from reports import ink as inks, key_pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

LONGEST = 4096  # bytes of a line
_STRESS = re.compile(r"\*([^*\s][^*]*)\*")  # which pages show; here its signs are only noise
_PAINT = re.compile("\033\\[[0-9;]*m")
_LEAST = 8  # lines of a terminal that is taken at its word


class Gone(Exception):
    """The reader has left: `q`, or the end of what they type."""


class Screen:
    def __init__(self, out: TextIO | None = None, keys: TextIO | None = None) -> None:
        self.out, self.keys = out or sys.stdout, keys or sys.stdin
        self.ink = inks.of_stream(self.out)
        self.is_terminal = all(_is_terminal(stream) for stream in (self.out, self.keys))
        self._pieces = key_pieces.Pieces()
        self._shown = 0  # lines since the reader last pressed a key

    def line(self, text: str = "") -> None:
        rows = max(1, -(-inks.cells(_PAINT.sub("", text)) // self.ink.width))
        if self.is_terminal and self._shown and self._shown + rows > self._height() - 2:
            self.key("Enter: more   q: leave", "\n q")
        self.out.write(self._said(text) + "\n")
        self._shown += rows

    def lines(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.line(text)

    def text(self, text: str, paint: Callable[[str], str] = str, indent: str = "") -> None:
        text = _STRESS.sub(r"\1", self._said(text))
        for line in self.ink.wrap(text, self.ink.width - len(indent), ""):
            self.line(indent + paint(line))

    def _said(self, text: str) -> str:
        return self.ink.said(text)

    def _height(self) -> int:
        try:
            return max(_LEAST, os.get_terminal_size(self.out.fileno()).lines)
        except (OSError, ValueError):
            return 24

    def ask(self, prompt: str) -> str:
        """A line of what the reader types; raises Gone at the end of it."""
        self.out.write(self.ink.bold(self._said(prompt)))
        self.out.flush()
        self._shown = 0
        try:  # a terminal hands over a line at a time; a buffer of ours would keep later keys
            line = os.read(self.keys.fileno(), LONGEST).decode("utf-8", "replace")
        except OSError:
            line = ""
        if not line:
            self.out.write("\n")
            raise Gone
        return line.strip()

    def key(self, prompt: str, known: str) -> str:
        """One of the characters of `known` ("\\n" for Enter); raises Gone at `q`."""
        self.out.write(self.ink.paint(self._said(prompt), "dim") + " ")
        self.out.flush()
        self._shown = 0
        while True:
            pressed = self._pressed()
            if pressed in ("", "\x04") or pressed.lower() == "q":
                self.out.write("\n")
                raise Gone
            pressed = self._pieces.whole(pressed)
            pressed = "\n" if pressed == "\r" else pressed.lower()
            if len(pressed) == 1 and pressed in known:
                break
        self.out.write("\r\033[K" if self.ink.colour else "\r" + " " * len(prompt) + "\r")
        return pressed

    def _pressed(self) -> str:
        with _each_key(self.keys.fileno()):
            try:
                return os.read(self.keys.fileno(), 1).decode("latin-1")
            except OSError:
                return ""


@contextlib.contextmanager
def _each_key(descriptor: int) -> Iterator[None]:
    """A key is heard as it is pressed, not with Enter; the terminal is then as it was."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):
        return False
