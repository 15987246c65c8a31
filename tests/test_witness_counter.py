"""Allocator calls after the loader's phase: brkpoint's equal a preloaded counter's, by name."""

import os
import shutil
from collections import Counter

import pytest

import target_programs
import witnesses

# Real programs, and the targets that allocate through glibc's exported names.
SYSTEM = {
    "ls": ["/bin/ls", "/"],
    "git": ["git", "--version"],
    "python": ["/usr/bin/python3", "-c", "pass"],
    "perl": ["perl", "-e", "1"],
    "sort": ["/usr/bin/sort", "/etc/passwd"],
}
TARGETS = ["alloc", "alloc.no-plt", "grow", "stdio", "edges", "thread", "static_object", "leak"]
TARGETS += [
    "exception",
    "order",
    "temporary",
    "threshold",
    "trim",
    "fork",
    "vec",
    "hashmap",
    "empty",
]
PROGRAMS = {program.name: program.command for program in target_programs.programs()}

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")


def compare(command, folder, preloads):
    """(brkpoint's calls through symbols, its calls straight to libc's functions, the counter's)

    brkpoint watches the program beside an inert library, so that both runs start alike.
    """
    counter, inert = preloads
    totals = str(folder / "totals")
    (folder / "run").mkdir()
    environment = witnesses.preloaded(inert, totals)
    past, _ = witnesses.recorded(command, folder / "run", environment=environment)
    seen = witnesses.by_counter(command, folder, counter)
    return (*witnesses.calls_outside_the_loader(past), seen)


@pytest.mark.parametrize("name", TARGETS)
def test_targets(built, name, tmp_path, preloads):
    if name not in PROGRAMS:
        pytest.skip("not built: " + name)
    ours, straight, theirs = compare(PROGRAMS[name], tmp_path, preloads)
    assert ours == theirs
    assert not straight or name == "thread"  # a thread that ends frees its cache inside libc


@pytest.mark.parametrize("name", SYSTEM)
def test_programs_of_the_system(name, tmp_path, preloads):
    if not shutil.which(SYSTEM[name][0]):
        pytest.skip("no " + name)
    ours, straight, theirs = compare(SYSTEM[name], tmp_path, preloads)
    assert ours == theirs and sum(ours.values()) > 20 and not straight


def test_twin_what_the_counter_cannot_see(built, tmp_path, preloads):
    """Static programs load nothing: the counter stays silent, brkpoint does not."""
    if "alloc.static" not in PROGRAMS:
        pytest.skip("not built")
    ours, straight, theirs = compare(PROGRAMS["alloc.static"], tmp_path, preloads)
    assert not theirs and straight["malloc"] > 1 and not ours


def test_twin_another_program_differs(built, tmp_path, preloads):
    ours, _, _ = compare(PROGRAMS["alloc"], tmp_path, preloads)
    other = tmp_path / "other"
    other.mkdir()
    assert witnesses.by_counter(PROGRAMS["leak"], other, preloads[0]) != ours


def test_the_loaders_calls_are_beyond_the_counter(built, tmp_path, preloads):
    """A difference that must be there: a preloaded library is not loaded yet."""
    past, _ = witnesses.recorded(PROGRAMS["alloc"], tmp_path)
    if not any(event.phase == "load" for event in past.events if event.kind == "call"):
        pytest.skip("this loader's allocator is unknown")
    ours = Counter(e.name for e in past.events if e.kind == "call" and e.outer is None)
    seen = witnesses.by_counter(PROGRAMS["alloc"], tmp_path, preloads[0])
    assert ours != seen and not seen - ours
    assert os.path.getsize(tmp_path / "totals") == 88


THREADS = """
import subprocess, threading
def work():
    for number in range(101):
        bytes(1009 + number)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
subprocess.run(["/bin/true"])
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("preload", [0, 1])
def test_in_one_run_with_threads_and_a_child(tmp_path, preloads, preload):
    """Threads take turns as chance has it: only a counter in the very same run can agree.

    The twin: an inert library in the counter's place counts nothing.
    """
    totals = tmp_path / "totals"
    totals.write_bytes(b"")
    settings = ["LD_PRELOAD=" + preloads[preload], "COUNTER_FILE=%s" % totals, "PYTHONHASHSEED=0"]
    command = ["/usr/bin/env", *settings, "/usr/bin/python3", "-c", THREADS]
    past, _ = witnesses.recorded(command, tmp_path)
    theirs, ours = witnesses.totals(totals), witnesses.calls_of(past, preloads[preload])
    assert past.lost == 0
    assert theirs == ours and bool(ours) == (preload == 0)
