"""By what places and stacks can be ordered: the words of text, Markdown and page."""

from __future__ import annotations

from collections import namedtuple

from reports import quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    from alloctrace.model import Group


SITES, FUNCTIONS = 20, 60  # that are shown where no number is asked for
MOST = 100000

if TYPE_CHECKING:

    class Measure(NamedTuple):
        field: str
        label: str
        means: str
        is_bytes: bool

else:
    Measure = namedtuple("Measure", "field label means is_bytes")  # field: of a site's row


BY = {
    "bytes": Measure("bytes", "asked for", "bytes asked for", True),
    "peak": Measure("peak_bytes", "at the peak", "bytes live at the peak", True),
    "live": Measure("live_bytes", "left", "bytes live at the end", True),
    "temporary": Measure(
        "temporary_bytes", "temporary", "bytes freed before their thread asked again", True
    ),
    "calls": Measure("count", "allocations", "number of allocations", False),
    "kernel": Measure(
        "calls_reaching_kernel",
        "reached the kernel",
        "allocations that made a memory syscall",
        False,
    ),
}


def amount(by: str, value: int) -> str:
    """For a table: `12.5 KiB`, `1,234`."""
    return quantities.short_size(value) if BY[by].is_bytes else quantities.grouped(value)


def of_group(by: str, at_peak: Callable[[Group], int]) -> Callable[[Group], int]:
    """A function that says what of a measure a group of events is. `at_peak`: chosen.at_peak."""
    return {
        "bytes": lambda group: group.allocated,
        "peak": at_peak,
        "live": lambda group: group.live_bytes,
        "temporary": lambda group: group.temporary_bytes,
        "calls": lambda group: group.allocations,
        "kernel": lambda group: group.reached,
    }[by]
