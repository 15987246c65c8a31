"""Two kinds of error: the user's (one line that says the fix) and ours (a traceback and 125)."""

from __future__ import annotations


from alloctrace.escape import visible

USAGE, FAILED, CANNOT_EXECUTE, NOT_FOUND = 2, 125, 126, 127


class UserError(Exception):
    """What the user can mend. `message`: one line, already escaped; `status`: the exit status."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


class EngineError(UserError):
    """What was to watch did not do its part; `log`: what it said, `observer`: what it is called."""

    def __init__(self, message: str, log: str = "", observer: str = "gdb") -> None:
        super().__init__(message, FAILED)
        self.log, self.observer = log, observer


def is_interrupt(error: BaseException | None) -> bool:
    """Whether it is Ctrl-C, or came of one: amid a class that is defined Python before 3.12 makes
    another error of it, and who tidies up behind it may miss what had not been made yet."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def shown(text: str | bytes, limit: int = 400) -> str:
    """Untrusted text (or bytes) as one line that no terminal obeys, at most `limit` long."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    line = visible(text[:limit])
    return line if len(text) <= limit else line + "…"
