"""Where brkpoint keeps what it found out once: names of functions, for the next run."""

from __future__ import annotations

import os

VARIABLE = "BRKPOINT_CACHE"


def folder() -> str | None:
    """An absolute path, or None: nowhere. The environment decides: an empty word switches it off.

    Without the variable it is $XDG_CACHE_HOME/brkpoint, else ~/.cache/brkpoint.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen is None:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        chosen = os.path.join(base, "brkpoint")
    return chosen if os.path.isabs(chosen) else None


def switch_off() -> None:
    """For the rest of this run, and for what it starts of ours; the target has its own words."""
    os.environ[VARIABLE] = ""
