"""pprof: decoded with the published proto, checked as its reader does, and read by pprof itself."""

import gzip
import json
import os
import re
from collections import Counter, defaultdict

import pytest

import made_exports
from alloctrace import measure
from alloctrace.trace import trace
from exports import protobuf

FOLDER = "/usr/share/gocode/src/github.com/google/pprof/proto"
TYPES = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]
MEASURES = ("calls", "bytes", "blocks", "live")
decoded = made_exports.needs("protoc", FOLDER)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


def profile_of(path):
    text, _ = made_exports.export(path, "pprof")
    raw = gzip.decompress(text)
    return made_exports.protoc(raw, FOLDER, "profile.proto", "perftools.profiles.Profile")


def labels(profile, sample):
    """{key: text}, each once."""
    texts = profile["string_table"]
    pairs = [(texts[label["key"][0]], texts[label["str"][0]]) for label in sample["label"]]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def by_labels(profile):
    found = defaultdict(Counter)
    for sample in profile["sample"]:
        said = labels(profile, sample)
        found[said["phase"], said["origin"]].update(dict(zip(MEASURES, sample["value"])))
    return {key: tuple(values[name] for name in MEASURES) for key, values in found.items()}


@decoded
def test_the_sums_by_phase_and_origin_are_those_of_the_trace(path):
    assert by_labels(profile_of(path)) == made_exports.of(path, *MEASURES)


@decoded
@pytest.mark.parametrize("column", ["allocations", "allocated", "live_blocks", "live_bytes"])
def test_one_wrong_number_is_seen(path, column):
    wrong = made_exports.wrong(path, column)
    assert by_labels(profile_of(wrong)) != made_exports.of(path, *MEASURES)


def by_thread(profile):
    """{thread: values}, and of what has none: None."""
    found = defaultdict(Counter)
    for sample in profile["sample"]:
        tid = labels(profile, sample).get("thread")
        found[tid and int(tid)].update(dict(zip(MEASURES, sample["value"])))
    return {tid: tuple(values[name] for name in MEASURES) for tid, values in found.items()}


def counted(path):
    """{thread: values}, of events one by one."""
    found, live = defaultdict(Counter), {}
    with trace.open(path) as recorded:
        for event in recorded.events():
            if event.block is None or event.outer is not None:
                continue
            if measure.frees(event) or event.block in live:
                tid, size = live.pop(event.block)
                found[tid].update(blocks=-1, live=-size)
            if measure.hands_out(event):
                size = event.size * (event.nmemb or 1)
                live[event.block] = event.tid, size
                found[event.tid].update(calls=1, bytes=size, blocks=1, live=size)
    return {tid: tuple(values[name] for name in MEASURES) for tid, values in found.items()}


@decoded
def test_each_sample_has_its_thread(path):
    found = by_thread(profile_of(path))
    assert found == counted(path) and len(found) == 2


@decoded
def test_where_events_do_not_add_up_no_thread_is_named(path):
    """Sums stay those of the trace."""
    wrong = made_exports.wrong(path, "live_bytes")
    found, right = by_thread(profile_of(wrong)), by_thread(profile_of(path))
    assert set(found) == {None, *right} and found[None][0] > 0
    added = [sum(column) for column in zip(*found.values())]
    assert added == [a + b for a, b in zip(map(sum, zip(*right.values())), (0, 0, 0, 1))]


@decoded
def test_it_is_what_readers_insist_on(path):
    """profile.CheckValid of github.com/google/pprof."""
    profile = profile_of(path)
    texts = profile["string_table"]
    assert texts[0] == "" and all(text.isprintable() for text in texts)
    assert [texts[type_["type"][0]] for type_ in profile["sample_type"]] == TYPES
    ids = {}
    for name in ("mapping", "location", "function"):
        ids[name] = [one["id"][0] for one in profile[name]]
        assert ids[name] and 0 not in ids[name] and len(set(ids[name])) == len(ids[name])
    for sample in profile["sample"]:
        assert len(sample["value"]) == 4 and set(sample["location_id"]) <= set(ids["location"])
        assert set(labels(profile, sample)) <= set(
            "phase origin owner purpose call pid thread".split()
        )
    for location in profile["location"]:
        assert set(location["mapping_id"]) <= {*ids["mapping"], 0}
        for line in location["line"]:
            assert line["function_id"][0] in ids["function"]
    for mapping in profile["mapping"]:
        assert mapping["memory_start"][0] < mapping["memory_limit"][0]
        assert mapping["has_functions"] == mapping["has_inline_frames"] == ["true"]


