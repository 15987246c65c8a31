"""The summary against plain events whose answer is known beforehand."""

from __future__ import annotations

import json
from alloctrace.plain import replace

from alloctrace.model import Border, Purpose, Verdict
from alloctrace.summary.summary import summarise
from reports import sentences
from summary_fake import FakeTrace, because, call, frame, loader, runtime, syscall, user

# Design section 5: fields may be added, never renamed or removed.
CONTRACT = {
    "": "program command engine complete events_lost exit totals sites causes phases peak_bytes"
    " leaked temporary",
    "exit": "kind status",
    "totals": "origin phase kind name count bytes",
    "sites": "function module file line origin purpose count bytes live_blocks live_bytes",
    "causes": "calls calls_reaching_kernel syscalls syscalls_without_call",
    "phases": "phase start_ns end_ns rss_bytes minor_faults major_faults mapped_bytes",
    "leaked": "blocks bytes by_origin",
    "temporary": "blocks bytes by_origin",
}


def summary(*events, **more):
    return summarise(FakeTrace(events, **more))


def missing(record, contract):
    """Names of the contract that the record lacks."""
    gone = []
    for where, names in contract.items():
        part = record[where] if where else record
        row = part[0] if isinstance(part, list) else part
        gone += [where + "." + name for name in names.split() if name not in row]
    return gone


def test_keeps_the_contract():
    record = summary(call(1, size=472), syscall(2, size=8192))
    assert missing(record, CONTRACT) == []
    json.dumps(record)


def test_a_missing_field_is_noticed():
    record = summary(call(1, size=472))
    del record["causes"]["calls"]
    assert missing(record, CONTRACT) == ["causes.calls"]


def test_no_event_gives_no_number():
    record = summary()
    assert record["totals"] == record["sites"] == []
    assert record["peak_bytes"] == record["leaked"]["bytes"] == record["causes"]["calls"] == 0


def test_totals_count_un_nested_events_and_whole_arrays():
    record = summary(
        call(1, "calloc", 24, nmemb=7), call(2, size=168, outer=1), call(3, "calloc", 3, nmemb=2)
    )
    assert record["totals"] == [
        dict(origin="user", phase="main", kind="call", name="calloc", count=2, bytes=174)
    ]
    assert record["verdict"]["nested"] == 1


def test_causes_climb_to_the_un_nested_call():
    record = summary(
        call(0, "calloc", 24, nmemb=7),
        call(1, size=168, outer=0),
        syscall(2, "brk", 135168, cause=1),
        syscall(3, "mmap", 8192, cause=0),
        call(4, size=1),
        syscall(5, "munmap", 4096),
    )
    assert record["causes"] == dict(
        calls=2, calls_reaching_kernel=1, syscalls=3, syscalls_without_call=1
    )
    row = record["reached_kernel"][0]
    assert (row["name"], row["calls_reaching_kernel"], row["syscalls"]) == (
        "calloc",
        1,
        {"brk": 1, "mmap": 1},
    )


def test_peak_is_the_largest_sum_not_the_sum_of_all():
    record = summary(
        call(1, size=100), call(2, "free", block=1, ptr=9), call(3, size=70), call(4, size=20)
    )
    assert record["peak_bytes"] == 100
    assert record["peak"]["seq"] == 1
    assert record["leaked"]["blocks"] == 2 and record["leaked"]["bytes"] == 90


def test_realloc_moves_the_same_block():
    record = summary(
        call(1, size=100),
        call(2, "realloc", 300, block=1, ptr=9),
        call(3, "realloc", 0, block=1, ptr=9, result=0),
    )
    assert record["peak_bytes"] == 300
    assert record["leaked"]["blocks"] == 0
    assert record["temporary"]["blocks"] == 0


def test_a_failed_realloc_leaves_its_block():
    record = summary(call(1, size=100), call(2, "realloc", 300, block=1, ptr=9, result=0, errno=12))
    assert record["leaked"]["bytes"] == 100 == record["peak_bytes"]
    assert record["verdict"]["failed"] == 1


