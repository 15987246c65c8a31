"""DHAT's file, read by valgrind's own viewer and by the Firefox profiler."""

import json
import os
import subprocess
import time

import pytest

import made_exports
import made_traces
from alloctrace import measure
from alloctrace.trace import trace
from exports import lifetimes

VIEWER = "/usr/libexec/valgrind/dh_view.js"
FIREFOX = os.path.join(
    made_exports.PACKAGES, "@firefox-devtools", "profiler-cli", "dist", "profiler-cli.js"
)
MEASURES = ("bytes", "calls", "peak", "live", "blocks")
FIELDS = ("bytes", "blocks", "peak", "end", "end_blocks")  # what the viewer calls them


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


def viewed(path, tmp_path):
    file = tmp_path / "dhat.json"
    file.write_bytes(made_exports.export(path, "dhat")[0])
    script = os.path.join(made_exports.HERE, "readers", "dhat.js")
    return json.loads(made_exports.run("node", script, str(file)))


def by_roots(told):
    leaves = [(leaf["frames"][:0:-1], leaf) for leaf in told["leaves"]]  # outermost first
    sums = [made_exports.by_roots((f, leaf[name]) for f, leaf in leaves) for name in FIELDS]
    return {key: tuple(found[key] for found in sums) for key in sums[0]}


@made_exports.needs("node", VIEWER)
def test_the_viewers_sums_are_those_of_the_trace(path, tmp_path):
    told = viewed(path, tmp_path)
    assert by_roots(told) == made_exports.of(path, *MEASURES)
    assert told["total"] == sum(v[0] for v in made_exports.of(path, "bytes").values())
    assert all(
        leaf["max"] >= leaf["peak"] and leaf["max"] >= leaf["end"] for leaf in told["leaves"]
    )


@made_exports.needs("node", VIEWER)
def test_a_wrong_size_is_seen(path, tmp_path):
    told = viewed(made_exports.wrong_size(path), tmp_path)
    assert by_roots(told) != made_exports.of(path, *MEASURES)


@made_exports.needs("node", VIEWER)
def test_lifetimes_are_those_of_the_events(path, tmp_path):
    """Of all blocks that ended, counted from the events one by one."""
    born, lived = {}, 0
    with trace.open(path) as recorded:
        for event in recorded.events():
            counts = event.block is not None and event.outer is None
            if counts and (measure.frees(event) or event.name == "realloc"):
                lived += event.t_ns - born.pop(event.block)
            if counts and measure.hands_out(event):
                born[event.block] = event.t_ns
    assert sum(leaf["lifetimes"] for leaf in viewed(path, tmp_path)["leaves"]) == lived > 0


def test_the_file_is_json_with_plain_names(path):
    text, said = made_exports.export(path, "dhat")
    assert text.decode().replace("\n", "").isprintable() and said == []
    frames = json.loads(text)["ftbl"]
    assert frames[0] == "[root]" and len(set(frames)) == len(frames)
    assert any("; 32]::fmt 12 (" in frame for frame in frames)


def test_a_peak_that_is_not_the_traces_is_said(path):
    other = made_traces.changed(
        path, """UPDATE run SET value = '{"bytes": 7}' WHERE key = 'peak'"""
    )
    assert "the trace says 7" in made_exports.export(other, "dhat")[1][0]


def test_what_happened_to_blocks_is_what_the_trace_counted(path):
    with trace.open(path) as recorded:
        happened = [what for what, *_ in lifetimes.replay(recorded)]
        groups = recorded.sums().groups
        assert happened.count(lifetimes.ALLOCATED) == sum(groups.sums["allocations"])
        assert happened.count(lifetimes.TEMPORARY) == sum(groups.sums["temporary_blocks"]) > 3
        ended = happened.count(lifetimes.FREED) + happened.count(lifetimes.TEMPORARY)
        assert len(happened) - 2 * ended == sum(groups.sums["live_blocks"])


def profiler(environment, *words):
    command = ["node", FIREFOX, *words, "--session", "brkpoint"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@made_exports.needs("node", FIREFOX)
def test_the_firefox_profiler_opens_it(path, tmp_path):
    file = tmp_path / "made.json"
    file.write_bytes(made_exports.export(path, "dhat")[0])
    environment = dict(os.environ, HOME=str(tmp_path))
    try:
        profiler(
            environment, "load", str(file)
        )  # it starts a daemon, and waits half a second for it
        until = time.monotonic() + 60
        while True:
            told = profiler(environment, "strategy", "native-allocations")
            if told.returncode == 0 or time.monotonic() > until:
                break
        told = profiler(environment, "thread", "samples-top-down")
    finally:
        subprocess.run(["node", FIREFOX, "stop", "brkpoint"], env=environment, capture_output=True)
    assert all("[phase %s]" % phase in told.stdout for phase in made_exports.PHASES), told
    assert "[origin loader]" in told.stdout
