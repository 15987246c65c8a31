"""The verdict and the small words: right English for none, one and many."""

from __future__ import annotations

import pytest

from alloctrace.model import Verdict
from alloctrace.summary.summary import summarise
from reports import observed, sections, sentences
from reports.ink import Ink
from summary_fake import FakeTrace, call, loader, runtime, syscall, user

LOADER = {"verdict": loader("x"), "phase": "load"}


def said(*events, **more):
    return sentences.verdict(summarise(FakeTrace(events, **more)))


def empty_c():
    calls = [call(n, size=24, **LOADER) for n in range(19)]
    caused = [syscall(19, size=8192, cause=3), syscall(20, size=12288, cause=16)]
    return calls + caused + [syscall(21 + n, size=4096) for n in range(7)]


def test_the_sentence_of_the_empty_program():
    assert said(*empty_c()) == (
        "19 calls by the loader, 9 brk/mmap; 17 of the 19 never reached the kernel; none is yours."
    )


def test_one_call_more_changes_it():
    text = said(*empty_c(), call(40, size=1))
    assert text.startswith("20 calls: 19 by the loader and 1 yours (by your code directly)")
    assert "none is yours" not in text


@pytest.mark.parametrize(
    "events, expected",
    [
        ([], "No calls, no brk/mmap: nothing asked for memory."),
        ([call(1, size=1)], "1 call, yours (by your code directly), no brk/mmap;"),
        ([call(1, size=1)], "it never reached the kernel."),
        ([call(0, size=1), syscall(1, "brk", 9, cause=0)], "it reached the kernel"),
        ([call(1, size=1), call(2, size=1)], "2 calls, all yours (by your code directly)"),
        ([call(1, size=1), call(2, size=1)], "none of the 2 reached the kernel"),
        ([call(1, size=1, verdict=user(False))], "yours (by libraries on your behalf)"),
        (
            [call(1, size=1), call(2, size=1, verdict=user(False))],
            "yours (1 by your code directly, 1 by libraries on your behalf)",
        ),
        ([call(1, size=1, verdict=runtime("Rust"))], "1 call by the Rust runtime"),
        (
            [call(1, size=1, verdict=runtime("Rust")), call(2, size=1, verdict=runtime("C"))],
            "2 calls by the runtimes (C 1, Rust 1)",
        ),
        (
            [syscall(1, "brk", 0, verdict=user(), phase="main")],
            "No calls, 1 brk/mmap; it is yours.",
        ),
        (
            [syscall(n, "brk", 9, verdict=user(), phase="main") for n in range(3)],
            "No calls, 3 brk/mmap; all 3 are yours.",
        ),
        (
            [syscall(1, "brk", 9), syscall(2, "brk", 9, verdict=user())],
            "1 of the 2 brk/mmap is yours.",
        ),
    ],
)
def test_none_one_and_many(events, expected):
    assert expected in said(*events)


def test_what_cannot_be_told_apart_is_not_called_yours():
    why = "the executable is stripped and holds a runtime"
    nobody = Verdict("unknown", None, (), False, None, why, "")
    text = said(call(1, size=1, verdict=nobody))
    assert text.startswith("1 call of unknown origin")
    assert "of unknown origin (%s)" % why in text
    mixed = said(call(1, size=1, verdict=nobody), call(2, size=1))
    assert "1 yours (by your code directly) and 1 of unknown origin (%s)" % why in mixed
    asked = said(call(1, size=1), syscall(2, verdict=nobody), syscall(3))
    assert "1 of the 2 brk/mmap is of unknown origin (%s)" % why in asked
    assert "yours" not in text


def test_reasons_that_are_not_told_are_counted():
    def reasons(number):
        each = [Verdict("unknown", None, (), False, None, "r%d" % n, "") for n in range(number)]
        return said(*[call(n, size=1, verdict=verdict) for n, verdict in enumerate(each, 1)])

    assert "of unknown origin (r0; r1; r2; 2 more reasons)" in reasons(5)
    assert "of unknown origin (r0; r1; r2)" in reasons(3)


def test_an_incomplete_trace_claims_no_more_than_was_seen():
    assert said(call(1, size=1), complete=False).startswith("As far as was seen: 1 call")
    assert said(call(1, size=1), events_lost=1).startswith("As far as was seen: 1 call")
    assert not said(call(1, size=1)).startswith("As far")


def test_each_reason_that_weakens_the_counts_is_in_the_sentence_and_in_json():
    hook = {"kind": "hook", "why": "malloc at 0x1130 of a.out is not seen"}
    reasons = {
        "hook": {"unseen": [hook]},
        "lost": {"events_lost": 3},
        "incomplete": {"complete": False},
        "children": {"children_not_followed": 2},
        "calls": {"calls_hooked": False},
    }
    for kind, more in reasons.items():
        facts = summarise(FakeTrace(empty_c(), **more))
        assert [row["kind"] for row in facts["unseen"]] == [kind]
        assert not facts["seen_everything"]
        assert sentences.verdict(facts).startswith("As far as was seen: "), kind
    whole = summarise(FakeTrace(empty_c(), unseen=[], children_not_followed=0))
    assert whole["seen_everything"] and whole["unseen"] == []
    assert not sentences.verdict(whole).startswith("As far")


