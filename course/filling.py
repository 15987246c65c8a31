"""A lesson's texts with the values of this machine in them; what rests on a value that cannot be
had is left out, and that is said."""

from __future__ import annotations

import textwrap

from course import measured, places


def filler(values):
    """A function that fills one text; it raises Unmeasured."""
    return lambda text: places.fill(text, values.value)


def shown(item, values):
    """(text, None), (None, the Unmeasured), or (None, None) where its condition is not met."""
    try:
        if item.condition is not None and not values.holds(item.condition):
            return None, None
        return (item.text if item.kind == "code" else filler(values)(item.text)), None
    except measured.Unmeasured as error:
        return None, error


def aligned(text):
    """Lines of a change as they stand beneath each other: the first one begins within a line."""
    first, _, rest = text.partition("\n")
    return [first, *textwrap.dedent(rest).split("\n")] if rest else [first]
