"""Which of several programs a report is about, and why, in words."""

from __future__ import annotations

from alloctrace.escape import visible
from reports import endings
from reports.sentences import count, grouped, listed, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 40  # characters of a name
_CHAIN = 3  # programs before it that are named


def says(summary: dict[str, Any]) -> list[str]:
    """Sentences at the top of a report; [] where there was one program only."""
    over, asked = summary["sums_over"], summary["asked_for"]
    if over["what"] == "all":
        what = "what a process holds at its end counts as live until the last one ends."
        return ["%s together; %s" % (_all(over), what)]
    if over["what"] == "several":
        what = "About %s together; the peak is the largest of one of them."
        return [what % _several(summary["processes"], over), _others(summary["processes"], over)]
    if not over["others"]:
        return []
    return [
        _asked(over, asked) if _is_asked(over, asked) else _one(over),
        _ended(summary["processes"], over),
        _copies(summary["processes"], over),
        _others(summary["processes"], over),
    ]


def _ended(processes: list[dict[str, Any]], over: dict[str, Any]) -> str:
    """Of another than the first one, of whose end the report speaks anyway."""
    mine = next((row for row in processes[1:] if row["pid"] == over["pid"]), None)
    if mine is None or mine["programs"][-1]["image"] != over["image"]:
        return ""
    return "It %s." % endings.of_process(mine["exit"])


def _is_asked(over: dict[str, Any], asked: dict[str, Any]) -> bool:
    return asked is not None and (asked["pid"], asked["image"]) == (over["pid"], over["image"])


def _copies(processes: list[dict[str, Any]], over: dict[str, Any]) -> str:
    """Of one that was forked and did not exec."""
    mine = next((row for row in processes if row["pid"] == over["pid"]), None)
    first = mine and mine["programs"] and mine["programs"][0]
    if not mine or not first or first["began"] != "fork" or first["image"] != over["image"]:
        return ""
    copied = mine["copied"]
    if not copied["blocks"]:
        return "It was forked."
    blocks = count(copied["blocks"], "block"), size(copied["bytes"])
    return "It was forked, with copies of %s of its parent's (%s), which are not counted." % blocks


def _several(processes: list[dict[str, Any]], over: dict[str, Any]) -> str:
    """`5 processes called true`, `5 programs`."""
    known = {(member["pid"], member["image"]) for member in over["members"]}
    names = {
        short(program["name"] or "unknown")
        for process in processes
        for program in process["programs"]
        if (process["pid"], program["image"]) in known
    }
    if len(names) > 1 or over["programs"] != over["processes"]:
        return count(over["programs"], "program")
    return "%s called %s" % (count(over["processes"], "process", "processes"), *names)


def _all(over: dict[str, Any]) -> str:
    if over["processes"] > 1:
        return "All %s processes" % grouped(over["processes"])
    return "All %s that the process was, one exec after the other," % count(
        over["programs"], "program"
    )


def _one(over: dict[str, Any]) -> str:
    return "About %s (process %s)." % (title(over), over["pid"])


def _others(processes: list[dict[str, Any]], over: dict[str, Any]) -> str:
    """What is not in the numbers."""
    left = len(processes) - over["processes"]
    mine = {member["pid"] for member in over["members"]}
    known = {(member["pid"], member["image"]) for member in over["members"]}
    before = [
        program
        for process in processes
        for program in process["programs"]
        if process["pid"] in mine and (process["pid"], program["image"]) not in known
    ]
    parts = [count(left, "other process", "other processes")] if left else []
    if any(program["calls"] or program["syscalls"] for program in before):
        parts.append(
            "what it did before its last exec" if len(mine) == 1 else "what they did before"
        )
    return "Not in these numbers: %s (listed below)." % listed(parts) if parts else ""


def title(row: dict[str, Any]) -> str:
    """`sh build.sh`, `python3 (python3.11)`."""
    name, file = short(row["name"] or "unknown"), short(row["file"] or "")
    if row["script"]:
        return "%s %s" % (name, short(row["script"]))
    return name if file in (name, "") else "%s (%s)" % (name, file)


def short(text: str) -> str:
    """A name of the target's, fit for a sentence."""
    text = visible(text)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _asked(over: dict[str, Any], asked: dict[str, Any]) -> str:
    text = "The program that was asked for: %s, process %s" % (title(asked), asked["pid"])
    if asked["steps"]:
        text += ", started by %s" % _started(asked["steps"])
    return text + "."


def _started(steps: list[dict[str, Any]]) -> str:
    """`the shell script python3 through 3 execs`, `timeout, which started nothing else`."""
    execs = sum(step["how"] == "exec" for step in steps)
    named = list(dict.fromkeys(map(_by, steps)))
    script = next((_by(step) for step in steps if step["script"]), named[0])
    text = listed(named) if len(named) <= _CHAIN else script
    if execs > 1 or len(named) > _CHAIN:
        text += " through %s" % count(len(steps), "exec" if execs == len(steps) else "step")
    reasons = [_reason(step["why"]) for step in steps if step["why"]]
    return text + "".join(", " + reason for reason in list(dict.fromkeys(reasons))[-1:])


def _by(step: dict[str, Any]) -> str:
    if step["script"]:
        return "the script %s" % short(step["script"])
    return short(step["name"] or "unknown")


def _reason(why: dict[str, float]) -> str:
    if why.get("only"):
        return "which started nothing else"
    again = ", started %d times" % why["tries"] if "tries" in why else ""
    if why["share"] >= 1:
        return "which left all calls to it" + again
    return "which left %d %% of the calls to it" % (100 * why["share"]) + again
