#!/usr/bin/python3
"""Records a case of tests/data/events: tests/record_events.py TRACE WHAT > NAME.json

All events of the trace, with their stacks and the purpose that each has now; WHAT says in a few
words what the program does. Look at each purpose, and correct `expect` where it should be another:
tests/test_purpose_events.py then holds what you wrote. Traces of a small program, please.
"""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from alloctrace.origin import program_facts  # noqa: E402  (needs the path above)
from alloctrace.trace import trace  # noqa: E402  (needs the path above)

MOST = 5000  # events of a case
_KEPT = (
    "seq", "kind", "name", "tid", "phase", "size", "nmemb", "align", "ptr", "result", "errno",
    "block", "outer", "cause", "args", "stack",
)  # fmt: skip
_USUAL = {"libc": "shared", "holds": [], "executable_mixed": False}


def case(recorded, what):
    """The case as text, a row a line. `recorded`: a Trace of one program."""
    events = list(recorded.events())
    if len(events) > MOST or {event.image for event in events} != {0}:
        sys.exit("record_events: a trace of one program and at most %d events, please" % MOST)
    frames, stacks = {}, {}
    for event in events:
        if event.stack:
            found = map(_frame, recorded.stack(event.stack))
            stacks[str(event.stack)] = [frames.setdefault(row, len(frames)) for row in found]
    parts = {
        "what": json.dumps(what),
        "facts": json.dumps(_facts(recorded, events)),
        "modules": json.dumps([_module(module) for module in recorded.modules]),
        "frames": _rows(frames, "[]"),
        "stacks": "{\n%s\n}" % ",\n".join('"%s": %s' % (id_, row) for id_, row in stacks.items()),
        "events": _rows(map(_event, events), "[]"),
    }
    return "{%s}\n" % ",\n".join('"%s": %s' % part for part in parts.items())


def _rows(rows, signs):
    return "%s\n%s\n%s" % (signs[0], ",\n".join(map(json.dumps, rows)), signs[1])


def _facts(recorded, events):
    """What is not as usual of the program."""
    has_main = any(border.phase == "main" for border in recorded.borders)
    history = SimpleNamespace(
        packed=None,
        events=events,
        modules=recorded.modules,
        mains=[{"image": 0}] if has_main else [],
        hooks={},
    )
    stacks = {event.stack: recorded.stack(event.stack) for event in events if event.stack}
    found = program_facts.of_images(history, stacks)[0]
    found["holds"] = sorted(found["holds"])
    return {name: value for name, value in found.items() if value != _USUAL[name]}


def _module(module):
    return {name: getattr(module, name) for name in ("path", "start", "end", "role")}


def _frame(frame):
    return frame.function, frame.module, frame.role, frame.inlined, frame.known


def _event(event):
    row = {name: getattr(event, name) for name in _KEPT}
    row = {name: value for name, value in row.items() if value not in (None, {}, ())}
    return {**row, "expect": event.purpose.text if event.purpose else None}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with trace.open(sys.argv[1]) as opened:
        sys.stdout.write(case(opened, sys.argv[2]))
