"""The sums of some events of a run: against those of each event; and `report --seq`, `--tid`."""

import pytest

import made_fates
import verbs
from alloctrace import measure
from alloctrace.columns.group_table import SUMS
from alloctrace.history import ranges
from alloctrace.summary import summary
from alloctrace.trace import trace
from reports.page import replay

NAMES = ("peak", "left", "temporary")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_fates.write(str(tmp_path_factory.mktemp("ranges") / "a.brkpoint"))


def counted(recorded, counts):
    """[allocated, at the peak, left, temporary, reached], event by event."""
    events = list(recorded.events())
    became = replay.of(events, summary.summarise(recorded))
    calls = [events[event.cause] for event in events if event.cause is not None]
    reached = {call.seq if call.outer is None else call.outer for call in calls}
    mine = [event for event in filter(measure.hands_out, events) if counts(event)]
    sums = [sum(became[name][event.seq] for event in mine) for name in NAMES]
    return [sum(map(measure.bytes_asked, mine)), *sums, sum(e.seq in reached for e in mine)]


def told(recorded):
    names = ("bytes", "peak_bytes", "live_bytes", "temporary_bytes", "calls_reaching_kernel")
    sites = summary.summarise(recorded)["sites"]
    return [sum(row[name] for row in sites) for name in names]


@pytest.mark.parametrize(
    "first, last, tid",
    [(0, 99999, None), (0, 700, None), (300, 1400, 77), (1200, 1300, None), (5, 5, 78)],
)
def test_sums_of_a_range_are_those_of_its_events(path, first, last, tid):
    with trace.open(path) as recorded:
        of = ranges.OfRange(recorded, first, last, tid)
        wanted = counted(recorded, lambda e: first <= e.seq <= last and tid in (None, e.tid))
        assert not of.unknown
        assert told(of) == wanted


def test_all_events_have_the_sums_of_the_trace(path):
    with trace.open(path) as recorded:
        of, groups = ranges.OfRange(recorded, 0, 99999).sums().groups, recorded.sums().groups
        for name in SUMS:
            assert list(of.sums[name]) == list(groups.sums[name]), name


@pytest.mark.parametrize("name", ["live_bytes", "temporary_bytes", "peak_bytes", "reached"])
def test_twin_what_does_not_add_up_is_not_known(path, name):
    with trace.open(path) as recorded:
        recorded.sums().groups.sums[name][0] += 1
        assert ranges.OfRange(recorded, 3, 4).unknown == {name}


def report(path, *words):
    return verbs.run("report", path, *words)


def test_the_command_says_of_which_events_it_is(path):
    status, said, _ = report(path, "--by", "live", "--seq", "10-900", "--tid", "77")
    assert status == 0 and "Events 10 to 900, thread 77 alone: " in said
    status, said, _ = report(path, "--by", "live", "--seq", "10-900", "--markdown")
    assert status == 0 and "Events 10 to 900 alone: " in said
    assert "alone" not in report(path, "--by", "live")[1]  # twin


@pytest.mark.parametrize(
    "words, why",
    [
        (["--seq", "1-2"], "go with --by, --top, --tree or --stacks"),
        (["--tid", "7"], "go with --by, --top, --tree or --stacks"),
        (["--by", "live", "--seq", "9-3"], "invalid range of numbers"),
        (["--by", "live", "--seq", "99999-100000"], "events are numbered 0 to"),
        (["--by", "live", "--seq", "1-2", "--json"], "combined with --json"),
    ],
)
def test_what_makes_no_sense_is_one_line(path, words, why):
    status, said, error = report(path, *words)
    assert status == 2 and not said
    assert why in error and error.count("\n") == 1
