"""Why a run was not recorded as it should be, in words: each names what really happened."""

from __future__ import annotations

import signal

from alloctrace.words import signal_name

from . import recorder
from .errors import shown

_CRASHED = 1  # gdb's own exit status then; no engine ends with it
_ENGINE_FAILED, _FAILED = 3, "brkpoint: gdb could not go on: "  # gdb-scripts/brkpoint_gdb/main.py


def is_told(log):
    """Whether gdb's last words are part of the reason, and need not be shown again."""
    return _FAILED in log and "Traceback" not in log


def died(engine, number):
    """That a signal ended the engine, in words: who was killed, and by what."""
    how = "was killed" if number == signal.SIGKILL else "died"
    return "%s %s (%s)" % (engine, how, signal_name(number))


def notes(found, by_recorder):
    """What the user should know of a Program that ran."""
    odd = ["%s: %s: not all of it may be seen" % (shown(found.path), found.odd)]
    return found.notes + (odd if found.odd else []) + ([] if by_recorder else found.of_breakpoints)


def refusal(watched, log):
    """Why the recorder did not start it, or None."""
    if watched.keeps_target and watched.gdb_status == recorder.NOT_PLANTED:
        return shown(log.strip().splitlines()[-1]) if log.strip() else "for an unknown reason"
    return None


def incomplete(watched, kind, status, log):
    """Why the trace is incomplete, or None."""
    told = log.strip().rpartition(_FAILED)[2] if _FAILED in log else None
    if told and watched.gdb_status == _ENGINE_FAILED:
        return "gdb could not go on: %s" % shown(told)
    if watched.gdb_status == _CRASHED and not watched.keeps_target:
        return "gdb crashed"
    gdb, engine = watched.gdb_status, "the recorder" if watched.keeps_target else "gdb"
    if gdb < 0 and not watched.hurried:
        return died(engine, -gdb)
    if watched.reason:
        return watched.reason
    if kind == "signalled" and watched.interrupted == status:
        return "interrupted by %s" % signal_name(status)
    if watched.let_go:
        return watched.why_detached()
    return "%s ended with status %d" % (engine, gdb) if gdb else None
