"""The code that reads what is in files of code. What is kept of such a file between runs counts
while none of this has changed."""

from __future__ import annotations

from . import debug, elf, image, symbols

READERS: tuple[str, ...] = tuple(str(one.__file__) for one in (debug, elf, image, symbols))
