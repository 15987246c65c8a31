"""The article's report from made traces: its rows say what the facts say, and change with them."""

import json
import os

import pytest

from alloctrace.model import Verdict
from alloctrace.summary import summarise
from command import article as command
from reports import article, article_facts, article_files, article_rows
from reports.article_words import CHANGED, FAILS, HOLDS, SAME, SKIPPED, VERDICTS
from summary_fake import FakeTrace, because, call, frame, loader, runtime, syscall, user

ELSEWHERE = 0x7F0000000000


def vec_events():
    """A Vec as in the article, shorter: the loader, the runtime, 3 doublings, stdout's buffer."""
    return [
        call(1, size=1425, phase="load", impl="__minimal_malloc", verdict=loader("x"), stack=1),
        syscall(2, "brk", 0, phase="load"),
        syscall(3, "mmap", 4096, phase="load", args={"path": "/lib/libc.so.6"}),
        call(
            4, size=552, phase="init", verdict=runtime("Rust"), purpose=because("a FILE"), stack=2
        ),
        call(5, size=32, stack=2, purpose=because("Vec's first block")),
        call(6, "realloc", size=64, ptr=5, result=5 * 0x1000, block=5, stack=2),
        call(7, "realloc", size=128, ptr=5, result=ELSEWHERE, block=5, stack=2),
        syscall(8, "mmap", 266240, phase="main", cause=7, verdict=user()),
        call(9, "realloc", size=256, ptr=7, result=2 * ELSEWHERE, block=5, stack=2),
        syscall(10, "mremap", 528384, phase="main", cause=9, verdict=user()),
        call(11, size=1024, verdict=user(False, ("std::io",)), purpose=because("stdout's buffer")),
        call(12, "free", ptr=5, block=5, stack=2),
    ]


STACKS = {
    1: (frame("malloc", role="loader", module="ld.so"),),
    2: (frame("malloc", role="system", module="libc.so.6"), frame("actual_code"), frame("main")),
}


def facts_of(events, name="vec"):
    trace = FakeTrace(events, stacks=STACKS, command=["build/targets/" + name])
    made = article_facts.facts(name, trace, summarise(trace))
    made.update(repeat="./brkpoint build/targets/" + name, file={"bytes": 8168})
    return made


@pytest.fixture(scope="module")
def data():
    return article_rows.read_data()


@pytest.fixture(scope="module")
def vec():
    return facts_of(vec_events())


def row(data, claim, **facts):
    return article_rows.rows({claim: data[claim]}, facts, {})[0]


def test_the_data_holds_all_steps_in_order(data):
    assert list(data) == list(range(1, article_rows.LAST + 1))
    for section in data.values():
        assert section["step"] and section["value"] and "command" in section


def test_every_answer_belongs_to_a_step_and_names_programs_that_are_run(data):
    assert set(article_rows.CLAIMS) <= set(data)
    for needed, _ in article_rows.CLAIMS.values():
        assert set(needed) <= set(command.PROGRAMS)


def test_facts_count_by_allocator_and_phase(vec):
    assert vec["loader_calls"] == 1 and vec["loader_first_size"] == 1425
    assert vec["libc_calls"] == {"before_main": 1, "in_main": 5, "after_main": 0}
    assert vec["memory_syscalls"] == {"mmap": 2, "brk": 1, "mremap": 1}
    assert [entry["size"] for entry in vec["malloc_entries"]] == [552, 32, 1024]
    assert vec["user_calls"]["realloc"] == {"count": 3, "bytes": 448}
    assert vec["first_calls"][0]["purpose"] == "a FILE"


def test_a_free_is_no_first_call(vec):
    assert "free" not in [entry["name"] for entry in vec["first_calls"]]


def test_the_doubling_shows_where_it_moved_and_what_moved_it(vec):
    told = [(row["from"], row["to"], row["moved"], row["syscalls"]) for row in vec["doubling"]]
    assert told == [(32, 64, False, []), (64, 128, True, ["mmap"]), (128, 256, True, ["mremap"])]


def test_no_realloc_no_doubling(data):
    none = facts_of([call(1, size=3)])
    assert none["doubling"] == []
    assert row(data, 34, vec=none).verdict == FAILS


def test_values_of_2022_found_again_are_called_the_same(data, vec):
    assert row(data, 22, vec=vec).verdict == SAME  # 1425 bytes
    other = vec_events()
    other[0].size = 451
    assert row(data, 22, vec=facts_of(other)).verdict == CHANGED


