"""The recorder and the breakpoint engine see the same: event by event, on every target and on real
programs, with addresses, stacks, origins, purposes and causes (alloctrace/trace/same.py).

Each program runs once under each engine; what must differ is listed, with its reason. In gdb the
targets run once for all tests.
"""

import os
import shutil
import subprocess
from collections import Counter
from resource import RLIMIT_STACK, setrlimit

import pytest
import recorder_runs
import target_programs
import target_recordings
from target_programs import ROOT, brkpoint

from alloctrace import words
from alloctrace.trace import same, trace

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)

PROGRAMS = {program.name: program.command for program in target_programs.programs()}
FOUND = {
    "ls": ["/bin/ls", "/"],
    "git": ["git", "--version"],
    "git-log": ["git", "log", "--oneline", "-3"],
    "sqlite3": ["sqlite3", ":memory:", "create table t(a); insert into t values(13)"],
    "python3": ["/usr/bin/python3", "-S", "-c", "pass"],
    "perl": ["perl", "-e", "my %h = map { $_ => 1 } 1 .. 13; print scalar keys %h"],
    "bash": ["/bin/bash", "--norc", "-c", "for i in 1 2 3; do x=$x$i; done; echo $x"],
    "grep": ["/bin/grep", "-c", "root", "/etc/passwd"],
    "awk": ["awk", "BEGIN { for (i = 0; i < 13; i++) a[i] = i; print length(a) }"],
    "sort": ["sort", "/etc/passwd"],
    "sed": ["sed", "-n", "s/daemon/&/p", "/etc/passwd"],
    "find": ["find", os.path.join(ROOT, "docs"), "-name", "*.md"],
    "tar": ["tar", "-cf", "/dev/null", os.path.join(ROOT, "completions")],
    "c++filt": ["c++filt", "_ZNSt6vectorIiSaIiEE9push_backEOi"],
    "make": ["make", "--version"],
    "g++": ["g++", "--version"],
}  # fmt: skip
ENVIRONMENT = {"PERL_HASH_SEED": "0", "PYTHONHASHSEED": "0"}  # else tables grow as chance has it

CHANCE = ("exec_race",)  # how far its threads come before the exec


def record(folder, engine, command, prepare=None):
    """The open trace of a run without address randomisation; its exit status."""
    path = str(folder / (engine + ".brkpoint"))
    options = ["--engine", engine, "--fixed-addresses", "--quiet", "-o", path]
    environment = dict(os.environ, **ENVIRONMENT)
    done = brkpoint("run", *options, "--", *command, env=environment, preexec_fn=prepare)
    assert os.path.exists(path), done.stderr
    return trace.open(path), (done.returncode, done.stdout)


def compared(folder, command, in_gdb=None):
    """(sentences about what differs, number of events); `in_gdb`: as `record` gives it."""
    one, ending = in_gdb or record(folder, "breakpoints", command)
    other, other_ending = record(folder, "recorder", command)
    with one, other:
        assert other_ending == ending
        assert other.run["complete"] and other.run["events_lost"] == 0
        count = sum(1 for _ in same.first_process(other))
        return same.differences(one, other, addresses=True), count


@pytest.mark.parametrize("name", PROGRAMS)
def test_targets(built, tmp_path, name):
    if not os.path.exists(os.path.join(ROOT, PROGRAMS[name][-1])):
        pytest.skip("not built: " + name)
    if name in CHANCE:
        pytest.skip("what it does is chance")
    path, done = target_recordings.by_gdb(name)
    in_gdb = trace.open(path), (done.status, done.out)
    found, _ = compared(tmp_path, target_recordings.words(name), in_gdb)
    assert not found


@pytest.mark.parametrize("name", FOUND)
def test_real_programs(tmp_path, name):
    if not shutil.which(FOUND[name][0]):
        pytest.skip("no " + name)
    found, count = compared(tmp_path, FOUND[name])
    assert not found
    assert count > 20