def test_a_failed_call_is_counted_but_hands_out_nothing():
    record = summary(call(1, size=1 << 60, block=None, result=0, errno=12))
    assert record["verdict"]["calls"] == 1
    assert record["allocated"]["blocks"] == 0 == record["peak_bytes"]


def test_temporary_is_freed_before_its_threads_next_allocation():
    record = summary(
        call(1, size=5, tid=1),
        call(2, size=7, tid=2),
        call(3, "free", block=1, ptr=9, tid=2),
        call(4, size=11, tid=1),
        call(5, size=13, tid=1),
        call(6, "free", block=4, ptr=9, tid=1),
    )
    assert record["temporary"]["blocks"] == 1
    assert record["temporary"]["bytes"] == 5


def test_exec_ends_blocks_without_leaking_them():
    record = summary(call(1, size=100), call(2, size=30, image=1))
    assert record["leaked"]["bytes"] == 30
    assert summary(call(1, size=100), call(2, size=30))["leaked"]["bytes"] == 130


def test_free_of_null_ends_nothing():
    record = summary(call(1, size=100), call(2, "free", block=None, ptr=0))
    assert record["leaked"]["blocks"] == 1
    assert record["causes"]["calls"] == 2


def test_leaked_by_origin():
    record = summary(call(1, size=3, verdict=loader("x")), call(2, size=5), call(3, size=7))
    assert record["leaked"]["by_origin"]["loader"] == dict(blocks=1, bytes=3)
    assert record["leaked"]["by_origin"]["user"] == dict(blocks=2, bytes=12)


def test_sites_are_the_frames_that_decided():
    stacks = {
        1: (frame("malloc", "system", "libc.so.6"), frame("f", file="a.c", line=3), frame("main")),
        2: (frame("malloc", "system", "libc.so.6"), frame("f", file="a.c", line=9), frame("main")),
    }
    where = Verdict("user", None, (), True, 1, "user function", "frame")
    record = summary(
        call(1, size=100, stack=1, verdict=where, purpose=because("a list")),
        call(2, size=200, stack=2, verdict=where),
        call(3, size=300, stack=1, verdict=where),
        call(4, "free", block=3, ptr=9, stack=1, verdict=where),
        stacks=stacks,
    )
    first, second = record["sites"]
    assert (first["function"], first["line"], first["count"], first["bytes"]) == ("f", 3, 2, 400)
    assert (first["live_blocks"], first["live_bytes"]) == (1, 100)
    assert (first["purpose"], first["purposes"]) == ("several", 2)
    parts = [(p["purpose"], p["count"], p["bytes"], p["live_blocks"]) for p in first["by_purpose"]]
    assert parts == [(None, 1, 300, 0), ("a list", 1, 100, 1)]
    assert [part["share"] for part in first["by_purpose"]] == [0.75, 0.25]
    assert (second["line"], second["live_bytes"], second["purpose"]) == (9, 200, None)


def site_of(*purposes):
    """The one place that asked 10 bytes for each of these."""
    events = [call(n, size=10, purpose=p) for n, p in enumerate(purposes, 1)]
    (site,) = summary(*events)["sites"]
    return site


def test_a_place_gives_no_purpose_of_some_to_all():
    site = site_of(because("a FILE"), *[Purpose()] * 9)
    assert (site["purpose"], site["purposes"], site["count"]) == ("several", 2, 10)
    assert sentences.site_purpose(site) == "several: 90 % unknown"
    few = [(part["purpose"], part["count"]) for part in site["by_purpose"]]
    assert few == [(None, 9), ("a FILE", 1)]


def test_twin_of_one_purpose_or_none_it_is_said_plainly():
    site = site_of(because("a FILE"), because("a FILE"))
    assert (site["purpose"], site["purposes"]) == ("a FILE", 1)
    site = site_of(Purpose(), Purpose())
    assert (site["purpose"], sentences.site_purpose(site)) == (None, "unknown")