def test_where_the_calls_are_is_counted_from_the_phases(data):
    inside = row(data, 26, vec_fn=facts_of(vec_events()))
    assert inside.value_here == "1 before, 2 inside, 0 after" and inside.verdict == FAILS
    moved = vec_events()
    moved[4].phase = moved[10].phase = "exit"
    assert row(data, 26, vec_fn=facts_of(moved)).verdict == HOLDS


def test_the_c_runtime_is_blamed_only_for_what_it_made(data):
    made = [syscall(1, "brk", 0), syscall(2, "mmap", 4096)]
    assert row(data, 4, success=facts_of(made)).verdict == FAILS
    made.append(syscall(3, "brk", 0, phase="init", verdict=Verdict("runtime", "C")))
    assert row(data, 4, success=facts_of(made)).verdict == HOLDS


def test_the_sum_of_mmap_is_told_by_file(data):
    events = [syscall(n, "mmap", 1, args={"path": "/l/libc.so.6"}) for n in (1, 2)]
    told = row(data, 3, success=facts_of(events + [syscall(3, "mmap", 1)]))
    assert told.value_here == "0 brk, 3 mmap"
    assert "2 for libc.so.6" in told.cause and "1 for memory without a file" in told.cause


def test_panic_is_found_only_where_a_purpose_names_it(data, vec):
    assert row(data, 25, vec=vec).verdict == CHANGED  # the purposes of some are unknown
    named = [call(n, size=n, purpose=because("panic hook")) for n in (1, 2)]
    assert row(data, 25, vec=facts_of(named)).verdict == HOLDS
    named[1].purpose = because("a FILE")
    assert row(data, 25, vec=facts_of(named)).verdict == FAILS


def test_a_syscall_of_the_runtime_is_panic_setup_only_if_its_purpose_says_so(data):
    made = syscall(1, "brk", 0, phase="init", verdict=runtime("Rust"), purpose=because("heap"))
    told = row(data, 27, empty=facts_of([made]))
    assert told.verdict == FAILS and told.cause.endswith("heap")
    made.purpose = because("panic hook")
    assert row(data, 27, empty=facts_of([made])).verdict == HOLDS


def test_a_program_that_was_not_run_leaves_its_rows_skipped_with_the_reason(data):
    made = article_rows.rows(data, {}, {"vec": "no rustc"})
    assert made[32].verdict == SKIPPED and "no rustc" in made[32].cause
    assert all(not one.value_here for one in made)


def record(**programs):
    data = article_rows.read_data()
    rows = article_rows.rows(data, programs, {"grow": "no gcc"})
    return {
        "made": "2022-01-15, Linux",
        "versions": {"gdb": "GNU gdb 13.1"},
        "rows": article_rows.as_dicts(rows),
        "programs": programs,
        "skipped": {"grow": "no gcc"},
        "repeat": "./brkpoint article",
    }


def test_the_page_credits_the_author_and_shows_both_values(vec):
    page = article.to_markdown(record(vec=vec))
    assert "Investigating Memory Allocations in Rust" in page and "ysantos.com" in page
    assert "yds12/mexe" in page
    assert "552, 32, 1024: 1,608 bytes" in page and "2837 bytes" in page
    assert "`grow` was not run: no gcc" in page


def test_the_verdict_counts_every_row_once():
    made = record()
    counts = [int(word) for word in article.verdict(made).split() if word.isdigit()]
    assert sum(counts[1:]) == counts[0] == article_rows.LAST
    assert {one["verdict"] for one in made["rows"]} <= set(VERDICTS)


def test_page_and_data_say_the_same_and_twice_the_same(vec):
    made = record(vec=vec)
    assert json.loads(article.to_json(made))["rows"] == made["rows"]
    assert article.to_markdown(made) == article.to_markdown(record(vec=vec))


def test_names_from_a_program_cannot_draw_in_the_page(vec):
    hostile = dict(vec, verdict="| <b>\x1b[2J\n# title", first_calls=[])
    page = article.to_markdown(record(vec=hostile))
    assert "\x1b" not in page and "\n# title" not in page and "<b>" not in page


def test_a_file_that_is_no_elf_has_an_error_and_no_facts(tmp_path):
    path = tmp_path / "text"
    path.write_text("#!/bin/sh\n")
    assert list(article_files.facts(str(path))) == ["error"]


def test_facts_of_a_file_agree_with_its_headers():
    here = os.path.realpath("/usr/bin/python3")
    found = article_files.facts(here)
    assert found["bytes"] == os.stat(here).st_size
    assert "libc.so.6" in found["needed"] and found["interpreter"].startswith("/lib64/ld-linux")
