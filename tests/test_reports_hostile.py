"""A stranger's trace: whatever the run says of itself, a report is made and steers nothing."""

from __future__ import annotations

import json
import random
import re

import pytest

from alloctrace.model import Border, Purpose, Verdict
from alloctrace.summary.summary import summarise
from reports import json_report, markdown, text
from summary_fake import FakeTrace, call, frame, syscall

ODD = [None, "", "\x1b[2J", "\udcff", "\u202e", 0, -1, 1 << 63, 1 << 64, True, 1.5, [], {}]
ODD += [["\n"], {"stops": "x", "engine_ns": None, "\x1b": []}, {"kind": "\x1b", "status": 1 << 70}]

# run_facts.check refuses a trace whose run has another type here.
TYPES = {"program": str, "command": list, "engine": str, "complete": bool, "events_lost": int}
TYPES.update(exit=dict, versions=dict, cost=dict, process_at_end=dict, unhooked=list)
TYPES.update(children_not_followed=int, calls_hooked=bool)
FREE = ("date", "incomplete_because", "pid", "gdb", "anything")


def odd_run(random_):
    run = {key: random_.choice(ODD) for key in FREE if random_.random() < 0.7}
    for key, type_ in TYPES.items():
        fitting = [value for value in ODD if type(value) is type_]
        run[key] = random_.choice(fitting) if fitting else type_()
    run["command"] = [str(value) for value in random_.sample(ODD, 3)]
    run["exit"] = {
        "kind": random_.choice(["exited", "\x1b"]),
        "status": random_.choice([0, 1 << 70]),
    }
    return run


def odd_events(random_):
    def pick(*values):
        return random_.choice(values)

    verdict = Verdict("runtime", "\x1b", ("\n",), False, pick(None, 0, 99), "\x1b", "", "\x1b")
    for seq in range(20):
        more = {
            "errno": pick(None, 0, 12, 1 << 40),
            "stack": pick(0, 1, 9),
            "block": pick(None, 1, 7),
        }
        more.update(dur_ns=pick(None, 0), result=pick(None, 0, 1 << 63), ptr=pick(None, 0, 9))
        more.update(verdict=pick(None, verdict), purpose=pick(None, Purpose("\x1b\n|`")))
        if random_.random() < 0.7:
            name = pick("malloc", "free", "realloc", "calloc", "\x1b")
            nmemb, outer = pick(None, 0, 1 << 63), pick(None, 0, seq + 1, seq)
            yield call(seq, name, pick(None, 0, 1 << 63), nmemb=nmemb, outer=outer, **more)
        else:
            yield syscall(seq, "mmap", pick(None, -1, 1 << 63), cause=pick(None, 0, seq), **more)


@pytest.mark.parametrize("seed", range(60))
def test_any_run_is_rendered_and_steers_nothing(seed):
    random_ = random.Random(seed)
    stacks = {1: (frame("\x1b|`\n", file="\x1b", line=1), frame(None))}
    borders = [Border("main", 5, "\x1b\n", image) for image in (0, 3, 1 << 40)]
    notes = ["\x1b\u202e\n"]
    trace = FakeTrace(list(odd_events(random_)), borders, stacks, notes, **odd_run(random_))
    trace.path = "\x1b.brkpoint"
    record = summarise(trace)
    pages = [text.render(record, trace, 80, events=view) for view in (True, False)]
    pages.append(markdown.render(record, trace, True))
    for page in pages:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", page)
    json.loads(json_report.render(record))
