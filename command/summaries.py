"""What a trace says, of the process that is asked for."""

from __future__ import annotations

from alloctrace.escape import visible
from alloctrace.summary import chosen
from alloctrace.summary.summary import summarise

from start.errors import USAGE, UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.summary.group_kinds import Kinds
    from alloctrace.trace.read import Trace


def summary_of(
    opened: Trace, process: str, kinds: Kinds | None = None, **more: Any
) -> dict[str, Any]:
    """As summarise; raises UserError where there is no such process."""
    try:
        return summarise(opened, process=process, kinds=kinds, **more)
    except chosen.NoSuchProcess as error:
        raise UserError(visible(str(error)), USAGE) from None
