"""Untrusted text made fit for a terminal: names, paths and arguments come from the target."""

from __future__ import annotations


def visible(text: str) -> str:
    """`text` with everything that does not print as itself written out: \\x1b, \\xff, \\u202e.

    Escaped are control characters (so no terminal escape survives, no new line starts), bytes
    that were no UTF-8 (lone surrogates), and invisible or direction-changing characters.
    Escaping twice changes nothing: backslashes stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _written(ord(char)) for char in text)


def _written(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode's form of a byte that is no UTF-8
        code -= 0xDC00
    if code < 0x100:
        return "\\x%02x" % code
    return "\\u%04x" % code if code < 0x10000 else "\\U%08x" % code
