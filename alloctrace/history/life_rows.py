"""What a run says of its processes, programs and threads, a row each: what of it is kept, and if
a stranger's trace holds nothing else."""

from __future__ import annotations

from alloctrace import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.history.history import History

MAX_KEPT = 1000  # of a list of forks, threads, signals
MAX_LIVES = 20000  # of what tells processes apart
_FEW = ("forks", "threads", "signals", "mains", "unseen", "unfollowed")
_MANY = ("children", "images", "exits", "ends")
_NUMBERS = frozenset(
    "pid tid parent image index t_ns status copied_blocks copied_bytes rss_bytes minor_faults"
    " major_faults mapped_bytes".split()
)
_TEXTS = frozenset("path kind name why".split())


def of(history: History) -> dict[str, list[dict[str, Any]]]:
    """{name: rows}"""
    found = {name: list(map(kept, getattr(history, name)[:MAX_KEPT])) for name in _FEW}
    found.update((name, list(map(kept, getattr(history, name)[:MAX_LIVES]))) for name in _MANY)
    return found


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """What of a spool's record is text or a number: the rest is a stranger's."""
    return {
        key: value[: fields.MAX_TEXT] if isinstance(value, str) else value
        for key, value in data.items()
        if value is None or isinstance(value, (str, int))
    }


def kept(data: dict[str, Any]) -> dict[str, Any]:
    """As plain, with the words of its command, and without what is not as its name says."""
    row = {key: value for key, value in plain(data).items() if _fits(key, value)}
    command = data.get("command")
    if isinstance(command, list):
        row["command"] = [word[: fields.MAX_TEXT] for word in command if isinstance(word, str)]
    return row


def _fits(key: str, value: int | str | None) -> bool:
    if value is None:
        return True
    if key in _NUMBERS:
        return fields.number({key: value}, key, None) is not None
    return isinstance(value, str) or key not in _TEXTS and key != "command"


def check(run: dict[str, Any]) -> None:
    """Raise ValueError where a row is not as `of` makes it."""
    for name in _FEW + _MANY:
        for row in run.get(name, ()):
            if not isinstance(row, dict) or kept(row) != row:
                raise ValueError("run: %s holds a malformed row" % name)
    if run.get("pid") is not None and fields.number(run, "pid", None) is None:
        raise ValueError("run: pid is no number of a process")
