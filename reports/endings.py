"""How a run ended; and what reports say otherwise where the program ran before brkpoint came."""

from __future__ import annotations

from alloctrace.escape import visible
from alloctrace.words import signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _is_left(summary: dict[str, Any]) -> bool:
    return bool(summary["exit"]["kind"] == "detached" or summary["until"] == "left")


def goes_on(summary: dict[str, Any]) -> bool:
    """Whether the recording is not over: a session inside gdb."""
    return bool(summary["until"] == "now")


def has_end(summary: dict[str, Any]) -> bool:
    """Whether what is live is live at the program's own end: what is not freed then is left."""
    return not (_is_left(summary) or goes_on(summary) or _kind(summary) in ("signalled", "running"))


def _kind(summary: dict[str, Any]) -> str:
    """How the program ended that the numbers are of; of several, the run."""
    over = summary["sums_over"]
    for process in summary["processes"] if over["what"] == "one" else ():
        if process["pid"] == over["pid"] and process["programs"]:
            if process["programs"][-1]["image"] != over["image"]:
                return "exec"
            return str(process["exit"]["kind"])
    return str(summary["exit"]["kind"])


def ending(summary: dict[str, Any]) -> str:
    """How the run ended: `exited with status 0`, `killed by SIGSEGV`."""
    kind, status = summary["exit"]["kind"], summary["exit"]["status"]
    if kind == "exited" and status is not None:
        return "exited with status %s" % status
    if kind == "signalled" and status is not None:
        return "killed by %s" % signal_name(status)
    if goes_on(summary):
        return "still runs"
    if summary["until"] == "left":
        return "still ran when the recording ended"
    if summary.get("attached"):
        return "left running" if _is_left(summary) else "ended, how was not seen"
    if kind == "unknown" or status is None:
        return "how it ended was not seen"
    return "%s (%s)" % (visible(str(kind)), status)


def of_process(ended: dict[str, Any]) -> str:
    """How one of several processes ended: `exited with status 0`. `ended`: kind, status."""
    kind, status = ended["kind"], ended["status"]
    if kind == "exited" and status is not None:
        return "exited with status %d" % status
    if kind == "signalled" and status is not None:
        return "was killed by %s" % signal_name(status)
    return "ran on" if kind in ("running", "detached") else "ended in a way that was not seen"


def repeat(summary: dict[str, Any]) -> str:
    return "brkpoint -p %s" % summary["attached"]["pid"]


def what_live_means(summary: dict[str, Any]) -> str:
    """What the last row of the memory stands for, and from when its sums count."""
    since = " since the attach" if summary.get("attached") else ""
    what = "left: live at the end" if has_end(summary) else "live: " + when(summary)
    return "bytes asked for%s; %s" % (since, what)


def when(summary: dict[str, Any]) -> str:
    """The moment of the last sums, where it is not the program's own end."""
    if _kind(summary) == "signalled":
        return "when it was killed"
    if _kind(summary) == "running":
        return "when the recording ended"
    return "now" if goes_on(summary) else "when it was left"


def memory_line(summary: dict[str, Any], most: str, left: str) -> str | None:
    """Peak and end in a sentence; None where the usual one holds."""
    if not summary.get("attached"):
        if has_end(summary):
            return None
        return "At most %s live at once; %s live %s." % (most, left, when(summary))
    end = "at the end" if has_end(summary) else when(summary)
    return "Since the attach: at most %s live at once; %s live %s." % (most, left, end)
