"""Folded stacks, read as FlameGraph's own script reads them, and by speedscope."""

import re

import pytest

import made_exports
from exports.measures import MEASURES


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


def read(text):
    """[(frames, number)]: the line's last word is the number, `;` parts frames (flamegraph.pl)."""
    found = []
    for line in text.decode().splitlines():
        stack, number = re.fullmatch(r"(.*)\s+?(\d+(?:\.\d*)?)", line).groups()
        found.append((stack.split(";"), int(number)))
    return found


def wanted(path, measure):
    return {key: values[0] for key, values in made_exports.of(path, measure).items()}


@pytest.mark.parametrize("measure", MEASURES)
def test_the_sums_of_a_measure_are_those_of_the_trace(path, measure):
    text, _ = made_exports.export(path, "folded", measure)
    found = made_exports.by_roots(read(text))
    assert found == wanted(path, measure) and len(found) > 3


@pytest.mark.parametrize(
    "measure, column",
    [
        ("bytes", "allocated"),
        ("calls", "allocations"),
        ("peak", "peak_bytes"),
        ("live", "live_bytes"),
        ("temporary", "temporary_bytes"),
    ],
)
def test_one_wrong_number_is_seen(path, measure, column):
    text, _ = made_exports.export(made_exports.wrong(path, column), "folded", measure)
    assert made_exports.by_roots(read(text)) != wanted(path, measure)


def test_names_that_contain_separators_stay_one_frame(path):
    text, _ = made_exports.export(path, "folded")
    assert text.decode().replace("\n", "").isprintable()
    stacks = [frames for frames, _ in read(text)]
    assert {len(frames) for frames in stacks} == {5}
    inner = {frames[3] for frames in stacks}
    assert {"-1", "größer 漢字", "[u8: 32]::fmt 12", r"\x1b[31mred\x0aline\x0d\x09\x00"} <= inner
    long = [name for name in inner if name.startswith("MMMM")]
    assert len(long) == 2 and max(map(len, long)) <= 400  # two names, still two


@made_exports.needs("node", made_exports.SPEEDSCOPE)
def test_speedscope_finds_the_same_stacks(path, tmp_path):
    file = tmp_path / "a.folded"
    text, _ = made_exports.export(path, "folded")
    file.write_bytes(text)
    (profile,) = made_exports.speedscope(file)
    assert made_exports.by_roots(profile["stacks"]) == wanted(path, "bytes")
    assert sorted(map(tuple, (f for f, _ in profile["stacks"]))) == sorted(
        {tuple(f) for f, _ in read(text)}
    )
