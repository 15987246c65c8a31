"""Text of the target's, fit for a page: visible, and of a length that a page can bear."""

from __future__ import annotations

from alloctrace.escape import visible

NAME = 80  # characters of a function's name, where there are many
LONGEST = 400  # characters of one text; names of templates reach hundreds
LARGEST = 1 << 53  # a script's numbers are exact below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, overload

if TYPE_CHECKING:

    @overload
    def fit(value: str) -> str:
        ...

    @overload
    def fit(value: Any) -> Any:
        ...


def fit(value: Any) -> Any:
    """`value` with every text in it escaped and cut; None stays None."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(str(name)): fit(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [fit(part) for part in value]
    return value


def _text(value: str) -> str:
    if len(value) > LONGEST:
        value = "%s… (%d characters)" % (value[:LONGEST], len(value))
    return visible(value)
