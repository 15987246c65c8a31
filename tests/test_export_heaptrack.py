"""heaptrack's data, read by heaptrack_print: totals, peak, temporary and leaked are the trace's."""

import re
import subprocess

import pytest

import made_exports
import made_traces
from alloctrace.trace import trace
from exports import heaptrack

COSTS = {"allocations": "calls", "temporary": "temporary_blocks", "leaked": "live", "peak": "peak"}
opened = made_exports.needs("heaptrack_print")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


def printed(path, tmp_path, cost):
    """(stacks as heaptrack folds them by a cost, what it printed)."""
    file, stacks = tmp_path / "a.heaptrack", tmp_path / "stacks"
    file.write_bytes(made_exports.export(path, "heaptrack")[0])
    words = ["heaptrack_print", "--disable-builtin-suppressions", "-F", str(stacks)]
    words += ["--flamegraph-cost-type", cost, str(file)]
    done = subprocess.run(words, capture_output=True, timeout=300)
    assert done.returncode == 0 and b"failed to parse" not in done.stderr, done.stderr
    rows = (line.rsplit(" ", 1) for line in stacks.read_text().splitlines())
    return [(stack.split(";"), int(value)) for stack, value in rows], done.stdout.decode()


def wanted(path, measure):
    return {key: values[0] for key, values in made_exports.of(path, measure).items()}


def found(stacks):
    """By phase and origin; what is temporary by our meaning alone has a name and no place."""
    nameless = [value for frames, value in stacks if frames[0] == heaptrack._TEMPORARY]
    others = [(frames, value) for frames, value in stacks if frames[0] != heaptrack._TEMPORARY]
    sums = made_exports.by_roots(others)
    return {key: value for key, value in sums.items() if value}, sum(nameless)


@opened
@pytest.mark.parametrize("cost", COSTS)
def test_its_sums_are_those_of_the_trace(path, tmp_path, cost):
    stacks, _ = printed(path, tmp_path, cost)
    sums, nameless = found(stacks)
    right = wanted(path, COSTS[cost])
    if cost != "temporary":
        assert (sums, nameless) == (right, 0)
        return
    assert sum(sums.values()) + nameless == sum(right.values()) and nameless
    assert all(value <= right[key] for key, value in sums.items()) and sums


@opened
def test_a_wrong_size_is_seen(path, tmp_path):
    stacks, _ = printed(made_exports.wrong_size(path), tmp_path, "leaked")
    assert found(stacks)[0] != wanted(path, "live")


@opened
def test_what_it_prints_at_the_end_is_what_the_trace_says(path, tmp_path):
    _, told = printed(path, tmp_path, "peak")
    sums = {name: sum(wanted(path, name).values()) for name in COSTS.values()}
    calls = re.search(r"calls to allocation functions: (\d+)", told)[1]
    temporary = re.search(r"temporary memory allocations: (\d+)", told)[1]
    assert (int(calls), int(temporary)) == (sums["calls"], sums["temporary_blocks"])
    for text, name in (("peak heap memory consumption", "peak"), ("total memory leaked", "live")):
        value, unit = re.search(text + r": ([\d.]+)(K?)", told).groups()
        assert abs(float(value) * (1000 if unit else 1) - sums[name]) < 10, text
    assert "[phase main]" in told and "[origin user]" in told  # behind main, where it would end


def test_the_lines_are_as_its_reader_takes_them(path):
    text, _ = made_exports.export(path, "heaptrack")
    lines = text.decode().splitlines()
    assert lines[0] == "v 10400 3" and text.count(b"\nX ") == 1
    counts = dict.fromkeys("sita", 0)
    for line in lines[3:]:
        kind, *words = line.split(" ")
        if kind == "s":
            assert int(words[0], 16) == len(line.split(" ", 2)[2].encode())
            assert line.isprintable()
        else:
            assert all(re.fullmatch("[0-9a-f]+", word) for word in words), line
        numbers = [] if kind == "s" else [int(word, 16) for word in words]
        if kind == "t":
            assert 0 < numbers[0] <= counts["i"] and numbers[1] <= counts["t"]
        elif kind in "+-":
            assert numbers[0] < counts["a"]
        elif kind == "a":
            assert 0 < numbers[1] <= counts["t"]
        counts[kind] = counts.get(kind, 0) + 1


def test_kinds_that_are_forgotten_are_told_again(path, monkeypatch, tmp_path):
    monkeypatch.setattr(heaptrack, "MOST_KNOWN", 3)
    with trace.open(path) as recorded:
        calls = sum(recorded.sums().groups.sums["allocations"])
    text, said = made_exports.export(path, "heaptrack")
    assert text.count(b"\n+ ") == calls and said == []


def test_a_peak_that_is_not_the_traces_is_said(path):
    other = made_traces.changed(
        path, """UPDATE run SET value = '{"bytes": 7}' WHERE key = 'peak'"""
    )
    assert "the trace says 7" in made_exports.export(other, "heaptrack")[1][0]
