"""Regions that a program marks (docs/regions.md), in each format, by the tools that read it."""

import csv
import json
import os
from collections import Counter

import pytest

import made_exports
import made_traces
import test_export_dhat
import test_export_heaptrack
import test_export_perfetto
import test_export_pprof
import test_regions
from exports import regions, stacks
from making import make

# Bytes that the probe asks for in each, `?` where the name is no literal.
WANTED = {"outer": 2 * 4101, "inner": 4102, "outer/inner": 4103, "?": 4104}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    make("region")
    folder = tmp_path_factory.mktemp("regions")
    program, engine = test_regions.build(folder), test_regions.ENGINES[-1]
    return folder / os.path.basename(
        test_regions.traced(folder, engine, program, "nested", "nameless")
    )


def summed(pairs):
    """Bytes by region of (its path, bytes), of what lies in one."""
    found = Counter()
    for region, size in pairs:
        if region:
            found[region] += int(size)
    return dict(found)


def of_frames(stacks):
    """The same of (frames outermost first, bytes): regions are behind phase and origin."""
    pairs = []
    for frames, size in stacks:
        inside = [frame for frame in frames if frame.startswith("[region ")]
        assert frames[2 : 2 + len(inside)] == inside and frames[0].startswith("[phase ")
        pairs.append(("/".join(frame[8:-1] for frame in inside), size))
    return summed(pairs)


def by_tables(path, name):
    text = made_exports.export(path, name)[0].decode().splitlines()
    rows = map(json.loads, text) if name == "ndjson" else csv.DictReader(text)
    return summed((row["region"], row["size"]) for row in rows if row["name"] == "malloc")


@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_tables(path, name):
    assert by_tables(path, name) == WANTED


def test_twin_without_regions_there_are_none(path):
    without = made_traces.changed(path, "UPDATE groups SET region = 0")
    assert by_tables(without, "csv") == {}


def test_a_region_that_does_not_exist_is_damage(path):
    damaged = made_traces.changed(path, "UPDATE groups SET region = 9 WHERE region = 1")
    for name in made_exports.formats.NAMES:
        with pytest.raises(made_exports.trace.TraceError, match="damaged"):
            made_exports.export(damaged, name)


def test_folded(path):
    lines = made_exports.export(path, "folded")[0].decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines]
    assert of_frames((frames.split(";"), size) for frames, size in pairs) == WANTED


@made_exports.needs("node", made_exports.SPEEDSCOPE)
def test_speedscope(path, tmp_path):
    (tmp_path / "a.json").write_bytes(made_exports.export(path, "speedscope")[0])
    assert of_frames(made_exports.speedscope(tmp_path / "a.json")[0]["stacks"]) == WANTED


@made_exports.needs("node", test_export_dhat.VIEWER)
def test_dhat(path, tmp_path):
    leaves = test_export_dhat.viewed(path, tmp_path)["leaves"]
    assert of_frames((leaf["frames"][:0:-1], leaf["bytes"]) for leaf in leaves) == WANTED


@test_export_heaptrack.opened
def test_heaptrack(path, tmp_path):
    """It folds counts of allocations, and no bytes."""
    stacks, _ = test_export_heaptrack.printed(path, tmp_path, "allocations")
    found = of_frames(pair for pair in stacks if pair[0][0].startswith("[phase "))
    assert found == {"outer": 2, "inner": 1, "outer/inner": 1, "?": 1}


@test_export_pprof.decoded
def test_pprof(path):
    profile, pairs = test_export_pprof.profile_of(path), []
    for sample in profile["sample"]:
        said = test_export_pprof.labels(profile, sample)
        pairs.append((said.get("region"), sample["value"][1]))
    assert summed(pairs) == WANTED


@test_export_perfetto.decoded
def test_perfetto(path):
    timeline = test_export_perfetto.Timeline(path)
    said = [timeline.of(row[0]) for row in timeline.calls()]
    sizes = [(about.get("region"), about["size"]) for name, _, about in said if name == "malloc"]
    assert summed(sizes) == WANTED


class Deep:
    """A stranger's run: each region in the one before."""

    run = {"regions": [{"id": n, "parent": n - 1, "name": "r" * 99} for n in range(1, 3000)]}


def test_a_chain_of_many_regions_is_no_longer_than_a_name():
    named = regions.Named(Deep)
    texts = named.path(2998), named.path(2999)
    assert texts[0] != texts[1] and max(map(len, texts)) <= stacks.LONGEST
    assert len(named.of(2999)) == 2999 and named.path(2) == "/".join(["r" * 99] * 2)
