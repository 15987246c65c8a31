"""What `brkpoint run` tells the recorder: --clock, --keep."""

import json
from collections import Counter

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, probe
from target_programs import brkpoint

from alloctrace.trace import trace

needs_recorder = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
PROGRAM = ["deep.c", "down", "40", "1"]  # 83 blocks of its own


def run(folder, *options):
    """The path of the trace of PROGRAM."""
    path = str(folder / "t.brkpoint")
    command = [probe(PROGRAM[0]), *PROGRAM[1:]]
    words = ["--engine", "recorder", "--quiet", "--force", "-o", path]
    done = brkpoint("run", *words, *options, "--", *command)
    assert done.returncode == 0, done.stderr
    return path


@needs_recorder
@pytest.mark.parametrize(
    "word, every", [("every", 1), ("1", 1), ("7", 7), ("1000", 1000), (None, 16)]
)
def test_clock(tmp_path, word, every):
    with trace.open(run(tmp_path, *(["--clock", word] if word else []))) as recorded:
        assert recorded.run["clock_every"] == every
        events = [event for event in recorded.events() if event.kind == "call"]
    times = [event.t_ns for event in events]
    assert times == sorted(times) and len(events) > 180
    assert all(event.dur_ns is not None for event in events)
    if every == 1:  # each begin and each end is a stamp of its own
        assert len(set(times)) == len(times) and all(event.dur_ns > 0 for event in events)
        ends = [event.t_ns + event.dur_ns for event in events if event.outer is None]
        begins = [event.t_ns for event in events if event.outer is None]
        assert all(end <= begin for end, begin in zip(ends, begins[1:]))


def totals(path):
    done = brkpoint("report", path, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    counts = Counter({(r["origin"], r["phase"], r["name"]): r["count"] for r in report["totals"]})
    return report, counts


@needs_recorder
def test_keep_totals(tmp_path):
    whole, wanted = totals(run(tmp_path))
    path = run(tmp_path, "--keep", "totals")
    report, found = totals(path)
    assert found == wanted and found["user", "main", "malloc"] == 83
    assert (whole["keep"], report["keep"]) == ("all", "totals")
    for name in ("leaked", "temporary", "peak_bytes", "events", "causes"):
        assert report[name] == whole[name], name
    assert report["timeline"]["live_bytes"].keys() == whole["timeline"]["live_bytes"].keys()
    asked = (
        ["events", path],
        ["report", path, "--events"],
        ["sql", path, "select count(*) from events"],
    )
    for words in asked:
        done = brkpoint(*words)
        assert done.returncode not in (0, 1) and "--keep totals" in done.stderr, words
        assert len(done.stderr.splitlines()) == 1
    text = brkpoint("report", path).stdout
    assert "the events were not kept" in " ".join(text.split())
    assert "brkpoint events" not in text
    assert brkpoint("report", path, "--markdown").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--engine", "breakpoints", "--keep", "totals"],
        ["--engine", "breakpoints", "--clock", "every"],
        ["--engine", "recorder", "--clock", "0"],
        ["--engine", "recorder", "--clock", "often"],
        ["--engine", "recorder", "--clock", "65537"],
        ["--engine", "recorder", "--keep", "nothing"],
        ["--verify", "--keep", "totals"],
    ],
)
def test_wrong_usage(words):
    done = brkpoint("run", *words, "--", "/bin/true")
    assert done.returncode == 2 and "recorder" in done.stderr or words[-2] in done.stderr
