"""Which engine watches a run, and why: the recorder where it can be planted, else breakpoints."""

from __future__ import annotations

from collections import namedtuple

from . import recorder
from .errors import FAILED, USAGE, UserError

TYPE_CHECKING = False

NAMES = ("auto", "breakpoints", "recorder")
# engine: breakpoints or recorder. why: in words, None where the user asked for it.
# may_change: whether breakpoints may take over where the recorder finds that it cannot be planted.
if TYPE_CHECKING:
    from typing import NamedTuple

    class Choice(NamedTuple):
        engine: str
        why: str | None
        may_change: bool

else:
    Choice = namedtuple("Choice", "engine why may_change")


def choose(wanted: str, live: bool = False) -> Choice:
    """The Choice for `wanted`, one of NAMES; raises UserError where it cannot be had."""
    if wanted == "breakpoints":
        return Choice(wanted, None, False)
    obstacle = _obstacle(live)
    if wanted == "auto":
        if obstacle:
            return Choice("breakpoints", obstacle, False)
        return Choice("recorder", "it can be planted here", True)
    if obstacle:
        raise UserError("--engine recorder: " + obstacle, USAGE if live else FAILED)
    return Choice(wanted, None, False)


def instead(refused: str) -> Choice:
    """The Choice after the recorder could not be planted; `refused`: why, in its words."""
    return Choice("breakpoints", "the recorder cannot be planted: " + refused, False)


def _obstacle(live: bool) -> str | None:
    """Why there is no recorder for this run, before it begins; None: there may be."""
    if live:
        return "--live shows events as gdb meets them"
    if recorder.find() is None:
        return "the recorder is not built: make recorder"
    return None