# Probes of the safety tests that do the same on each run: what is odd about them is seen alike.
PROBES = {
    "coroutines.c": [],
    "switching.c": ["down"],
    "strict.c": ["filter"],
    "unwound.cc": [],
    "panics.rs": [],
    "children.c": ["thread"],
    "dying.c": ["segv-caught"],
}


@pytest.mark.parametrize("how", ["down", "dive"])
def test_stacks_deeper_than_the_limit_of_frames(tmp_path, how):
    """Known chains make stacks of any depth: both engines show a function and 256 callers."""
    found, _ = compared(tmp_path, [recorder_runs.probe("deep.c"), how, "270", "9"])
    assert not found
    with trace.open(str(tmp_path / "recorder.brkpoint")) as recorded:
        stacks = {event.stack for event in recorded.events() if event.size in (1009, 1013)}
        depths = {len(recorded.stack(id_)): recorded.cut(id_) for id_ in stacks}
    assert depths.pop(257) == words.CUTS[words.CUT_DEEP]
    assert all(depth < 257 and cut is None for depth, cut in depths.items())


def _a_large_stack():
    setrlimit(RLIMIT_STACK, (1 << 29, 1 << 29))


def test_a_hundred_thousand_frames(tmp_path):
    """All stacks of a deep recursion are alike: there are few, and they cost little."""
    command = [recorder_runs.probe("deep.c"), "down", "100000", "1"]
    recorded, _ = record(tmp_path, "recorder", command, _a_large_stack)
    with recorded:
        assert recorded.run["complete"] and recorded.run["events_lost"] == 0
        groups = [group for group in recorded.sums().groups if group.name == "malloc"]
        counts = Counter()
        for group in groups:
            counts[len(recorded.stack(group.stack))] += group.count
            assert recorded.cut(group.stack) or len(recorded.stack(group.stack)) < 257
        assert sum(counts.values()) >= 2 * 100001 + 1
        assert max(counts) == 257 and counts[257] > 100000 - 257
        assert len(groups) < 3000


@pytest.mark.parametrize("source", PROBES)
def test_probes(tmp_path, source):
    if source.endswith(".rs") and not shutil.which("rustc"):
        pytest.skip("no rustc")
    found, _ = compared(tmp_path, [recorder_runs.probe(source), *PROBES[source]])
    assert not found


@pytest.mark.parametrize("how, frames, cut", [("bare", 3, words.CUTS[1]), ("told", None, None)])
def test_without_a_table_nothing_is_guessed(tmp_path, how, frames, cut):
    """gdb alone would show a frame that is over. Why the stack is cut does not depend on what lies
    in memory. The twin has a table: its stacks are whole."""
    found, _ = compared(tmp_path, [recorder_runs.probe("tableless.c"), how])
    assert not found
    with trace.open(str(tmp_path / "breakpoints.brkpoint")) as recorded:
        stacks = [event.stack for event in recorded.events() if event.size in (1009, 1013, 1019)]
        assert len(stacks) == 3
        for line, id_ in enumerate(stacks, 30):
            shown = [(frame.function, frame.line) for frame in recorded.stack(id_)]
            assert shown[1:3] == [(how, None), ("main", line)]
            assert recorded.cut(id_) == cut and frames in (None, len(shown))


def test_twin_two_programs_differ(tmp_path):
    """The comparison can fail: of two programs that differ in one size."""
    traces = []
    for size in (1009, 1013):
        source = "#include <stdlib.h>\nint main(void) { free(malloc(%d)); return 0; }" % size
        path, folder = str(tmp_path / "program"), tmp_path / str(size)
        folder.mkdir()
        words = ["gcc", "-O0", "-fno-builtin", "-x", "c", "-", "-o", path]
        subprocess.run(words, input=source, check=True, text=True)
        traces.append(record(folder, "recorder", [path])[0])
    with traces[0], traces[1]:
        found = same.differences(*traces, addresses=True)
    assert len(found) == 1 and "size: 1009, 1013" in found[0]
