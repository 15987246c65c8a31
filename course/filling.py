"""A lesson's texts with the values of this machine in them; what rests on a value that cannot be
had is left out, and that is said."""

from __future__ import annotations

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
