"""Why a run was not recorded as it should be, in words: each names what really happened."""

from __future__ import annotations

from alloctrace.words import signal_name

from .errors import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .observer import Observer
    from .program import Program
    from .watch import Watch


def notes(found: Program, observer: Observer) -> list[str]:
    """What the user should know of a Program that ran."""
    odd = ["%s: %s: not all of it may be seen" % (shown(found.path), found.odd)]
    return found.notes + (odd if found.odd else []) + found.of_engine(observer.keeps_target)


def incomplete(watched: Watch, kind: str, status: int | None, said: str) -> str | None:
    """Why the trace is incomplete, or None. `said`: the observer's own words."""
    observer, ended = watched.observer, watched.observer_status
    assert ended is not None  # the wait is over
    failure = observer.failure(ended, said)
    if failure is not None:
        return failure
    if ended < 0 and not watched.hurried:
        return observer.died(-ended)
    if watched.reason:
        return watched.reason
    if kind == "signalled" and status is not None and watched.interrupted == status:
        return "interrupted by %s" % signal_name(status)
    if watched.why_left or ended == 0:
        return watched.why_left
    return "%s ended with status %d" % (observer.name, ended)
