"""Real runs of several processes: each one's phases, peak and end, beside what others say."""

import json
import signal

import launching
import pytest
import recorder_runs
import verbs
from recorder_runs import NOT_BUILT, alone, probe

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


def run(folder, *words, status=0, options=()):
    """(what it printed, its report)."""
    options = [b"--engine", b"recorder", b"--quiet", *options]
    words = [word.encode() for word in words]
    watched = launching.watched(*words, options=options, trace=folder / "t.brkpoint")
    done = launching.run(watched)
    assert done.status == status, done.err
    return done.out.decode(), report(folder)


def report(folder, *options):
    path = str(folder / "t.brkpoint")
    return json.loads(verbs.said("report", path, "--json", *options))


def programs(record):
    return [(row, program) for row in record["processes"] for program in row["programs"]]


def test_phases_are_within_the_life_of_their_program(tmp_path):
    """Also where processes run beside each other: every time lies between exec and end."""
    script = "/bin/true; ls / | sort | wc -l; (cat /dev/null | cat | cat) & wait; exec /bin/true"
    _, record = run(tmp_path, "/bin/sh", "-c", script)
    looked = 0
    for row, program in programs(record):
        assert row["exit"] == {"kind": "exited", "status": 0}
        reached = [phase for phase in program["phases"] if phase["reached"]]
        if program["began"] == "fork":
            continue
        times = [t for phase in reached for t in (phase["start_ns"], phase["end_ns"])]
        times = [program["began_ns"], *times, program["ended_ns"]]
        times = [time for time in times if time is not None]
        assert times == sorted(times) and times[-1] > 0
        assert [phase["phase"] for phase in reached][:3] == ["load", "init", "main"]
        assert "no initialiser" not in reached[1]["how"]
        assert 0 < reached[0]["mapped_bytes_grown"] < 1 << 26
        looked += 1
    assert looked == 9
    last = record["processes"][0]["programs"][-1]
    assert last["name"] == "true" and last["phases"][0]["start_ns"] > last["began_ns"]
    assert record["asked_for"]["name"] == "true"


def test_how_each_ended_is_what_wait_said(tmp_path):
    """A signal is known where the kernel tells whoever did not wait (Linux 6.15), or we came first;
    else it is unknown, and never taken for an exit."""
    out, record = run(tmp_path, probe("family.c"), "ends")
    said = {int(pid): (kind, int(n)) for pid, kind, n in map(str.split, out.splitlines())}
    rows = {row["pid"]: row["exit"] for row in record["processes"][1:]}
    assert set(rows) == set(said) and len(said) == 5
    for pid, (kind, number) in said.items():
        found = rows[pid]["kind"], rows[pid]["status"]
        assert found == (kind, number) or (kind == "signalled" and found == ("unknown", None))
    assert {number for kind, number in said.values() if kind == "exited"} == {3, 9, 41}
    assert ("signalled", signal.SIGKILL) in said.values()


def test_a_peak_is_of_one_process(tmp_path):
    """Parent and child never hold at one time, in one process, what they hold together."""
    _, record = run(tmp_path, probe("family.c"), "peaks")
    mother, child = record["processes"]
    user = [row["programs"][0]["peak"]["by_origin"]["user"] for row in (mother, child)]
    assert user == [10007 + 5003, 20011]
    assert record["peak"]["by_origin"]["user"] == 10007 + 20011
    loader = mother["peak_bytes"] - user[0]
    assert child["copied"] == {"blocks": mother["leaked"]["blocks"] + 1, "bytes": loader + 10007}
    one = report(tmp_path, "--process", str(child["pid"]))
    assert one["peak_bytes"] == child["peak_bytes"] == 20011
    assert record["peak_bytes"] == report(tmp_path, "--process", "all")["peak_bytes"]


def test_a_program_that_execs_itself(tmp_path):
    _, record = run(tmp_path, probe("family.c"), "again", "3")
    (row,) = record["processes"]
    assert [program["name"] for program in row["programs"]] == ["family"] * 4
    peaks = [program["peak"]["by_origin"].get("user") for program in row["programs"]]
    assert peaks == [1003, 1002, 1001, 1000]
    assert [program["ended_by_exec"] for program in row["programs"]] == [True] * 3 + [False]
    last = report(tmp_path, "--process", str(row["pid"]))
    assert last["sums_over"]["image"] == record["asked_for"]["image"] == 3
    assert sum(program["calls"] for program in row["programs"]) == record["causes"]["calls"]


def test_only_the_events_of_a_process(tmp_path):
    _, record = run(tmp_path, probe("family.c"), "peaks")
    pids = [row["pid"] for row in record["processes"]]
    path = str(tmp_path / "t.brkpoint")
    for row in record["processes"]:
        words = ["events", path, "--json", "--stacks", "ids", "--pid", str(row["pid"])]
        lines = verbs.said(*words).splitlines()[1:]
        events = [json.loads(line) for line in lines if '"seq"' in line]
        assert {event["pid"] for event in events} == {row["pid"]}
        calls = [e for e in events if e["kind"] == "call" and e["outer"] is None]
        assert len(calls) == row["calls"] > 0
    assert verbs.said("events", path, "--pid", str(max(pids) + 1)) == ""


def test_breakpoints_follow_the_first_and_its_execs(tmp_path):
    """And say that they do not follow the others."""
    script = "/bin/true; exec env /bin/true"
    options = [b"--engine", b"breakpoints", b"--quiet"]
    words = [b"/bin/sh", b"-c", script.encode()]
    trace = tmp_path / "t.brkpoint"
    assert launching.run(launching.watched(*words, options=options, trace=trace)).status == 0
    record = report(tmp_path)
    (row,) = record["processes"]
    assert [program["name"] for program in row["programs"]] == ["sh", "env", "true"]
    assert [program["ended_by_exec"] for program in row["programs"]] == [True, True, False]
    assert record["asked_for"]["name"] == "true"
    assert [r["kind"] for r in record["not_seen"]][0] == "children"
    for program in row["programs"]:
        load = program["phases"][0]
        assert program["began_ns"] <= load["start_ns"] < load["end_ns"]


def test_no_such_process(tmp_path):
    run(tmp_path, probe("family.c"), "peaks")
    words = [launching.BRKPOINT, "report", str(tmp_path / "t.brkpoint"), "--process", "nobody"]
    done = alone(words)
    assert (done.status, done.out) == (2, b"")
    assert b"no process is called nobody; there are family" in done.err
