"""Regular expressions that are compiled when they are first asked: each start would pay for dozens
that it has no question for."""

from __future__ import annotations

TYPE_CHECKING = False  # to import typing would take longer than all of this file
if TYPE_CHECKING:
    from typing import Any


class Pattern:
    """What re.compile gives, later."""

    def __init__(self, text: str | bytes, flags: int = 0) -> None:
        self._how = text, flags

    def __getattr__(self, name: str) -> Any:
        import re

        method = getattr(re.compile(*self._how), name)
        setattr(self, name, method)  # from now on it is found without this
        return method