def test_what_one_rule_says_in_several_ways_is_one_purpose():
    site = site_of(*[because("Vec from %d to %d bytes" % (n, 2 * n)) for n in (4, 8)])
    assert (site["purpose"], site["purposes"]) == ("Vec from N to M bytes", 1)
    site = site_of(*[because("path of " + name) for name in ("a.so", "the program", "b.so")])
    assert (site["purpose"], site["purposes"]) == ("path of various", 1)
    site = site_of(*[because(name + "'s own") for name in ("main", "work", "x::y")])
    assert (site["purpose"], site["purposes"]) == ("callers' own", 1)
    site = site_of(*[because("copy of a string (%d bytes)" % n) for n in (4, 8, 15)])
    assert site["purpose"] == "copy of a string (N bytes)"
    site = site_of(*[because("a string of (%s)" % n) for n in ("4", "8", "x")])
    assert site["purpose"] == "a string of (various)"
    site = site_of(*[because("%d, %d of 5 and %s" % (n, n + 1, n)) for n in (1, 2, 3)])
    assert site["purpose"] == "N, M of 5 and K"
    site = site_of(*[because("Vec from 4 to %d bytes" % n) for n in (8, 16)])
    assert site["purpose"] == "Vec from 4 to N bytes"  # twin: what is the same stays


def test_what_two_rules_say_alike_is_one_purpose():
    site = site_of(Purpose("FILE of fopen", "named", ""), Purpose("FILE of fopen", "unnamed", ""))
    assert (site["purpose"], site["purposes"]) == ("FILE of fopen", 1)


def test_twin_texts_without_a_word_in_common_are_several():
    site = site_of(because("a list"), because("one FILE"), because("other"))
    assert (site["purpose"], site["purposes"]) == ("several", 3)


def test_sites_of_an_untold_origin_name_the_first_function():
    stacks = {1: (frame(None), frame("inner"), frame("outer"))}
    nobody = Verdict("unknown", None, (), False, None, "stripped", "")
    record = summary(call(1, size=1, stack=1, verdict=nobody), stacks=stacks)
    assert record["sites"][0]["function"] == "inner"


def test_phases_say_what_was_asked_and_what_it_took():
    record = summary(call(1, size=472, phase="init"), syscall(2, "brk", 4096, phase="init"))
    load, init, main, last = record["phases"]
    assert (init["calls"], init["brk_mmap"], init["allocated_bytes"]) == (1, 1, 472)
    assert init["rss_bytes_grown"] == 4096 and init["minor_faults_grown"] == 2
    assert (load["start_ns"], load["end_ns"]) == (0, init["start_ns"])
    assert last["rss_bytes_grown"] is None


def test_a_phase_never_reached_is_listed_as_such():
    record = summary(borders=[Border("load", 0, "the first instruction")])
    assert [row["reached"] for row in record["phases"]] == [True, False, False, False]


def test_phases_of_an_exec_begin_again():
    borders = [Border("load", 0, "a"), Border("main", 5, "b"), Border("load", 9, "c", 1)]
    images = [{"index": 0, "pid": 7, "t_ns": 0}, {"index": 1, "pid": 7, "t_ns": 9}]
    event = call(1, size=4, image=1, phase="load")
    record = summary(event, borders=borders, images=images, pid=7)
    rows = {(row["image"], row["phase"]): row for row in record["phases"]}
    assert rows[0, "main"]["rss_bytes_grown"] is None
    assert rows[0, "exit"]["replaced"] and not rows[1, "exit"]["replaced"]
    assert rows[0, "main"]["end_ns"] == 9
    assert (rows[1, "load"]["calls"], rows[0, "load"]["calls"]) == (1, 0)


def test_user_direct_and_via_are_told_apart():
    record = summary(call(1, size=1), call(2, size=1, verdict=user(False, ("strdup",))))
    assert (record["verdict"]["user_direct"], record["verdict"]["user_via"]) == (1, 1)


def test_owners_of_runtimes_are_counted():
    record = summary(call(1, size=1, verdict=runtime("Rust")), call(2, size=1))
    assert record["verdict"]["runtime_owners"] == {"Rust": 1}


