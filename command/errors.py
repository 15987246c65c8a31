"""Two kinds of error: the user's (one line that says the fix) and ours (a traceback, status 125)."""

from __future__ import annotations

import signal
import unicodedata

USAGE, FAILED, CANNOT_EXECUTE, NOT_FOUND = 2, 125, 126, 127


class UserError(Exception):
    """What the user can mend. `message`: one line, already escaped; `status`: the exit status."""

    def __init__(self, message, status=FAILED):
        super().__init__(message)
        self.status = status


class EngineError(UserError):
    """gdb or the engine in it did not do its part; `log` is what gdb said."""

    def __init__(self, message, log=""):
        super().__init__(message, FAILED)
        self.log = log


def shown(text, limit=400):
    """Untrusted text as one line that no terminal obeys: control characters and bytes escaped."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    line = "".join(_shown_character(character) for character in text[: limit + 1])
    return line if len(text) <= limit else line[:limit] + "…"


def _shown_character(character):
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8
        return "\\x%02x" % (code - 0xDC00)
    # Other: control, format (bidirectional overrides too), surrogate, private; line separators
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return {"\n": "\\n", "\t": "\\t"}.get(character, _escape(code))
    return "\\\\" if character == "\\" else character


def _escape(code):
    return (
        "\\x%02x" % code if code < 256 else "\\u%04x" % code if code < 65536 else "\\U%08x" % code
    )


def signal_name(number):
    """`SIGTERM` for 15; a number without a name (real-time signals) as `signal 40`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number
