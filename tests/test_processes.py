"""Several processes in one run: each has its own row, and its own blocks."""

import json
from collections import Counter

import pytest
import recorder_runs
import verbs
from recorder_runs import NOT_BUILT, probe, recorded
from summary_fake import FakeTrace, call, syscall
from target_programs import brkpoint

from alloctrace.history import groups
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from reports import markdown, text
from test_history_c import SUMS, frames, sums

needs_recorder = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
IMAGES = [{"index": 0, "path": "/bin/sh"}, {"index": 1, "path": "/bin/ls"}, "odd", {"index": []}]


def family():
    """A shell (7), a child that became ls (8), and its child that did nothing (9)."""
    events = [
        call(1, size=10),
        call(2, size=20, tid=8),
        call(3, size=40, tid=8, image=1),
        syscall(4, tid=8, image=1),
        call(5, "free", ptr=0x3000, block=3, tid=8, image=1),
        call(6, size=80, tid=8, image=1),
    ]
    for event in events:
        event.pid = event.tid
    children = [{"pid": 8, "parent": 7}, {"pid": 9, "parent": 8}, "odd", {"pid": "odd"}]
    return FakeTrace(events, images=IMAGES[:2], children=children, pid=7)


def test_rows():
    rows = summarise(family())["processes"]
    names = ("pid", "parent", "program", "calls", "syscalls", "allocated_bytes", "live_bytes")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (7, None, "/bin/sh", 1, 0, 10, 10),
        (8, 7, "/bin/ls", 4, 1, 140, 80),
        (9, 8, "/bin/ls", 0, 0, 0, 0),
    ]


def test_a_strangers_lists_are_no_danger():
    odd = FakeTrace([call(1, size=1)], images=IMAGES, children=[{"pid": 7, "parent": 7}, 3], pid=7)
    assert [row["pid"] for row in summarise(odd)["processes"]] == [7]


def test_reports_show_several_and_not_one():
    several, one = family(), FakeTrace([call(1, size=10)], pid=7)
    page = text.render(summarise(several), several, events=False)
    assert "3 processes" in page and "ls" in page
    assert "## Processes" in markdown.render(summarise(several), several, False)
    page = text.render(summarise(one), one, events=False)
    assert "process" not in page.split("not seen")[0]
    assert "## Processes" not in markdown.render(summarise(one), one, False)


@needs_recorder
def test_a_shell_and_its_commands(tmp_path):
    path = str(tmp_path / "t.brkpoint")
    words = ["--engine", "recorder", "--quiet", "-o", path, "--", "/bin/sh", "-c"]
    done = brkpoint("run", *words, "/bin/ls / | /usr/bin/wc -l; /bin/true")
    assert done.returncode == 0, done.stderr
    report = json.loads(verbs.said("report", path, "--json"))
    programs = Counter((row["program"] or "").rsplit("/", 1)[-1] for row in report["processes"])
    assert programs["ls"] == programs["wc"] == programs["true"] == 1
    first = report["processes"][0]
    assert first["parent"] is None and all(
        row["parent"] == first["pid"] for row in report["processes"][1:]
    )
    assert sum(row["calls"] for row in report["processes"]) == report["causes"]["calls"]
    with trace.open(path) as opened:
        blocks = list(opened.blocks())
        assert sum(group.live_blocks for group in opened.sums().groups) == len(blocks) > 50
        assert sum(row["live_blocks"] for row in report["processes"]) == len(blocks)
        assert sum(row["live_bytes"] for row in report["processes"]) == sum(b.size for b in blocks)


@needs_recorder
@pytest.mark.parametrize("how", ["fork", "many", "vfork", "spawn", "system"])
def test_both_histories_count_the_blocks_of_a_family_alike(tmp_path, how):
    """What a child inherits is its parent's; what it allocates is its own, until it execs."""
    past = recorded(tmp_path, [probe("children.c"), how]).history
    c, python = past.packed.sums, groups.of_events(past.events)
    wanted = sums(c.groups, lambda group: frames(past, group.stack))
    found = sums(python.groups, lambda group: frames(past, group.stack))
    assert {row[0] for row in wanted} == {row[0] for row in found}
    at_peak = len(SUMS) - 2  # of the run: of all processes at one time, which is theirs to race for
    for row in [*wanted.values(), *found.values()]:
        row[at_peak] = None
    different = [key for key in wanted if wanted[key] != found[key]]
    assert not different, [(key[:6], wanted[key], found[key]) for key in different]
    assert sum(group.live_blocks for group in python.groups) == len(past.blocks)
