"""What a trace says about the run as a whole: one flat dict, the values fit for JSON."""

from __future__ import annotations

from collections import Counter

from alloctrace import fields, words
from . import regions, thread_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.history.history import History

MAX_KEPT = 1000  # of a list of forks, threads, signals
MAX_LIVES = 20000  # of what tells processes apart
_FEW = ("forks", "threads", "signals", "mains", "unseen", "unfollowed")
_MANY = ("children", "images", "exits", "ends")
_NUMBERS = frozenset(
    "pid tid parent image index t_ns status copied_blocks copied_bytes rss_bytes minor_faults"
    " major_faults mapped_bytes".split()
)
_TEXTS = frozenset("path kind name why".split())


def facts(history: History, outcome: dict[str, Any]) -> dict[str, Any]:
    """The run of `history`, completed by what the parent knows.

    `outcome` may hold: program (the path as given), command (argv, a list), exit ({"kind":
    "exited"|"signalled"|"detached"|"unknown", "status": N}), date (text), versions ({name: text}),
    notes, complete, and anything else that reports shall know. It wins over what the engine said.
    """
    from . import region_names  # only now: a report of a stored trace needs no files

    end = _plain(history.end or {})
    run = _plain(history.run)
    run.update(
        pid=fields.number(run, "pid", None),
        engine=fields.text(run, "engine"),
        program=_program(history),
        exit=_exit(end),
        complete=_complete(history),
        incomplete_because="; ".join(missing(history)) or None,
        events_lost=history.lost,
        programs_not_seen=len(history.unfollowed),
        events=len(history.events),
        cost=_plain(history.cost),
        process_at_end=end,
        cuts=cuts(history),
        purposes="examples" if history.has_many() else "each",
        regions=region_names.named(history),
        thread_names=history.thread_names,
    )
    if is_attached(run):
        run["unknown_ends"] = history.unknown_ends
    run.update(_not_followed(history))
    run.update(_calls(history))
    run.update((key, value) for key, value in outcome.items() if value is not None)
    run["complete"] = bool(run["complete"] and _complete(history))
    return run


def _program(history: History) -> str:
    return fields.text(history.images[0], "path") if history.images else ""


def is_attached(run: dict[str, Any]) -> bool:
    """Whether the program ran before the recording began: it may run on behind its end."""
    return run.get("mode") == "attached"


def _exit(end: dict[str, Any]) -> dict[str, Any]:
    """Only the parent knows the status: what the engine calls `exited` may have been a signal."""
    status = fields.signed(end, "status")
    known = end.get("kind") in ("exited", "signalled") and status is not None
    known = known or end.get("kind") == "detached"
    return {"kind": end["kind"] if known else "unknown", "status": status}


def _complete(history: History) -> bool:
    """Seen to its end: the engine was there, wrote its last record, and lost nothing."""
    return not missing(history)


_ENDS = {False: ("exited", "signalled"), True: ("exited", "signalled", "detached")}


def missing(history: History) -> list[str]:
    """What makes a history incomplete, as clauses for people; [] for a complete one."""
    found = []
    if history.end is None:
        found.append("the end of the run was not recorded")
    elif history.end.get("kind") not in _ENDS[is_attached(history.run)]:
        found.append("the engine stopped watching before the program ended")
    if history.cut_off:
        found.append("the last record was cut off")
    if history.lost:
        found.append("%d events were lost" % history.lost)
    if history.unfollowed:
        number = len(history.unfollowed)
        found.append("%d program%s not seen" % (number, " was" if number == 1 else "s were"))
    return found


def cuts(history: History) -> dict[str, int]:
    """{reason: distinct stacks that end before their outermost frame}."""
    from alloctrace.stacks.nodes import NodeStacks  # only now, as above

    if isinstance(history.stacks, NodeStacks):
        found = history.stacks.cuts()
    else:
        found = Counter(stack.cut for stack in history.stacks.values() if stack.cut)
    return {words.CUTS.get(cut) or "unknown reason %d" % cut: n for cut, n in sorted(found.items())}


def _not_followed(history: History) -> dict[str, Any]:
    lists: dict[str, Any] = {**_rows(history)}
    lists["made_code"] = min(history.made_code, (1 << 63) - 1)
    lists["children_not_followed"] = len(history.forks)
    return lists


def _calls(history: History) -> dict[str, Any]:
    if history.hooks:
        return {"calls_hooked": True, "unhooked": []}
    reason = "no allocator function was found to watch: only memory syscalls are recorded"
    return {"calls_hooked": False, "unhooked": [reason]}


