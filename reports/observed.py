"""How a run was observed, and what that cost it, in words."""

from __future__ import annotations

import os

from alloctrace.escape import visible

from .sentences import count, duration, grouped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def cost(summary: dict[str, Any]) -> str | None:
    """What the measurement cost; None when the engine did not say."""
    price = summary["cost"]
    if summary["engine"] == "recorder":
        return _cost_of_recorder(price)
    parts = []
    if price.get("stops") is not None:
        parts.append("the program was stopped %s" % count(price["stops"], "time"))
    if price.get("engine_ns") is not None:
        parts.append("took %s in all" % duration(price["engine_ns"]))
    return " and ".join(parts) or None


def _stood_still(total: int, longest: int | None) -> str:
    if longest is None or longest >= total:
        return "the program was paused for %s while probes were installed" % duration(total)
    return "the program was paused for %s, at most %s at once, while probes were installed" % (
        duration(total),
        duration(longest),
    )


def _cost_of_recorder(price: dict[str, int]) -> str | None:
    parts = []
    if price.get("engine_ns") is not None:
        parts.append(_stood_still(price["engine_ns"], price.get("longest_ns")))
    if price.get("asks") is not None:
        waits = price.get("waits") or 0
        waited = "waited for buffer space %s" % count(waits, "time")
        if not waits:
            waited = "never waited for buffer space"
        parts.append("it asked the recorder %s and %s" % (count(price["asks"], "time"), waited))
        parts.append(
            "%s unwound, %s remembered"
            % (count(price.get("walks") or 0, "stack"), grouped(price.get("remembered") or 0))
        )
    return "; ".join(parts) or None


def recorded(summary: dict[str, Any]) -> str:
    """When and with what: `2026-11-23 06:10:02, engine breakpoints, gdb 13.1`."""
    parts = [str(summary["date"])] if summary["date"] else []
    why = " (%s)" % summary["why_engine"] if summary["why_engine"] else ""
    parts.append("engine %s%s" % (summary["engine"] or "unknown", why))
    parts += ["%s %s" % item for item in sorted(summary["versions"].items()) if item[1]]
    if os.path.basename(summary["program_file"]) != os.path.basename(summary["program"]):
        parts.append("%s is %s" % (summary["program"], summary["program_file"]))
    if summary["purposes_by_example"]:
        parts.append("purposes given for groups of events, where they hold for each event")
    if summary["keep"] == "totals":
        parts.append("totals only (--keep totals): the events were not kept")
    return visible(", ".join(parts))
