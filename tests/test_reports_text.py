"""The report for a terminal: facts about its lines, not its drawing."""

from __future__ import annotations

import re

import pytest

from alloctrace.model import Border
from alloctrace.summary.summary import summarise
from reports import text
from reports.ink import Ink, cells, of_stream
from summary_fake import FakeTrace, because, call, frame, loader, runtime, syscall, user


def shown(*events, width=80, colour=False, view=None, unicode=True, **more):
    trace = FakeTrace(events, **more)
    return text.render(summarise(trace), trace, width, colour, view, unicode)


def line_with(page, part):
    found = [line for line in page.splitlines() if part in line]
    assert found, "no line with %r in\n%s" % (part, page)
    return found[0]


def test_an_event_is_one_line_with_who_why_and_where():
    stacks = {1: (frame("actual_code", file="/h/vec.rs", line=5),)}
    page = shown(call(1, size=472, stack=1, purpose=because("Vec's first block")), stacks=stacks)
    line = line_with(page, "malloc 472")
    assert re.match(r"  malloc 472 +user +Vec's first block +actual_code vec.rs:5$", line)


def test_the_loaders_mmap_shows_its_caller():
    names = [frame("__GI___mmap64", "loader"), frame("_dl_map_segments", "loader")]
    page = shown(syscall(1, size=4096, stack=1), stacks={1: tuple(names)})
    assert "where" in page and line_with(page, "mmap 4096").endswith("_dl_map_segments")
    alone = shown(syscall(1, size=4096, stack=1), stacks={1: tuple(names[:1])})
    assert line_with(alone, "mmap 4096").endswith("__GI___mmap64")


def test_a_syscall_hangs_beneath_its_call():
    page = shown(call(0, size=451), syscall(1, size=8192, cause=0, phase="main"))
    lines = page.splitlines()
    above = lines.index(line_with(page, "malloc 451"))
    assert lines[above + 1].startswith("  └─ mmap 8192")


def test_a_syscall_without_a_call_does_not_hang():
    page = shown(call(0, size=451), syscall(1, size=8192, phase="main"))
    assert line_with(page, "mmap 8192").startswith("  mmap 8192")


def test_a_nested_call_that_passes_its_outer_on_is_left_out():
    outer = call(0, "calloc", 24, nmemb=7, result=64)
    page = shown(outer, call(1, size=168, outer=0, result=64, block=None))
    assert "malloc 168" not in page
    page = shown(outer, call(1, size=32, outer=0, result=96, block=None))
    assert line_with(page, "malloc 32").startswith("  └─ malloc 32")


def test_a_syscall_of_a_nested_call_hangs_from_the_outer_one():
    outer = call(0, "calloc", 24, nmemb=7, result=64)
    inner = call(1, size=168, outer=0, result=64, block=None)
    page = shown(outer, inner, syscall(2, "brk", 4096, cause=1))
    assert line_with(page, "brk +4096").startswith("  └─ brk +4096")


def test_neighbours_that_look_alike_are_one_line_with_a_count():
    page = shown(call(1, size=32), call(2, size=32), call(3, size=33))
    assert "malloc 32 (×2)" in page and "malloc 33" in page
    assert "×" not in shown(call(1, size=32), call(2, size=33))
    different = shown(call(1, size=32, purpose=because("x")), call(2, size=32))
    assert "×2" not in different


def test_a_free_shows_the_size_of_its_block():
    page = shown(call(1, size=472), call(2, "free", block=1, ptr=9))
    assert line_with(page, "free").startswith("  free 472")


def test_threads_are_named_where_there_are_several():
    page = shown(call(1, size=32, tid=7), call(2, size=32, tid=8))
    assert line_with(page, " tid ") and page.count("malloc 32") == 2
    assert line_with(page, "  8  ").split()[:3] == ["8", "malloc", "32"]
    assert " tid " not in shown(call(1, size=32, tid=7))


def test_a_failed_call_says_so_and_why():
    assert "failed: ENOMEM" in shown(call(1, size=9, errno=12, block=None, result=0))
    assert "failed" not in shown(call(1, size=9))


@pytest.mark.parametrize(
    "event, shown_as",
    [
        (call(1, size=(1 << 63) + 1), "malloc 2^63+1"),
        (call(1, size=(1 << 64) - 1), "malloc 2^64-1"),
        (call(1, size=1 << 62), "malloc 2^62"),
        (call(1, size=(1 << 62) + (1 << 61)), "malloc %d" % (3 << 61)),
        (call(1, size=536870912), "malloc 536870912"),
        (call(1, "calloc", 24, nmemb=7), "calloc 7 × 24"),
        (call(1, "calloc", 1, nmemb=7), "calloc 7"),
        (call(1, "calloc", 7, nmemb=1), "calloc 7"),
        (call(1, "calloc", 0, nmemb=0), "calloc 0 × 0"),
        (call(1, "memalign", 1009, align=64), "memalign 1009 align 64"),
        (call(1, "free", ptr=0), "free NULL"),
        (call(1, "free", ptr=9), "free unknown block"),
        (syscall(1, "brk", 0, phase="main"), "brk"),
        (syscall(1, "brk", -4096, phase="main"), "brk -4096"),
    ],
)
def test_what_was_asked_for(event, shown_as):
    text_ = line_with(shown(event), event.name)
    assert re.match(r"  %s  +(user|loader)" % re.escape(shown_as), text_)


def test_an_unknown_purpose_is_said_as_unknown():
    assert "unknown" in line_with(shown(call(1, size=9)), "malloc 9")