_TYPES = {
    "program": str,
    "program_file": str,
    "mode": str,
    "until": str,
    "unknown_ends": int,
    "command": list,
    "engine": str,
    "why_engine": str,
    "purposes": str,
    "keep": str,
    "live_by_origin": dict,
    "complete": bool,
    "events_lost": int,
    "programs_not_seen": int,
    "events": int,
    "exit": dict,
    "peak": dict,
    "versions": dict,
    "cost": dict,
    "process_at_end": dict,
    "cuts": dict,
    "children_not_followed": int,
    "calls_hooked": bool,
    "unhooked": list,
    "unseen": list,
    "made_code": int,
    "also_watched": list,
    "hints": list,
    "forks": list,
    "children": list,
    "threads": list,
    "thread_names": list,
    "signals": list,
    "images": list,
    "exits": list,
    "ends": list,
    "peaks": list,
    "live_by_program": list,
    "mains": list,
    "unfollowed": list,
}
# Lists of objects, and the texts that each must have.
_ROWS = {
    "unseen": ("kind", "why"),
    "also_watched": ("name", "point", "from"),
    "hints": ("missing", "gives", "command"),
}
_OF_TEXT = ("command", "unhooked")
_ENDS_OF_RUN = ("exited", "signalled", "detached", "unknown")


def check(run: dict[str, Any]) -> None:
    """Raise ValueError where a stranger's run is not made as `facts` makes it."""
    for key, type_ in _TYPES.items():
        if key in run and not isinstance(run[key], type_):
            raise ValueError("run: %s is no %s" % (key, type_.__name__))
        if key in run and type_ is int and (isinstance(run[key], bool) or run[key] < 0):
            raise ValueError("run: %s is no count" % key)
    for key in ("date", "incomplete_because"):
        if not isinstance(run.get(key), (str, type(None))):
            raise ValueError("run: %s is no text" % key)
    for key in _OF_TEXT:
        if not all(isinstance(item, str) for item in run.get(key, ())):
            raise ValueError("run: %s holds no text" % key)
    for key, texts in _ROWS.items():
        for row in run.get(key, ()):
            if not (isinstance(row, dict) and all(isinstance(row.get(t), str) for t in texts)):
                raise ValueError("run: %s holds a malformed row" % key)
    for key in ("bytes", "seq", "t_ns"):
        value = run.get("peak", {}).get(key)
        if value is not None and (type(value) is not int or value < 0):
            raise ValueError("run: the peak's %s is not a number" % key)
    status = run.get("exit", {}).get("status")
    if run.get("exit", {}).get("kind", "unknown") not in _ENDS_OF_RUN:
        raise ValueError("run: exit has no kind")
    if run.get("keep", "all") not in ("all", "totals"):
        raise ValueError("run: keep is neither all nor totals")
    if status is not None and type(status) is not int:
        raise ValueError("run: the exit status is not a number")
    if not _is_timeline(run.get("live_by_origin")):
        raise ValueError("run: live_by_origin is no timeline")
    for row in run.get("live_by_program") or ():
        if not isinstance(row, dict) or not _is_timeline(row):
            raise ValueError("run: live_by_program holds no timeline")
    regions.of_run(run)
    _check_rows(run)
    thread_names.check(run)
    if not all(isinstance(count, int) for count in run.get("cuts", {}).values()):
        raise ValueError("run: a count of cut stacks is not a number")


def _is_timeline(value: dict[str, Any] | None) -> bool:
    """None, or what stages.by_origin gives: columns of whole numbers, all of one length."""
    if value is None:
        return True
    live = value.get("live_bytes")
    if not isinstance(live, dict) or not set(live) <= set(words.ORIGINS):
        return False
    lists = [value.get("seq"), value.get("t_ns"), *live.values()]
    if not all(isinstance(column, list) and len(column) == len(lists[0]) for column in lists):
        return False
    return all(type(number) is int and number >= 0 for column in lists for number in column)


def _rows(history: History) -> dict[str, list[dict[str, Any]]]:
    """{name: rows} of what a run says of its processes, programs and threads."""
    found = {name: list(map(_kept, getattr(history, name)[:MAX_KEPT])) for name in _FEW}
    found.update((name, list(map(_kept, getattr(history, name)[:MAX_LIVES]))) for name in _MANY)
    return found


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """What of a spool's record is text or a number: the rest is a stranger's."""
    return {
        key: value[: fields.MAX_TEXT] if isinstance(value, str) else value
        for key, value in data.items()
        if value is None or isinstance(value, (str, int))
    }


def _kept(data: dict[str, Any]) -> dict[str, Any]:
    """As _plain, with the words of its command, and without what is not as its name says."""
    row = {key: value for key, value in _plain(data).items() if _fits(key, value)}
    command = data.get("command")
    if isinstance(command, list):
        row["command"] = [word[: fields.MAX_TEXT] for word in command if isinstance(word, str)]
    return row


def _fits(key: str, value: int | str | None) -> bool:
    if value is None:
        return True
    if key in _NUMBERS:
        return fields.number({key: value}, key, None) is not None
    return isinstance(value, str) or key not in _TEXTS and key != "command"


def _check_rows(run: dict[str, Any]) -> None:
    """Raise ValueError where a row is not as `_rows` makes it."""
    for name in _FEW + _MANY:
        for row in run.get(name, ()):
            if not isinstance(row, dict) or _kept(row) != row:
                raise ValueError("run: %s holds a malformed row" % name)
    if run.get("pid") is not None and fields.number(run, "pid", None) is None:
        raise ValueError("run: pid is no number of a process")
