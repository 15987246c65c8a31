"""Two traces of the same program, by two engines: are they the same, event by event?

Threads are matched in the order in which they first did something. Times, and on a system with
address randomisation addresses, differ by nature and are not compared; addresses are compared when
both runs had them fixed.
"""

from __future__ import annotations

from collections import defaultdict

_PLAIN = ("kind", "name", "impl", "size", "nmemb", "align", "errno", "phase", "image")


class Difference(Exception):
    """Where the two part, in words."""


def by_thread(events):
    """[[Event]] of each thread, threads in the order of their first event."""
    threads = defaultdict(list)
    for event in events:
        threads[event.tid].append(event)
    return list(threads.values())


def facts(trace, event, addresses):
    """{what: value} of all that must be equal, seq numbers and blocks aside."""
    found = {name: getattr(event, name) for name in _PLAIN}
    verdict, purpose = event.verdict, event.purpose
    if verdict is not None:
        found.update(
            origin=verdict.origin,
            owner=verdict.owner,
            via=verdict.via,
            direct=verdict.direct,
            rule=verdict.rule,
        )
    if purpose is not None:
        found["purpose"] = purpose.text
    found["args"] = {key: value for key, value in event.args.items()}
    found["stack"] = [(frame.module, frame.offset) for frame in trace.stack(event.stack)]
    found["cut"] = trace.cut(event.stack)
    if addresses:
        found["result"], found["ptr"] = event.result, event.ptr
    return found


def first_process(trace):
    """Its events: the breakpoint engine sees no others."""
    pid = trace.run.get("pid")
    return [event for event in trace.events() if event.pid == pid]


def differences(one, other, addresses=False, limit=10):
    """Sentences about what differs between two open traces; empty: nothing does."""
    threads = by_thread(first_process(one)), by_thread(first_process(other))
    found = []
    if len(threads[0]) != len(threads[1]):
        found.append("%d threads, %d threads" % tuple(map(len, threads)))
    for number, (left, right) in enumerate(zip(*threads)):
        found += _thread_differences(number, (one, left), (other, right), addresses)
        if len(found) >= limit:
            break
    return found[:limit]


def _thread_differences(number, one, other, addresses):
    (left_trace, left), (right_trace, right) = one, other
    positions = [{e.seq: i for i, e in enumerate(events)} for events in (left, right)]
    found = []
    if len(left) != len(right):
        found.append("thread %d: %d events, %d events" % (number, len(left), len(right)))
    for index, (a, b) in enumerate(zip(left, right)):
        pair = [facts(left_trace, a, addresses), facts(right_trace, b, addresses)]
        for facts_, event, at in zip(pair, (a, b), positions):
            facts_["cause"] = at.get(event.cause)
            facts_["outer"] = at.get(event.outer)
        parts = [key for key in pair[0] if pair[0][key] != pair[1].get(key)]
        for key in parts:
            text = "thread %d, event %d (%s %s): %s: %r, %r"
            found.append(text % (number, index, a.name, a.size, key, pair[0][key], pair[1].get(key)))
        if "name" in parts or "kind" in parts or len(found) > 10:
            break
    return found
