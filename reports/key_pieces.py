"""Keys whose code comes in pieces: an arrow is ESC [ C, and a slow line brings it in two or three.

How late a piece may be nobody knows: ESC alone is told at once, and what follows it, whenever it
comes, is the rest of one key.
"""

from __future__ import annotations

ESC = "\x1b"
_LETTERS = {"A": "UP", "B": "DOWN", "C": "RIGHT", "D": "LEFT", "H": "HOME", "F": "END"}
_NUMBERS = {"1": "HOME", "7": "HOME", "4": "END", "8": "END", "5": "PAGE UP", "6": "PAGE DOWN"}
_LONGEST = 16  # characters of a code


class Pieces:
    """What has come of a code that is not whole."""

    def __init__(self) -> None:
        self._held = ""

    def whole(self, key: str) -> str:
        """The key that the character `key` is, or completes; "": of a code that is not whole, or
        of no key that anybody asks for. ESC is told as such, and may begin a code."""
        held, self._held = self._held, ""
        if key == ESC:
            self._held = ESC
            return ESC
        code = held + key
        if code in (ESC + "[", ESC + "O", ESC + "[["):
            self._held = code
            return ""
        if len(held) < 2:
            return key
        if key in "0123456789;" and len(held) < _LONGEST:
            self._held = code
            return ""
        if key == "~":
            return _NUMBERS.get(held[2:].split(";")[0], "")
        return "" if held.endswith("[[") else _LETTERS.get(key, "")

    def forget(self) -> None:
        """A key has come by another way: what was held was none."""
        self._held = ""
