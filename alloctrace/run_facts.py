"""What a trace says about the run as a whole: one flat dict, the values fit for JSON."""

from __future__ import annotations

from collections import Counter

from . import words

MAX_KEPT = 1000  # of a list of forks, threads, signals


def facts(history, outcome):
    """The run of `history`, completed by what the parent knows.

    `outcome` may hold: program (the path as given), command (argv, a list), exit ({"kind":
    "exited"|"signalled"|"unknown", "status": N}), date (text), versions ({name: text}), notes,
    complete, and anything else that reports shall know. It wins over what the engine said.
    """
    end = history.end or {}
    run = dict(history.run)
    run.update(
        pid=run.get("pid"),
        engine=run.get("engine") or "",
        program=_program(history),
        exit={"kind": _kind(end), "status": end.get("status")},
        complete=_complete(history),
        events_lost=history.lost,
        events=len(history.events),
        cost=dict(history.cost),
        process_at_end=end,
        cuts=cuts(history),
    )
    run.update(_not_followed(history))
    run.update(_calls(history))
    run.update(outcome)
    run["complete"] = bool(run["complete"] and _complete(history))
    return run


def _program(history):
    return history.images[0].get("path", "") if history.images else ""


def _kind(end):
    """Only the parent knows the status: what the engine calls `exited` may have been a signal."""
    known = end.get("kind") in ("exited", "signalled") and isinstance(end.get("status"), int)
    return end["kind"] if known else "unknown"


def _complete(history):
    """Seen to its end: the engine was there, wrote its last record, and lost nothing."""
    ended = history.end is not None and history.end.get("kind") in ("exited", "signalled")
    return ended and not history.cut_off and not history.lost


def cuts(history):
    """{reason: distinct stacks that end before their outermost frame}."""
    found = Counter(stack.cut for stack in history.stacks.values() if stack.cut)
    return {words.CUTS.get(cut, "unknown reason %d" % cut): n for cut, n in sorted(found.items())}


def _not_followed(history):
    lists = {name: getattr(history, name)[:MAX_KEPT] for name in ("forks", "threads", "signals")}
    lists.update(images=history.images[:MAX_KEPT], mains=history.mains[:MAX_KEPT])
    lists["children_not_followed"] = len(history.forks)
    return lists


def _calls(history):
    if history.hooks:
        return {"calls_hooked": True, "unhooked": []}
    reason = "no allocator function was found to watch: only memory syscalls are recorded"
    return {"calls_hooked": False, "unhooked": [reason]}


_TYPES = {
    "program": str,
    "command": list,
    "engine": str,
    "complete": bool,
    "events_lost": int,
    "events": int,
    "exit": dict,
    "versions": dict,
    "cost": dict,
    "process_at_end": dict,
    "cuts": dict,
    "children_not_followed": int,
    "calls_hooked": bool,
    "unhooked": list,
    "forks": list,
    "threads": list,
    "signals": list,
    "images": list,
    "mains": list,
}
_OF_TEXT = ("command", "unhooked")


def check(run):
    """Raise ValueError where a stranger's run is not made as `facts` makes it."""
    for key, type_ in _TYPES.items():
        if key in run and not isinstance(run[key], type_):
            raise ValueError("run: %s is no %s" % (key, type_.__name__))
    for key in _OF_TEXT:
        if not all(isinstance(item, str) for item in run.get(key, ())):
            raise ValueError("run: %s holds no text" % key)
    status = run.get("exit", {}).get("status")
    if not isinstance(run.get("exit", {}).get("kind", ""), str):
        raise ValueError("run: exit has no kind")
    if status is not None and not isinstance(status, int):
        raise ValueError("run: the exit status is no number")
    if not all(isinstance(count, int) for count in run.get("cuts", {}).values()):
        raise ValueError("run: a count of cut stacks is no number")
