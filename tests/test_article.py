"""The article's rows from made traces: they say what the facts say, and change with them."""

import os

import pytest

from alloctrace.model import Verdict
from article import runs as article_runs
from command import article as command
from made_article import MODULES, facts_of, row, vec_events
from article import loading as article_loading, rows as article_rows, story as article_story
from article.words import CHANGED, FAILS, HOLDS, SAME, SKIPPED, ranges
from summary_fake import because, call, loader, runtime, syscall


@pytest.fixture(scope="module")
def data():
    return article_rows.read_data()


@pytest.fixture(scope="module")
def vec():
    return facts_of(vec_events())


def test_the_data_holds_all_steps_in_order(data):
    assert list(data) == list(range(1, article_rows.LAST + 1))
    for section in data.values():
        assert section["step"] and section["value"] and "command" in section


def test_every_answer_belongs_to_a_step_and_names_programs_that_are_run(data):
    assert set(article_rows.CLAIMS) <= set(data)
    for needed, _, _ in article_rows.CLAIMS.values():
        assert set(needed) <= {*command.PROGRAMS, *command.DESIGNS, "evaluator"}


def test_every_step_and_program_has_its_story(data):
    story = article_story.read()
    assert [claim for chapter in story.chapters for claim in chapter.claims] == list(data)
    assert set(story.steps) == set(data) and set(story.programs) == set(command.PROGRAMS)
    assert all(story.steps.values()) and all(chapter.text for chapter in story.chapters)


def test_what_is_typed_is_typed_for_a_program_that_is_run():
    named = [*article_runs.LTRACED, *article_runs.LOOKED_AT, *article_runs.DISASSEMBLED]
    assert set(named) | set(article_runs.SIDE_BY_SIDE) <= set(command.PROGRAMS)


def test_the_article_s_sessions_are_there():
    for name in article_rows.SESSIONS.values():
        assert os.path.exists("gdb-scripts/sessions/%s.py" % name)


def test_facts_count_by_allocator_and_phase(vec):
    assert vec["loader_calls"] == 1
    assert vec["loader_first"] == {"seq": 1, "size": 1425, "function": "__minimal_malloc"}
    assert vec["libc_calls"] == {"before_main": 1, "in_main": 5, "after_main": 0}
    assert vec["memory_syscalls"] == {"mmap": 2, "brk": 1, "mremap": 1}
    assert [entry["size"] for entry in vec["malloc_entries"]] == [552, 32, 1024]
    assert vec["user_calls"]["realloc"] == {"count": 3, "bytes": 448, "seqs": [6, 7, 9]}
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


LIBC = {"name": "libc.so.6", "path": "/lib/libc.so.6", "segments": 2, "bss": True}


def mapping(seq, path="/lib/libc.so.6", purpose=None):
    return syscall(seq, "mmap", 1, args={"path": path}, purpose=because(purpose))


def test_the_sum_of_mmap_is_told_by_library_and_purpose(data):
    events = [mapping(1), mapping(2), mapping(3, "", "libc.so.6: .bss"), mapping(4, "", "a page")]
    told = row(data, 3, success=facts_of(events, libraries=[LIBC]))
    assert told.value_here == "0 brk, 4 mmap; strace counts the same"
    assert "3 for libc.so.6 (2 segments and its .bss in its file)" in told.cause
    assert "1 for a page" in told.cause
    assert told.proof == [{"program": "vec", "trace": "t.brkpoint", "seqs": [1, 2, 3, 4]}]


def test_twin_a_library_that_is_mapped_otherwise_than_its_file_says(data):
    told = row(data, 3, success=facts_of([mapping(1), mapping(2)], libraries=[LIBC]))
    assert "2 for libc.so.6 (but its file has 2 segments and its .bss)" in told.cause


def test_strace_s_own_count_is_told(data):
    facts = facts_of([mapping(1)], libraries=[LIBC])
    facts["typed"]["strace"]["counts"]["mmap"] = 7
    assert row(data, 3, success=facts).value_here == "0 brk, 1 mmap; strace counts 0 and 7"
    facts["typed"]["strace"] = dict(
        state="missing", why="strace is not installed", command="strace"
    )
    told = row(data, 3, success=facts)
    assert told.inferred and "by brkpoint alone (strace is not installed)" in told.value_here


@pytest.mark.parametrize(
    "purpose, kind",
    [
        ("path of libc.so.6", "path of an object"),
        ("link_map of the vdso", "link_map of an object"),
        ("symbol versions of an object: 17", "symbol versions of an object"),
        ("path of libc.so.60", "path of libc.so.60"),
        ("static TLS block", "static TLS block"),
    ],
)
def test_purposes_of_two_programs_can_be_compared(purpose, kind):
    assert article_loading.kind_of(purpose, MODULES) == kind


