"""How a run ended; and what reports say otherwise where the program ran before brkpoint came."""

from __future__ import annotations

import signal

from alloctrace.escape import visible


def _is_left(summary):
    return summary["exit"]["kind"] == "detached"


def ending(summary):
    """How the run ended: `exited with status 0`, `killed by SIGSEGV`."""
    kind, status = summary["exit"]["kind"], summary["exit"]["status"]
    if kind == "exited" and status is not None:
        return "exited with status %s" % status
    if kind == "signalled" and status is not None:
        return "killed by %s" % signal_name(status)
    if summary.get("attached"):
        return "left running" if _is_left(summary) else "ended, how was not seen"
    if kind == "unknown" or status is None:
        return "how it ended was not seen"
    return "%s (%s)" % (visible(str(kind)), status)


def of_process(ended):
    """How one of several processes ended: `exited with status 0`. `ended`: kind, status."""
    kind, status = ended["kind"], ended["status"]
    if kind == "exited" and status is not None:
        return "exited with status %d" % status
    if kind == "signalled" and status is not None:
        return "was killed by %s" % signal_name(status)
    return "ran on" if kind in ("running", "detached") else "ended in a way that was not seen"


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %s" % number


def repeat(summary):
    return "brkpoint -p %s" % summary["attached"]["pid"]


def what_live_means(summary):
    """What `leaked` stands for, and from when the sums of memory count."""
    if summary["exit"]["kind"] == "signalled":
        return "bytes asked for; leaked: live when it was killed, leaked or not"
    if not summary.get("attached"):
        return "bytes asked for; leaked: live at the end"
    end = "live when it was left, leaked or not" if _is_left(summary) else "live at the end"
    return "bytes asked for since the attach; leaked: " + end


def memory_line(summary, most, left):
    """Peak and end in a sentence; None where the usual one holds."""
    if summary["exit"]["kind"] == "signalled":
        return "At most %s live at once; %s live when it was killed." % (most, left)
    if not summary.get("attached"):
        return None
    end = "when it was left" if _is_left(summary) else "at the end"
    return "Since the attach: at most %s live at once; %s live %s." % (most, left, end)
