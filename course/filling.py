"""A lesson's texts with the values of this machine in them; what rests on a value that cannot be
had is left out, and that is said."""

from __future__ import annotations

import textwrap

from course import measured, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from course.lesson import Text
    from course.measured import Measured, Unmeasured


def filler(values: Measured) -> Callable[[str], str]:
    """A function that fills one text; it raises Unmeasured."""
    return lambda text: places.fill(text, values.value)


def shown(item: Text, values: Measured) -> tuple[str | None, Unmeasured | None]:
    """(text, None), (None, the Unmeasured), or (None, None) where its condition is not met."""
    try:
        if item.condition is not None and not values.holds(item.condition):
            return None, None
        return (item.text if item.kind == "code" else filler(values)(item.text)), None
    except measured.Unmeasured as error:
        return None, error


def aligned(text: str) -> list[str]:
    """Lines of a change as they stand beneath each other: the first one begins within a line."""
    first, _, rest = text.partition("\n")
    return [first, *textwrap.dedent(rest).split("\n")] if rest else [first]
