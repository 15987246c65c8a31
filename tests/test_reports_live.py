"""The run view as a stream."""

from __future__ import annotations

from reports.ink import Ink
from reports.live import Follower
from summary_fake import because, call, frame, syscall

STACK = {1: (frame("f"),)}


def follower(meaning=lambda event: None):
    return Follower(lambda id_: STACK.get(id_, ()), Ink(), meaning)


def test_a_call_is_shown_once_it_has_returned():
    live = follower()
    first = call(0, size=9, dur_ns=None, stack=1)
    assert list(live.feed([first])) == []
    first.dur_ns = 5
    assert any("malloc 9" in line for line in live.feed([]))
    assert list(live.feed([])) == []


def test_its_syscalls_hang_beneath_it():
    live = follower()
    lines = list(live.feed([call(0, size=9), syscall(1, "brk", 9, cause=0)]))
    assert [line.split()[:2] for line in lines[-2:]] == [["malloc", "9"], ["└─", "brk"]]


def test_order_is_that_of_beginnings():
    live = follower()
    waiting = call(0, size=7, dur_ns=None, tid=1)
    assert list(live.feed([waiting, call(1, size=8, tid=2)])) == []
    waiting.dur_ns = 1
    shown = [line for line in live.feed([]) if "malloc" in line]
    assert ["7" in shown[0], "8" in shown[1]] == [True, True]


def test_what_never_returns_is_shown_at_the_end():
    live = follower()
    assert list(live.feed([call(0, size=7, dur_ns=None)])) == []
    assert "never returned" in list(live.finish())[-1]
    assert list(live.finish()) == []


def test_a_phase_is_announced_once():
    live = follower()
    events = [call(n, size=n, phase="load" if n < 2 else "main") for n in range(4)]
    lines = list(live.feed(events))
    assert (lines.count("load"), lines.count("main"), lines.count("exit")) == (1, 1, 0)


def test_meaning_is_asked_before_a_line_is_shown():
    def meaning(event):
        event.purpose = because("a list")

    lines = list(follower(meaning).feed([call(0, size=9)]))
    assert "a list" in lines[-1]
