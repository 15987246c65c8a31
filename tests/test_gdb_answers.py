"""What decides behind the alloc commands, with plain values: position, whereabouts, answers."""

import pytest
from alloctrace import position, whereabouts
from alloctrace.model import Event, Frame, Purpose, Verdict
from reports import answers


@pytest.mark.parametrize(
    "frames, has_user_main, phase",
    [
        ([("loader", "")], False, "load"),
        ([("system", ""), ("library", "initialiser"), ("loader", "")], False, "init"),
        ([("executable", "entry")], False, "init"),
        ([("executable", "main"), ("library", ""), ("executable", "entry")], False, "main"),
        ([("library", ""), ("executable", "main"), ("executable", "entry")], False, "main"),
        ([("executable", "main"), ("executable", "entry")], True, "init"),
        ([("executable", "user_main"), ("executable", "main")], True, "main"),
        ([("executable", "initialiser"), ("library", "exit"), ("executable", "entry")], 0, "exit"),
        ([("library", "exit"), ("executable", "main")], False, "exit"),
        ([("library", ""), ("executable", "main"), ("executable", "entry")], True, None),
        ([("library", "")], False, None),
        ([], False, None),
    ],
)
def test_the_phase_is_told_only_where_a_frame_proves_it(frames, has_user_main, phase):
    found, evidence = position.decide(frames, has_user_main)
    assert found == phase and evidence


def call(seq, name, **fields):
    return Event(seq, seq, 1, 1, "call", name, dur_ns=1, **fields)


EVENTS = [
    call(0, "malloc", size=17, result=0x1000, block=1),
    call(1, "calloc", size=19, nmemb=3, result=0x2000, block=2),
    call(2, "free", ptr=0x1000, block=1),
    call(3, "realloc", size=200, ptr=0x2000, result=0x3000, block=2),
    call(4, "malloc", size=10, result=0x1000, block=3),
    call(5, "malloc", size=1, result=None, block=None),
]


@pytest.mark.parametrize(
    "count, address, event, offset, ended_by",
    [
        (1, 0x1000, 0, 0, None),
        (1, 0x1010, 0, 16, None),
        (2, 0x2000 + 56, 1, 56, None),
        (3, 0x1005, 0, 5, 2),
        (4, 0x2003, 1, 3, 3),
        (4, 0x30C7, 3, 199, None),
        (6, 0x1005, 4, 5, None),
    ],
)
def test_the_block_that_holds_an_address(count, address, event, offset, ended_by):
    found = whereabouts.find(EVENTS[:count], address)
    ended = found.ended_by and found.ended_by.seq
    assert (found.event.seq, found.offset, ended) == (event, offset, ended_by)


@pytest.mark.parametrize("address", [0x1011, 0xFFF, 0x2000 + 57, 0])
def test_an_address_outside_every_block(address):
    assert whereabouts.find(EVENTS[:2], address) is None


def test_a_failed_realloc_gives_nothing_back():
    failed = call(2, "realloc", size=1 << 62, ptr=0x1000, result=0, errno=12, block=1)
    assert whereabouts.find([EVENTS[0], failed], 0x1000).ended_by is None


def test_why_tells_cause_and_what_was_made():
    outer = call(0, "malloc", size=1, result=0x1000, verdict=Verdict("user", direct=True))
    inner = Event(1, 1, 1, 1, "syscall", "brk", dur_ns=1, size=4096, result=1, cause=0)
    text = "\n".join(answers.why(outer, [outer, inner], (), 5))
    assert "origin   user, directly" in text and "made     event 1: brk(+4096)" in text
    text = "\n".join(answers.why(inner, [outer, inner], (), 5))
    assert "made by  event 0: malloc(1)" in text
    alone = Event(0, 1, 1, 1, "syscall", "brk", dur_ns=1, size=0)
    assert "no recorded call" in "\n".join(answers.why(alone, [alone], (), 5))


def test_names_of_the_program_are_escaped():
    event = call(0, "malloc", size=1, verdict=Verdict("runtime", owner="a\x1b[31m"))
    event.purpose = Purpose("for \x1b]0;x")
    stack = (Frame(1, function="f\x1b[2J", module="m\n", file="/a/\x07.c", line=1),)
    lines = list(answers.why(event, [event], stack, 5))
    assert all(line.isprintable() for line in lines) and "\\x1b" in "".join(lines)


def test_a_long_stack_is_cut_and_says_so():
    stack = tuple(Frame(i, function="f%d" % i) for i in range(9))
    lines = list(answers.stack_lines(stack, 4))
    assert len(lines) == 5 and "5 more frames" in lines[-1]
    assert len(list(answers.stack_lines(stack, 9))) == 9
