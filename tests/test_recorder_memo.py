"""Remembered stacks are those that a full unwinding finds, at every event of many programs. `make
recorder-check-stacks` does the same for ten million."""

import collections
import fcntl
import os
import shutil
import subprocess

import pytest
import recorder_checked
import recorder_runs
from alloctrace.trace import trace
from engine_runs import compile_c
from recorder_runs import NOT_BUILT, TOP, probe, traced

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


@pytest.fixture(scope="module", autouse=True)
def built():
    with open(os.path.join(recorder_runs.OUT + "-checked.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "recorder-checked"], cwd=recorder_checked.TOP, check=True)


@pytest.mark.parametrize("name", recorder_checked.PROGRAMS)
def test_programs(name):
    words = recorder_checked.PROGRAMS[name]
    if not shutil.which(words[0]):
        pytest.skip("no " + words[0])
    count, wrong = recorder_checked.compared(words)
    assert count > 1000 and wrong == 0


PROBES = [
    ("storm.c", []),
    ("storm.c", ["jump"]),
    ("coroutines.c", []),
    ("crowd.c", ["101", "53"]),
    ("unwound.cc", []),
    ("passing.cc", ["profile"]),
    ("interrupted.c", ["jump"]),
    ("switching.c", ["up", "101"]),
    ("switching.c", ["same", "101"]),
]


@pytest.mark.parametrize("source, words", PROBES, ids=["-".join([s, *w]) for s, w in PROBES])
def test_stacks_that_change_under_it(source, words):
    count, wrong = recorder_checked.compared([probe(source), *words])
    assert count > 100 and wrong == 0


def test_twin_a_stack_that_is_another_one_is_noticed():
    count, wrong = recorder_checked.compared(recorder_checked.PROGRAMS["perl"], way=2)
    assert count == wrong > 1000


@pytest.fixture(scope="module")
def many_stacks(tmp_path_factory):
    """Words of bench/many_stacks.c: it goes each of so many ways, five times, and so often."""
    program = str(tmp_path_factory.mktemp("many") / "many_stacks")
    source = os.path.join(TOP, "bench", "many_stacks.c")
    flags = ["-O1", "-fno-builtin", "-fno-optimize-sibling-calls"]
    subprocess.run(["gcc", *flags, "-o", program, source], check=True)
    return lambda ways, times: [program, str(5 * ways * times), str(ways)]


def test_a_place_that_is_come_to_in_thousands_of_ways(tmp_path, many_stacks):
    """More chains than a bucket holds: each stack tells the way that the program went."""
    pairs, ways, nodes = 20030, 2003, ["add", "multiply", "call", "compare"]
    path = traced(tmp_path, "recorder", *many_stacks(ways, 2))
    with trace.open(path) as opened:
        gone = []
        for event in opened.events():
            names = [frame.function for frame in opened.stack(event.stack)]
            if event.name == "malloc" and "leaf" in names:
                digits = [nodes.index(name) for name in reversed(names) if name in nodes]
                gone.append(sum(digit << 2 * at for at, digit in enumerate(reversed(digits))))
    assert gone == [at // 5 * 7919 % ways for at in range(pairs)]


def told(folder, words):
    folder.mkdir()
    with trace.open(traced(folder, "recorder", *words)) as opened:
        return opened.run["cost"]["told"]


def test_each_node_of_a_stack_is_told_once(tmp_path, many_stacks):
    """It is found again by its path, however many there are in its bucket."""
    once = told(tmp_path / "once", many_stacks(2003, 1))
    often = told(tmp_path / "often", many_stacks(2003, 10))
    assert 5 * 2003 > once > 4 * 2003
    assert often < once + 20


def test_twin_nodes_that_it_has_no_room_for_are_told_again(tmp_path, many_stacks):
    """A limited address space leaves room for 40,000: the program's 47,000 come and go."""
    limit = ["sh", "-c", 'ulimit -v 900000; exec "$0" "$@"']
    often = told(tmp_path / "often", [*limit, *many_stacks(10007, 2)])
    assert often > 1.5 * 4 * 10007
    assert told(tmp_path / "room", many_stacks(10007, 2)) < 1.3 * 4 * 10007


def test_a_path_that_is_another_ones_by_chance_proves_nothing(tmp_path):
    """Interrupted at one instruction on each level: no word tells the levels apart, nor does a path
    where the agent is built so."""
    alike = {"TESTED_RECORDER": recorder_checked.recorder(way=3)}
    words = [probe("deeper.c", "-O1")]
    past = recorder_runs.recorded(tmp_path, words, environment=alike).history
    around = collections.Counter(
        len(past.stacks[event.stack].frames) - (event.size - 50000)
        for event in past.events
        if event.name == "malloc" and 50000 < event.size <= 50200
    )
    assert list(around.values()) == [23 * 200]


def test_more_stacks_than_its_memory_holds(many_stacks):
    """Through all of its steps, and from the start again: 600,000 nodes."""
    count, wrong = recorder_checked.compared(many_stacks(131071, 1))
    assert count > 1_000_000 and wrong == 0


TAKE = "int take(void *(*ask)(unsigned long)) { return ask(1013) == 0; }\n"
REPLACED = r"""
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static __attribute__((noinline)) void *asked(size_t size)
{
    return malloc(size + 6);
}

static void many(int (*take)(void *(*)(size_t)))
{
    for (int i = 0; i < 2018; i++)
        take(i % 2 ? asked : malloc);
}

int main(int argc, char **argv)
{
    void *library = dlopen(argv[1], RTLD_NOW), *take = library ? dlsym(library, "take") : 0;
    char code[64], *page = (char *)((uintptr_t)take & -4096);
    if (!take)
        return 1;
    memcpy(code, take, sizeof code);
    dlclose(library);
    if (mmap(page, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
        return 2;
    memcpy(take, code, sizeof code); /* code without an unwind table */
    many(take);
    munmap(page, 4096);
    library = dlopen(argv[1], RTLD_NOW); /* the same code at the same place, with one */
    if (!library || dlsym(library, "take") != take)
        return 3;
    many(take);
    return 0;
}
"""


@pytest.fixture
def replaced(tmp_path):
    """Words of a program: one stack pointer and return address stand for two stacks, one after the
    other."""
    where = "-Wl,-Ttext-segment=0x6a5000000000"
    library = compile_c(tmp_path, TAKE, "-O1", "-shared", "-fPIC", where, name="take.so")
    program = compile_c(tmp_path, REPLACED, "-O1", "-fno-builtin", "-ldl", name="replaced")
    if subprocess.run([program, library]).returncode == 3:
        pytest.skip("the library is not loaded where it wants to be")
    return [program, library]


def test_a_cut_stack_is_remembered_until_there_is_a_table(tmp_path, replaced):
    path = traced(tmp_path, "recorder", *replaced)
    with trace.open(path) as opened:
        cost = opened.run["cost"]
        ends = {
            size: [
                (len(opened.stack(event.stack)), opened.cut(event.stack) is None)
                for event in opened.events()
                if event.size == size
            ]
            for size in (1013, 1019)
        }
    assert ends[1013] == [(2, False)] * 1009 + [(7, True)] * 1009
    assert ends[1019] == [(2, False)] * 1009 + [(8, True)] * 1009
    assert cost["walks"] < 300


def test_a_stack_that_a_guess_leads_through_is_remembered(tmp_path):
    words = [probe("tableless.c"), "often"]
    count, wrong = recorder_checked.compared(words)
    assert count > 3000 and wrong == 0
    with trace.open(traced(tmp_path, "recorder", *words)) as opened:
        assert opened.run["cost"]["walks"] < 300


def test_it_equals_one_that_is_unwound_anew(replaced):
    count, wrong = recorder_checked.compared(replaced)
    assert count > 4000 and wrong == 0