def test_a_program_whose_calls_could_not_be_hooked():
    text = said(syscall(1, "brk", 9), calls_hooked=False)
    calls = "As far as was seen: calls could not be seen, memory syscalls could: 1 brk/mmap"
    assert text.startswith(calls)


def test_warnings_come_with_their_number():
    lost = summarise(FakeTrace(events_lost=12, complete=False, notes=["a\x1b note"]))
    text = " ".join(sentences.warnings(lost))
    assert "12 events lost" in text and "a\\x1b note" in text
    assert "incomplete" in sentences.warnings(summarise(FakeTrace(complete=False)))[0]
    assert sentences.warnings(summarise(FakeTrace())) == []


def test_what_was_counted_and_not_placed_is_said_in_words():
    notes = ["unmatched: blocks whose end was not seen: 1200", "another: 3"]
    told = sentences.warnings(summarise(FakeTrace(notes=notes)))
    assert told == ["1,200 blocks whose end was not seen", "another: 3"]


@pytest.mark.parametrize(
    "number, text",
    [(0, "0 bytes"), (1, "1 byte"), (472, "472 bytes"), (1024, "1 KiB"), (8704, "8.5 KiB")]
    + [(536870912, "512 MiB"), (-4096, "-4 KiB"), (1048575, "1 MiB"), (1 << 63, "8 EiB")],
)
def test_sizes(number, text):
    assert sentences.size(number) == text


def test_exact_bytes_stand_beside_rounded_ones():
    assert sentences.exact_size(8705) == "8.5 KiB (8,705 bytes)"
    assert sentences.exact_size(472) == "472 bytes"


@pytest.mark.parametrize("end_ns, took", [(7, "·"), (None, "·"), (8, "1 ns")])
def test_a_phase_that_began_at_the_last_moment_seen_took_nobody_knows_how_long(end_ns, took):
    row = summarise(FakeTrace())["phases"][0]
    assert sections.phase_row({**row, "start_ns": 7, "end_ns": end_ns}, Ink(80))[1] == took


@pytest.mark.parametrize(
    "ns, text",
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1500, "1.5 µs"),
        (9 * 10**6, "9 ms"),
        (25 * 10**8, "2.50 s"),
    ],
)
def test_durations(ns, text):
    assert sentences.duration(ns) == text


@pytest.mark.parametrize(
    "ended, text",
    [
        ({"kind": "exited", "status": 3}, "exited with status 3"),
        ({"kind": "signalled", "status": 11}, "killed by SIGSEGV"),
        ({"kind": "signalled", "status": 200}, "killed by signal 200"),
        ({}, "how it ended was not seen"),
    ],
)
def test_endings(ended, text):
    assert sentences.ending(summarise(FakeTrace(exit=ended))) == text


def test_why_it_is_incomplete_is_said_once():
    why = {"incomplete_because": "gdb died", "notes": ["the trace is incomplete: gdb died"]}
    rows = sentences.warnings(summarise(FakeTrace(complete=False, **why)))
    assert rows == ["incomplete: gdb died"]


def warned(*notes):
    return sentences.warnings(summarise(FakeTrace(notes=notes)))


def test_a_note_is_said_once():
    assert warned("a", "b", "a", "a") == ["a (3 times)", "b"]
    calls = ["a system call at 0x%x of libx.so is not seen" % (16 * n) for n in range(9)]
    assert warned(*calls) == [calls[0] + "; 8 more notes like it"]


def test_twin_notes_that_differ_in_words_are_all_said():
    notes = ["no room for the table of a.so", "no room for the table of b.so", "1 lost", "2 lost"]
    assert warned(*notes) == notes


def test_stacks_cut_for_several_reasons_are_one_number():
    record = summarise(FakeTrace(cuts={"one reason": 350, "another": 129, "a third": 1}))
    assert sentences.unseen_in_short(record).startswith("480 stacks cut short, what the kernel")
    assert len([row for row in sentences.unseen(record) if "that were cut" in row]) == 3
    record = summarise(FakeTrace(cuts={"one reason": 1}))
    assert sentences.unseen_in_short(record).startswith("1 stack cut short, ")


def test_a_program_is_called_as_it_was_and_its_file_is_told():
    linked = FakeTrace(program="/usr/bin/sh", program_file="/usr/bin/dash")
    assert "/usr/bin/sh is /usr/bin/dash" in observed.recorded(summarise(linked))
    plain = FakeTrace(program="/bin/sh", program_file="/usr/bin/sh")
    assert " is " not in observed.recorded(summarise(plain))
    assert " is " not in observed.recorded(summarise(FakeTrace()))


def test_the_command_can_be_pasted_and_steers_nothing():
    record = summarise(FakeTrace(command=["./a b", "$(x)", "-q", "\x1b[2J"]))
    assert sentences.command_line(record) == "'./a b' '$(x)' -q '\\x1b[2J'"


def test_of_many_runtimes_the_sentence_names_the_largest():
    few = {"C": 3, "Rust": 9, "a": 2, "b": 2, "c": 1}
    told = sentences.runtimes({"runtime_owners": few})
    assert told == "the runtimes (Rust 9, C 3, a 2, b 2, c 1)"
    told = sentences.runtimes({"runtime_owners": {**few, "d": 1}})
    assert told == "the runtimes (Rust 9, C 3, a 2, b 2, 2 others 2)"
