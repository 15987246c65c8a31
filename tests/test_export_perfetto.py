"""Perfetto's protobuf, decoded by protoc: what nests, the sums, phases, counters and flows."""

import os
from collections import Counter, defaultdict

import pytest

import made_exports
from alloctrace import measure
from alloctrace.trace import trace

BEGIN, END, COUNTER = 1, 2, 4
SYSCALLS = ("brk", "mmap", "munmap", "mremap", "mprotect", "madvise")
decoded = made_exports.needs("protoc")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


class Timeline:
    """The packets of a file, as a viewer takes them: by time, then in the file's order."""

    def __init__(self, path):
        raw, _ = made_exports.export(path, "perfetto")
        folder = os.path.join(made_exports.HERE, "readers")
        self.packets = made_exports.protoc(raw, folder, "perfetto.proto", "Trace")["packet"]
        self.texts, self.tracks = {}, {}
        events = []
        for packet in self.packets:
            assert packet["trusted_packet_sequence_id"] == [1]
            for interned in packet["interned_data"]:
                for rows in interned.values():
                    self.texts.update((row["iid"][0], row["text"][0]) for row in rows)
            for track in packet["track_descriptor"]:
                parent = track["parent_uuid"]
                assert not parent or parent[0] in self.tracks  # parents first
                self.tracks[track["uuid"][0]] = track
            for event in packet["track_event"]:
                assert event["track_uuid"][0] in self.tracks
                assert packet["sequence_flags"] == [2]
                events.append((packet["timestamp"][0], event))
        self.events = sorted(events, key=lambda pair: pair[0])

    def of(self, event):
        """(name, category, what it says of itself)."""
        said = {}
        for one in event["debug_annotations"]:
            number = one["uint_value"] or one["int_value"]
            value = number[0] if number else self.texts[one["string_value_iid"][0]]
            said[self.texts[one["name_iid"][0]]] = value
        category = self.texts[event["category_iids"][0]] if event["category_iids"] else None
        return self.texts[event["name_iid"][0]], category, said

    def slices(self):
        """Yield (event, begin, end, the slice around it or None), and check that they nest."""
        open_, found = defaultdict(list), []
        for t_ns, event in self.events:
            stack = open_[event["track_uuid"][0]]
            if event["type"] == [BEGIN]:
                row = [event, t_ns, None, stack[-1][0] if stack else None]
                stack.append(row)
                found.append(row)
            elif event["type"] == [END]:
                stack.pop()[2] = t_ns
        assert not any(open_.values()) and all(row[1] <= row[2] for row in found)
        return found

    def calls(self):
        """The slices of threads."""
        return [row for row in self.slices() if self.tracks[row[0]["track_uuid"][0]]["thread"]]


def totals(timeline):
    """As the table `totals`, without names: {(origin, phase, kind): (count, bytes)}."""
    found = defaultdict(Counter)
    for event, _, _, around in timeline.calls():
        name, origin, said = timeline.of(event)
        kind = "syscall" if name in SYSCALLS else "call"
        if kind == "syscall" or around is None:
            found[origin, said["phase"], kind].update(count=1, bytes=said.get("size", 0))
    return {key: (sums["count"], sums["bytes"]) for key, sums in found.items()}


def wanted(path):
    found = defaultdict(Counter)
    with trace.open(path) as recorded:
        for row in recorded.totals():
            key = row["origin"], row["phase"], row["kind"]
            found[key].update(count=row["count"], bytes=row["bytes"])
    return {key: (sums["count"], sums["bytes"]) for key, sums in found.items()}


@decoded
def test_slices_nest_and_their_sums_are_those_of_the_trace(path):
    assert totals(Timeline(path)) == wanted(path)


@decoded
def test_a_wrong_size_is_seen(path):
    assert totals(Timeline(made_exports.wrong_size(path))) != wanted(path)


@decoded
def test_what_a_call_made_lies_in_it(path):
    timeline = Timeline(path)
    with trace.open(path) as recorded:
        events = list(recorded.events())
    made = Counter()
    for event, _, _, around in timeline.calls():
        made[timeline.of(event)[0], timeline.of(around)[0] if around else None] += 1
    inside = [e.cause if e.kind == "syscall" else e.outer for e in events]
    assert made == Counter(
        (e.name, None if at is None else events[at].name) for e, at in zip(events, inside)
    )
    assert made["brk", "realloc"] == made["malloc", "calloc"] == made["mmap", None] == 4


@decoded
def test_a_block_is_a_flow_from_its_allocation_to_its_end(path):
    timeline = Timeline(path)
    flows = defaultdict(list)
    for event, _, _, around in timeline.calls():
        for id_ in event["flow_ids"]:
            flows[id_].append(timeline.of(event)[0]) if around is None else None
    with trace.open(path) as recorded:
        blocks = defaultdict(list)
        for event in recorded.events():
            if event.block is not None and measure.is_call(event):
                blocks[event.block].append(event.name)
    assert sorted(flows.values()) == sorted(blocks.values())
    assert ["malloc", "free"] in flows.values() and ["malloc", "realloc"] in flows.values()


@decoded
def test_phases_and_counters_have_their_tracks(path):
    timeline = Timeline(path)
    names = {uuid: track["name"][0] for uuid, track in timeline.tracks.items() if track["name"]}
    assert sorted(names.values()) == ["live bytes", "phases", "resident bytes"]
    phases = [row for row in timeline.slices() if names.get(row[0]["track_uuid"][0]) == "phases"]
    assert [timeline.of(row[0])[0] for row in phases] == ["phase " + p for p in made_exports.PHASES]
    assert all(before[2] == after[1] for before, after in zip(phases, phases[1:]))
    values = defaultdict(list)
    for _, event in timeline.events:
        if event["type"] == [COUNTER]:
            values[names[event["track_uuid"][0]]].append(event["counter_value"][0])
    with trace.open(path) as recorded:
        assert values["live bytes"] == [row[2] for row in recorded.sums().timeline]
        assert max(row[3] for row in recorded.sums().timeline) == recorded.run["peak"]["bytes"]
    assert values["resident bytes"] == [0, 4096, 8192, 12288]
    assert all(text.isprintable() for text in timeline.texts.values())
