"""How far a long reading is."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def reading(total: int | None) -> Callable[[int], None]:
    """A function of how many events were read: says so on one line, which goes at the end."""

    def tell(count: int) -> None:
        last = not total or count + 65536 * 2 > total
        words = "reading events: %d of %s" % (count, total)
        sys.stderr.write("\r" + (" " * len(words) + "\r" if last else words))
        sys.stderr.flush()

    return tell