@decoded
def test_inlined_functions_are_lines_of_one_location(path):
    profile = profile_of(path)
    texts = profile["string_table"]
    names = {one["id"][0]: texts[one["name"][0]] for one in profile["function"]}
    places = {one["id"][0]: one for one in profile["location"]}
    sample = profile["sample"][0]
    inner, outer = (places[id_] for id_ in sample["location_id"])
    assert [names[line["function_id"][0]] for line in inner["line"]] == ["malloc"]
    assert [names[line["function_id"][0]] for line in outer["line"]] == ["main", "caller;of"]
    build_ids = [texts[one["build_id"][0]] for one in profile["mapping"] if one["build_id"]]
    assert build_ids == ["ab" * 20]
    within = {one["id"][0]: one for one in profile["mapping"]}[inner["mapping_id"][0]]
    assert within["memory_start"] <= inner["address"] < within["memory_limit"]


@made_exports.needs("go")
@pytest.mark.parametrize("name, measure", zip(TYPES, MEASURES))
def test_pprof_itself_counts_the_same(path, tmp_path, name, measure, monkeypatch):
    file = tmp_path / "a.pb.gz"
    file.write_bytes(made_exports.export(path, "pprof")[0])
    monkeypatch.setenv("PPROF_TMPDIR", str(tmp_path))
    words = ("-tags", "-unit=B", "-sample_index=" + name, str(file))
    told = made_exports.run("go", "tool", "pprof", *words).decode()
    wanted = Counter()
    for (phase, origin), (value,) in made_exports.of(path, measure).items():
        wanted["phase", phase] += value
        wanted["origin", origin] += value
    found = Counter()
    for section in told.split("\n\n"):
        key = section.split(":")[0].strip()
        if key in ("phase", "origin"):
            for value, text in re.findall(r"^ *(\d+)(?:\.0)?B? \([^)]*\): (\w+)$", section, re.M):
                found[key, text] += int(value)
    assert found == wanted


def by_npm(path, tmp_path):
    """What `pprof-format` of npm reads: (types, {(phase, origin): values}, texts of all)."""
    file = tmp_path / "a.pb.gz"
    file.write_bytes(made_exports.export(path, "pprof")[0])
    script = os.path.join(made_exports.HERE, "readers", "pprof.js")
    told = json.loads(made_exports.run("node", script, made_exports.PACKAGES, str(file)))
    found, texts = defaultdict(Counter), set()
    for sample in told["samples"]:
        key = sample["labels"]["phase"], sample["labels"]["origin"]
        found[key].update(dict(zip(MEASURES, map(int, sample["values"]))))
        texts.update(sample["functions"], sample["labels"].values())
    sums = {key: tuple(values[name] for name in MEASURES) for key, values in found.items()}
    return told["types"], sums, texts


@made_exports.needs("node", os.path.join(made_exports.PACKAGES, "pprof-format"))
def test_a_reader_of_npm_finds_the_same_sums(path, tmp_path):
    types, sums, texts = by_npm(path, tmp_path)
    assert types == TYPES and sums == made_exports.of(path, *MEASURES)
    assert {"caller;of", "größer 漢字", r"\x1b[31mred\x0aline\x0d\x09\x00"} <= texts
    for column in ("allocations", "live_bytes"):
        wrong = made_exports.wrong(path, column)
        assert by_npm(wrong, tmp_path)[1] != made_exports.of(path, *MEASURES)


@made_exports.needs("node", made_exports.SPEEDSCOPE)
def test_speedscope_opens_it(path, tmp_path):
    file = tmp_path / "a.pb.gz"
    file.write_bytes(made_exports.export(path, "pprof")[0])
    told = made_exports.speedscope(file)
    total = sum(value for (value,) in made_exports.of(path, "bytes").values())
    assert sum(weight for _, weight in told[0]["stacks"]) == total


@pytest.mark.parametrize(
    "value, raw",
    [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02"), (-1, b"\xff" * 9 + b"\1")],
)
def test_varints_are_those_of_the_specification(value, raw):
    assert protobuf.varint(value) == raw


def test_fields_are_those_of_the_specification():
    assert protobuf.number(1, 150) == b"\x08\x96\x01" and protobuf.number(1, 0) == b""
    assert protobuf.text(2, "testing") == b"\x12\x07testing"
    assert protobuf.numbers(6, [3, 270, 86942]) == b"\x32\x06\x03\x8e\x02\x9e\xa7\x05"
    assert protobuf.fixed64(1, 1) == b"\x09\1" + bytes(7)