@pytest.mark.parametrize(
    "verdict, who",
    [
        (loader("x"), "loader"),
        (runtime("Rust"), "runtime Rust"),
        (user(), "user"),
        (user(False, ("strdup", "inner")), "user via"),
        (None, "unknown"),
    ],
)
def test_who(verdict, who):
    page = shown(call(1, size=9, verdict=verdict))
    assert re.match(r"  malloc 9 +%s  " % re.escape(who), line_with(page, "malloc 9"))


def test_where_says_via_what():
    stacks = {1: (frame("f", file="a.c", line=5),)}
    page = shown(call(1, size=9, stack=1, verdict=user(False, ("strdup", "in"))), stacks=stacks)
    assert line_with(page, "malloc 9").endswith("f a.c:5 → strdup")
    assert "→" not in shown(call(1, size=9, stack=1), stacks=stacks)


def test_an_empty_phase_is_one_line():
    page = shown(call(1, size=9, phase="main"), borders=[Border("load", 0, "the entry point")])
    assert "no calls" in line_with(page, "load ")
    assert line_with(page, "exit ").endswith("never reached")


def test_few_events_are_listed_and_many_summed_up():
    few = [call(n, size=n) for n in range(text.EVENTS_AT_MOST)]
    last = "malloc %d" % (len(few) - 1)
    assert last in shown(*few)
    more = [*few, call(len(few), size=len(few))]
    assert last not in shown(*more) and "brkpoint events empty.1.brkpoint" in shown(*more)
    assert last in shown(*more, view=True)
    assert last not in shown(*few, view=False)


def test_what_is_lost_is_the_first_line():
    page = shown(call(1, size=9), events_lost=3, complete=False)
    assert page.startswith("! 3 events lost")
    assert not shown(call(1, size=9)).startswith("!")


def test_limits_and_cost_are_always_there():
    page = shown()
    assert "growth of stacks" in page and "stopped 62 times" in page
    assert "not measured" in line_with(shown(cost={}), "cost")


HOSTILE = "\x1b]0;owned\x07\u202e\n" + "x" * 300


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("view", [True, False])
def test_no_line_is_wider_than_the_page(width, view):
    stacks = {1: (frame("std::a::b::" + HOSTILE, file=HOSTILE, line=1),)}
    events = [
        call(n, size=10**15, stack=1, verdict=who, purpose=because(HOSTILE + str(n)))
        for n, who in enumerate((user(), user(False, (HOSTILE,)), runtime(HOSTILE), loader("x")))
    ]
    page = shown(*events, stacks=stacks, width=width, view=view, command=[HOSTILE])
    assert [line for line in page.splitlines() if cells(line) > width] == []
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", page)


def test_colour_only_where_asked_for():
    assert "\033[" not in shown(call(1, size=9))
    assert "\033[" in shown(call(1, size=9), colour=True)


def test_colour_changes_no_text():
    events = [call(0, size=9), syscall(1, "brk", 9, cause=0)]
    plain = shown(*events, view=True)
    assert re.sub("\033\\[[0-9;]*m", "", shown(*events, view=True, colour=True)) == plain


def test_ascii_where_the_locale_is_no_utf8():
    stacks = {1: (frame("naïve"),)}
    events = [call(0, size=9, stack=1), syscall(1, "brk", 9, cause=0, phase="main")]
    page = shown(*events, unicode=False, stacks=stacks)
    assert page.isascii() and "`- brk +9" in page
    assert not shown(*events, stacks=stacks).isascii()


class Stream:
    encoding = "utf-8"

    def __init__(self, terminal):
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.mark.parametrize(
    "terminal, environ, colour",
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": ""}, True),
    ],
)
def test_colour_is_for_terminals(terminal, environ, colour):
    assert of_stream(Stream(terminal), environ).colour is colour


def test_fit_counts_columns_and_shows_the_cut():
    ink = Ink()
    assert ink.fit("abcdef", 4) == "abc…"
    assert ink.fit("3000 to 9000", 11) == "3000 to…"  # not 900
    assert ink.fit("x 9000 bytes", 7) == "x 9000…"
    assert ink.fit("90001", 4) == "900…"  # better than nothing
    assert ink.fit("abcd", 4) == "abcd"
    assert cells(ink.fit("日本語日本語", 5)) <= 5
    assert ink.column("é", 3) == "é  "


def test_a_path_keeps_its_end():
    ink = Ink()
    assert ink.path("std::sys::unix::guard", 11) == "unix::guard"
    assert ink.path("std::sys::unix::guard", 30) == "std::sys::unix::guard"
    assert ink.path("std::main::{closure#0}", 8) == "main::{closure#0}"


@pytest.mark.parametrize(
    "name, width, short",
    [
        ("heap::Worklist<std::pair<v8::Object, int>, (short)256>::Local::Push", 20, "Local::Push"),
        ("heap::Worklist<std::pair<v8::Object, int>>::Push", 20, "Worklist<…>::Push"),
        ("node::Buffer::(anonymous namespace)::CreateUnsafe", 20, "CreateUnsafe"),
        ("<rustc_arena[d484]::DroplessArena>::grow", 25, "<DroplessArena>::grow"),
        ("<alloc::vec::Vec<u8> as core::fmt::Debug>::fmt", 20, "<Vec<…>>::fmt"),
        ("v8::Malloced::operator new", 20, "operator new"),
        ("std::operator<< <char>", 20, "operator<< <char>"),
        ("a::operator->::b", 13, "operator->::b"),
        ("a<b::c", 3, "a<b::c"),  # brackets that nobody closes
        ("of a file: a::b", 3, "of a file: a::b"),  # words are no path
    ],
)
def test_long_names_of_cxx_and_rust(name, width, short):
    assert Ink(80, False, True).path(name, width) == short
