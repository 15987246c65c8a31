"""Runs with allocators under other names, and what is said where one cannot be watched whole."""

import json
import os
from collections import Counter

import pytest
import verbs
from recorder_runs import BUILT, NOT_BUILT, probe
from target_programs import brkpoint

ENGINES = ("recorder", "breakpoints")
POOLS = "pool_alloc(_,_,_,size)=malloc, pool_new(size,_,out)=posix_memalign, pool_free(_,ptr)=free"
LIBRARIES = "/usr/lib/x86_64-linux-gnu/"
ALLOCATORS = ("libjemalloc.so.2", "libmimalloc.so.2.0", "libtcmalloc_minimal.so.4")
pytestmark = pytest.mark.skipif(not BUILT, reason=NOT_BUILT)


def run(folder, *words, env=None):
    """(the report's JSON, un-nested calls of the program's own code, standard error)."""
    trace = str(folder / "a.brkpoint")
    done = brkpoint("--force", "-o", trace, *words, env=env)
    assert done.returncode == 0, done.stderr
    lines = verbs.said("events", trace, "--json").splitlines()[1:]
    events = [row for row in map(json.loads, lines) if row["kind"] == "call"]
    own = [row for row in events if row["outer"] is None and row["origin"] == "user"]
    return json.loads(verbs.said("report", trace, "--json")), own, done.stderr


def told(events):
    return [(row["name"], row["impl"], row["size"]) for row in events]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_user_names_the_functions_of_a_pool(tmp_path, engine):
    report, own, said = run(tmp_path, "--engine", engine, "--also", POOLS, probe("pools.c"))
    assert told(own) == [
        ("malloc", "pool_alloc", 2003),
        ("posix_memalign", "pool_new", 997),
        ("free", "pool_free", None),
        ("free", "pool_free", None),
    ]
    assert own[0]["block"] == own[2]["block"] and own[1]["block"] == own[3]["block"]
    assert own[1]["result"] is not None
    assert report["seen_everything"] and report["leaked"]["by_origin"].get("user") is None
    assert {row["from"] for row in report["also_watched"]} == {"--also"}
    assert "pool_alloc as malloc (--also)" in " ".join(said.split())


def test_what_is_not_named_is_not_watched(tmp_path):
    _, own, said = run(tmp_path, probe("pools.c"))
    assert own == [] and "watched" not in said


def test_names_of_a_file_and_one_that_is_nowhere(tmp_path):
    names = tmp_path / "names"
    names.write_text("# ours\npool_alloc(_,_,_,size)=malloc\npool_take(size)=malloc\n")
    report, own, said = run(tmp_path, "--also-file", str(names), probe("pools.c"))
    assert told(own) == [("malloc", "pool_alloc", 2003), ("malloc", "pool_alloc", 997)]
    assert [row["kind"] for row in report["unseen"]] == ["named"]
    assert "pool_take" in report["unseen"][0]["why"] and "As far as was seen" in said


@pytest.mark.parametrize("words", [["--also", "pool"], ["--also-file", "/nowhere"]])
def test_names_that_cannot_be_read_are_wrong_usage(words):
    done = brkpoint(*words, probe("pools.c"))
    assert done.returncode == 2 and words[0] in done.stderr and done.stderr.count("\n") == 1


def test_where_nothing_has_room_for_a_jump_breakpoints_take_over(tmp_path):
    report, own, _ = run(tmp_path, probe("short_entries.c"))
    assert report["engine"] == "breakpoints" and "has room for a jump" in report["why_engine"]
    assert Counter(row["name"] for row in own) == {"malloc": 3, "free": 3}
    assert report["seen_everything"]


def test_the_recorder_alone_says_what_it_does_not_see(tmp_path):
    report, own, said = run(tmp_path, "--engine", "recorder", probe("short_entries.c"))
    assert own == [] and {row["kind"] for row in report["unseen"]} == {"hook"}
    assert "As far as was seen: " in said and not report["seen_everything"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("how, what", [("while", "writable"), ("good", "wrote over")])
def test_a_program_that_writes_over_an_entry(tmp_path, engine, how, what):
    report, own, said = run(tmp_path, "--engine", engine, probe("patching.c"), how)
    seen = [row["size"] for row in own if row["name"] == "malloc"]
    assert seen == ([2101, 2104] if how == "while" else [2101])
    rows = [row for row in report["unseen"] if row["kind"] == "overwritten"]
    assert len(rows) == 1 and what in rows[0]["why"] and "malloc in libc" in rows[0]["why"]
    assert "As far as was seen" in said


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_that_does_not(tmp_path, engine):
    report, own, _ = run(tmp_path, "--engine", engine, probe("patching.c"))
    assert report["seen_everything"]
    assert [row["size"] for row in own if row["name"] == "malloc"] == [2101, 2104]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("library", (None,) + ALLOCATORS)
def test_operator_new_of_an_allocator_is_counted_once(tmp_path, engine, library):
    """As many as the source says, whoever hands them out."""
    if library and not os.path.exists(LIBRARIES + library):
        pytest.skip("no " + library)
    preload = {"LD_PRELOAD": LIBRARIES + library} if library else {}
    words = ["env", *("%s=%s" % item for item in preload.items()), probe("news.cc")]
    _, own, _ = run(tmp_path, "--engine", engine, *words)
    made = {row["block"]: row["size"] for row in own if row["size"] in (2404, 192, 2411, 2417)}
    assert Counter(made.values()) == {2404: 101, 192: 37, 2411: 1, 2417: 1}
    assert sum(row["name"] == "free" and row["block"] in made for row in own) == 140
    operators = {row["impl"] for row in own if "_Zn" in (row["impl"] or "")}
    assert bool(operators) == bool(library)
