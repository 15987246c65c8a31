"""Numbers of seconds on a command line."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # a start does not pay for what only types need
    from collections.abc import Callable


def below(most: float, least: float = 1e-9) -> Callable[[str], float]:
    """The type, for argparse, of numbers from `least` to below `most`."""

    def seconds(word: str) -> float:
        value = float(word)
        if not least <= value < most:
            raise ValueError
        return value

    seconds.__name__ = "number of seconds"  # argparse names the type in its message
    return seconds