def test_purposes_known_are_a_share_of_loader_and_runtimes_only():
    known = because("link_map of libc.so.6")
    record = summary(
        call(1, size=1, verdict=loader("x"), purpose=known),
        call(2, size=1, verdict=runtime("C"), purpose=Purpose(None)),
        call(3, size=1, purpose=None),
    )
    assert record["purpose_known"]["share"] == 0.5
    assert record["purpose_known"]["by_origin"]["user"] == dict(events=1, known=0)
    assert summary(call(1, size=1))["purpose_known"]["share"] is None


def test_what_was_not_seen_is_always_said():
    kinds = {row["kind"] for row in summary()["not_seen"]}
    assert kinds == {"kernel", "stacks", "shared"}
    rows = summary(children_not_followed=3, cuts={"too deep": 2})["not_seen"]
    assert [(row["kind"], row["count"]) for row in rows[:2]] == [("children", 3), ("cut", 2)]


def test_hints_name_what_is_missing_and_only_that():
    nameless = {1: (frame(None, "loader", "ld.so"),)}
    hints = summary(call(1, size=1, stack=1), stacks=nameless)["hints"]
    assert [hint["command"] for hint in hints] == ["apt install libc6-dbg"]
    named = {1: (frame("f", file="a.c", line=1),)}
    assert summary(call(1, size=1, stack=1), stacks=named)["hints"] == []


def hints_of(*stacks):
    """Why more could not be told, of calls with these stacks."""
    events = [call(n, size=1, stack=n) for n in range(1, len(stacks) + 1)]
    record = summary(*events, stacks=dict(enumerate(stacks, 1)))
    return [hint["missing"] for hint in record["hints"]]


def test_one_function_without_lines_or_name_is_no_program_without():
    """Beside others that have them: hand-written assembly, code made at run time."""
    lineless, nameless = (frame("over"),), (frame(None),)
    lined = (frame("f", file="a.c", line=3),)
    assert hints_of(lineless, lined) == []
    assert hints_of(lineless + (frame("main", file="a.c", line=9),)) == []
    assert hints_of(nameless, lined) == []


def test_twin_where_none_has_them_it_is_said():
    lineless, nameless = (frame("over"), frame("main")), (frame(None), frame(None))
    assert hints_of(lineless) == ["the program has no line numbers"]
    assert hints_of(nameless) == ["the program is stripped"]


def test_of_several_programs_it_is_said_by_name():
    other = replace(frame(None), path="/bin/b")
    assert hints_of((other,), (frame("f", file="a.c", line=3),)) == ["b is stripped"]


def test_a_program_without_libc_has_no_calls_to_miss():
    blind = {"calls_hooked": False, "unhooked": ["no allocator function was found"]}
    alone = summary(borders=[Border("main", 0, "first instruction")], **blind)
    assert alone["calls_hooked"] and "calls" not in {row["kind"] for row in alone["not_seen"]}
    missed = summary(borders=[Border("init", 0, "first instruction")], **blind)
    assert not missed["calls_hooked"] and missed["not_seen"][0]["kind"] == "calls"


def test_without_gdb_nobody_knows_whether_there_are_lines():
    lineless = {"stacks": {1: (frame("main"),)}, "notes": ["gdb cannot be run for symbols: why"]}
    assert summary(call(1, size=1, stack=1), **lineless)["hints"] == []
    assert summary(call(1, size=1, stack=1), **dict(lineless, notes=[]))["hints"] != []


def test_who_runs_a_distributions_program_cannot_link_it():
    def packaged(**more):
        return replace(frame(None), path="/usr/bin/rustc", **more)

    record = summary(call(1, size=1, stack=1), stacks={1: (packaged(),)})
    (hint,) = record["hints"]
    assert "debug symbols of the package" in hint["command"]
    assert hint["missing"] == "the program is stripped"
    lineless = summary(call(1, size=1, stack=1), stacks={1: (packaged(function="main"),)})
    assert lineless["hints"] == []


def test_twin_who_built_it_can():
    own = replace(frame(None), path="/usr/local/bin/mine")
    (hint,) = summary(call(1, size=1, stack=1), stacks={1: (own,)})["hints"]
    assert hint["command"] == "link without -s, and do not strip"
