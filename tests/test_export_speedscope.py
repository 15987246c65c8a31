"""speedscope's format: valid by its own schema, and read by its own importer."""

import json
import os

import pytest

import made_exports
from exports.measures import MEASURES

SCHEMA = os.path.join(made_exports.SPEEDSCOPE, "file-format-schema.json")
opened = made_exports.needs("node", made_exports.SPEEDSCOPE)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


def imported(path, tmp_path):
    """{measure: {(phase, origin): sum}}, as speedscope has it."""
    file = tmp_path / "a.speedscope.json"
    file.write_bytes(made_exports.export(path, "speedscope")[0])
    told = made_exports.speedscope(file)
    names = {means: name for name, (_, means) in MEASURES.items()}
    # It puts the file's name in front of each profile's.
    found = {names[one["name"].split(" - ")[-1]]: one for one in told}
    for name, one in found.items():
        assert one["unit"] == ("bytes" if MEASURES[name][0] == "bytes" else "none")
    return {name: made_exports.by_roots(one["stacks"]) for name, one in found.items()}


def wanted(path):
    sums = {name: made_exports.of(path, name) for name in MEASURES}
    return {name: {key: v[0] for key, v in found.items()} for name, found in sums.items()}


@opened
def test_speedscopes_sums_are_those_of_the_trace_in_every_measure(path, tmp_path):
    assert imported(path, tmp_path) == wanted(path)


@opened
def test_one_wrong_number_is_seen(path, tmp_path):
    found = imported(made_exports.wrong(path, "peak_bytes"), tmp_path)
    assert [name for name in MEASURES if found[name] != wanted(path)[name]] == ["peak"]


@made_exports.needs(SCHEMA)
def test_it_is_valid_by_the_schema(path):
    jsonschema = pytest.importorskip("jsonschema")
    text, _ = made_exports.export(path, "speedscope")
    data = json.loads(text)
    with open(SCHEMA) as file:
        schema = json.load(file)
    jsonschema.validate(data, schema)
    del data["profiles"][0]["weights"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)


def test_a_profile_is_whole(path):
    text, _ = made_exports.export(path, "speedscope")
    data = json.loads(text)
    assert text.decode().replace("\n", "").isprintable()
    for profile in data["profiles"]:
        assert len(profile["samples"]) == len(profile["weights"]) > 0
        assert sum(profile["weights"]) == profile["endValue"]
        assert max(map(max, profile["samples"])) < len(data["shared"]["frames"])
