"""What for: rules over an event, its stack and its neighbours (docs/purposes.md)."""

from __future__ import annotations

from .model import Purpose


def explain(index, events, stacks, facts) -> Purpose:
    """The purpose of events[index]."""
    return Purpose()
