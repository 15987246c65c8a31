"""Real runs of several kinds in each format, by the tools that read it: sums are those of the
trace, by phase and origin. tests/test_export_*.py has the twins in which a number is wrong."""

import os
import subprocess

import pytest

import made_exports
import test_export_dhat
import test_export_heaptrack
import test_export_maker
import test_export_perfetto
import test_export_pprof
import test_export_rows
from alloctrace.trace import trace
from attaching import Attached

BRKPOINT = os.path.join(made_exports.ROOT, "brkpoint")
# Threads whose calls overlap, functions that are inlined, a block that grows, an end by a signal.
SOURCE = """
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static volatile int stops;
static inline __attribute__((always_inline)) void *inner(size_t size) { return malloc(size); }
static inline __attribute__((always_inline)) void *outer(size_t size) { return inner(size + 2); }
static void *work(void *number)
{
    void *kept = 0;
    for (int i = 0; i < 211; i++) {
        free(outer(101 + (size_t)number));
        kept = realloc(kept, 1009 + i * 997);
        free(calloc(3, 17));
    }
    return kept;
}
int main(int count, char **words)
{
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        pthread_create(&threads[i], 0, work, (void *)i);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], 0);
    if (count > 1) {
        for (; write(1, "\\n", 1) > 0; usleep(30000))
            work(0);
    }
    return raise(SIGKILL);
}
"""
CHILDREN = "for i in 1 2; do /bin/true; (ls / | sort >/dev/null); done"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("threads")
    (folder / "a.c").write_text(SOURCE)
    words = ["gcc", "-O1", "-g", "-fno-builtin", "-pthread", "a.c", "-o", "threads"]
    subprocess.run(words, cwd=folder, check=True)
    return folder / "threads"


def recorded(folder, *words):
    path = folder / "t.brkpoint"
    words = [BRKPOINT, "--quiet", "-o", str(path), *words]
    subprocess.run(words, capture_output=True, timeout=300)
    return path


def of_threads(program, folder):
    return recorded(folder, str(program))


def of_children(_, folder):
    return recorded(folder, "sh", "-c", CHILDREN)


def of_a_look(program, folder):
    with subprocess.Popen([str(program), "on"], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        look = Attached(folder, process.pid)
        for _ in range(4):  # what was written before, and three times more
            os.read(process.stdout.fileno(), 65536)
        assert look.leave()[0] == 0
        process.kill()
    return look.trace


@pytest.fixture(scope="module", params=[of_threads, of_children, of_a_look])
def path(request, program, tmp_path_factory):
    made = request.param(program, tmp_path_factory.mktemp("run"))
    with trace.open(made) as opened:
        facts = opened.run
        is_kind = {
            of_threads: len(facts.get("threads") or ()) == 3,
            of_children: len(facts.get("children") or ()) > 5,
            of_a_look: facts.get("mode") == "attached",
        }
        assert is_kind[request.param], facts
    return made


@test_export_pprof.decoded
def test_pprof(path):
    profile, measures = test_export_pprof.profile_of(path), test_export_pprof.MEASURES
    assert test_export_pprof.by_labels(profile) == made_exports.of(path, *measures)
    assert None not in test_export_pprof.by_thread(profile)


@made_exports.needs("node", test_export_dhat.VIEWER)
def test_dhat(path, tmp_path):
    told = test_export_dhat.by_roots(test_export_dhat.viewed(path, tmp_path))
    wanted = made_exports.of(path, *test_export_dhat.MEASURES)
    assert without_peak(told) == without_peak(wanted)


def without_peak(sums):
    """Which call of several threads came first is known as far as the clock is; it is said."""
    return {key: values[:2] + values[3:] for key, values in sums.items()}


@test_export_heaptrack.opened
@pytest.mark.parametrize("cost", ["allocations", "leaked"])
def test_heaptrack(path, tmp_path, cost):
    stacks, _ = test_export_heaptrack.printed(path, tmp_path, cost)
    wanted = test_export_heaptrack.wanted(path, test_export_heaptrack.COSTS[cost])
    assert test_export_heaptrack.found(stacks) == (wanted, 0)


@test_export_perfetto.decoded
def test_perfetto(path):
    timeline = test_export_perfetto.Timeline(path)
    assert test_export_perfetto.totals(timeline) == test_export_perfetto.wanted(path)


@made_exports.needs("sqlite3")
def test_tables(path, tmp_path):
    assert test_export_rows.by_sqlite(path, tmp_path) == test_export_rows.wanted(path)


@made_exports.needs("node", made_exports.SPEEDSCOPE)
def test_speedscope_and_folded(path, tmp_path):
    for name, file in (("speedscope", "a.json"), ("folded", "a.folded")):
        (tmp_path / file).write_bytes(made_exports.export(path, name)[0])
        told = made_exports.speedscope(tmp_path / file)
        wanted = {key: value for key, (value,) in made_exports.of(path, "bytes").items()}
        assert made_exports.by_roots(told[0]["stacks"]) == wanted


@pytest.mark.parametrize("name", test_export_maker.OF_EVENTS)
def test_the_program_that_makes_bytes_makes_those_of_python(path, name):
    program = test_export_maker.built(test_export_maker.maker.NAME, test_export_maker.SANITIZED)
    with trace.open(path) as opened:
        is_used = name != "pprof" or bool(opened.run.get("threads") or opened.run.get("children"))
    assert test_export_maker.are_alike(path, name, program, is_used)