def test_what_a_library_costs_is_what_two_programs_differ_by(data):
    def loading(*purposes):
        made = [(n, because(text)) for n, text in enumerate(purposes, 1)]
        calls = [call(n, size=9, phase="load", verdict=loader("x"), stack=1, purpose=p)
                 for n, p in made]  # fmt: skip
        return facts_of(calls)

    few = dict(loading("path of libc.so.6", "TLS"), libraries=[LIBC])
    many = dict(loading("path of libc.so.6", "path of vec", "TLS"), libraries=[LIBC, LIBC])
    told = row(data, 24, success=few, vec=many)
    text = "with 1 library more than the empty C program the loader makes 1 more calls: path of an"
    assert text in told.cause and told.proof[0]["seqs"] == [1, 2]
    assert "no program here has more" in row(data, 24, success=few, vec=few).cause


def test_panic_is_found_only_where_a_purpose_names_it(data, vec):
    assert row(data, 25, vec=vec).verdict == FAILS
    assert row(data, 25, vec=facts_of([call(1, size=1)])).verdict == CHANGED  # unknown
    named = [call(n, size=n, purpose=because("panic hook")) for n in (1, 2)]
    assert row(data, 25, vec=facts_of(named)).verdict == HOLDS
    named[1].purpose = because("a FILE")
    assert row(data, 25, vec=facts_of(named)).verdict == FAILS


def test_a_syscall_of_the_runtime_is_panic_setup_only_if_its_purpose_says_so(data):
    made = syscall(1, "brk", 0, phase="init", verdict=runtime("Rust"), purpose=because("heap"))
    told = row(data, 27, empty=facts_of([made]))
    assert told.verdict == FAILS and told.cause.endswith("heap")
    assert [proof["seqs"] for proof in told.proof] == [[1]]
    made.purpose = because("panic hook")
    assert row(data, 27, empty=facts_of([made])).verdict == HOLDS


def test_a_program_that_was_not_run_leaves_its_rows_skipped_with_the_reason(data):
    made = article_rows.rows(data, {}, {"vec": "no rustc"})
    assert made[32].verdict == SKIPPED and "no rustc" in made[32].cause
    assert all(not one.value_here for one in made)


# ---- ltrace, really run or not ------------------------------------------------------------------


def ltraced(name, command="ltrace", calls=(), **more):
    """Facts of a program over which ltrace has printed these (name, library, outer)."""
    found = facts_of([call(1, size=1, phase="main")], name=name)
    rows = [dict(name=n, library=lib, outer=outer, args=["1"], result=9) for n, lib, outer in calls]
    lines = ["%s(1)" % n for n, _, _ in calls]
    found["typed"][command] = dict(state="ok", why="", command=command, calls=rows, lines=lines)
    found["file"] = {"malloc_slot": "GLOB_DAT"}
    found.update(more)
    return found


def test_silence_is_what_ltrace_printed(data):
    quiet, loud = ltraced("empty"), ltraced("empty", calls=[("malloc", None, None)])
    told = article_rows.rows({17: data[17]}, {"empty": quiet, "alloc.no-plt": quiet}, {})[0]
    assert (told.value_here, told.verdict, told.inferred) == ("nothing", HOLDS, False)
    assert "is silent too" in told.cause
    told = article_rows.rows({17: data[17]}, {"empty": loud, "alloc.no-plt": loud}, {})[0]
    assert told.verdict == FAILS and "is heard" in told.cause


@pytest.mark.parametrize("state", ["missing", "unreliable"])
@pytest.mark.parametrize("claim", [17, 20, 29, 30, 31, 32, 34])
def test_without_ltrace_a_row_is_inferred_and_says_so(data, claim, state):
    needed, _, how = article_rows.CLAIMS[claim]
    facts = {name: dict(facts_of(vec_events(), name), file={"malloc_slot": "X"}) for name in needed}
    for found in facts.values():
        found["typed"][how] = {"state": state, "why": "no ltrace at all", "command": how}
    told = article_rows.rows({claim: data[claim]}, facts, {})[0]
    assert told.inferred and "no ltrace at all" in told.value_here
    assert told.verdict != SKIPPED


def test_x_counts_the_stops_at_the_function(data):
    both = [("malloc", None, None), ("malloc", "libc.so.6", 0)]
    facts = ltraced("vec", "ltrace -x malloc", both)
    told = row(data, 30, vec=facts, empty=facts)
    assert told.value_here == "1 and 1" and not told.inferred
    facts = ltraced("alloc", "ltrace -x malloc+free@*", both)
    facts["typed"]["ltrace -x malloc+free@*"]["lines"].append("<... malloc resumed> )")
    told = row(data, 32, alloc=facts)
    assert told.verdict == SAME and "brkpoint sees 1 call" in told.value_here


def test_ranges_of_numbers():
    assert ranges([9, 0, 1, 2, 7, 9, 10]) == "0-2,7,9-10"
    assert ranges([]) == ""
