"""What a report says of a program that ran before, and what it says of any other."""

import pytest
from summary_fake import FakeTrace, call, usual_borders

from alloctrace.history import run_facts
from alloctrace.model import Purpose
from alloctrace.summary.summary import summarise
from reports import endings, run_view, sections, sentences
from reports.ink import Ink
from start import attach

ATTACHED = {"mode": "attached", "pid": 4711, "unknown_ends": 3}
LEFT = {"kind": "detached", "status": None}


def before(summary):
    return [row for row in summary["not_seen"] if row["kind"] == "before"]


def test_what_was_there_before_is_said():
    summary = summarise(FakeTrace(exit=LEFT, **ATTACHED))
    assert summary["attached"] == {"pid": 4711, "unknown_blocks": 3}
    assert [row["count"] for row in before(summary)] == [3]
    text = "3 blocks freed or moved that were not seen allocated"
    assert text in sentences.unseen_in_short(summary)
    assert sentences.ending(summary) == "left running"
    assert sentences.repeat(summary) == "brkpoint -p 4711"


def of_cache(seq, rule="thread-cache-end"):
    return call(seq, "free", ptr=0x9000 + seq, purpose=Purpose("a thread's cache", rule, ""))


def test_what_lay_in_a_threads_cache_is_no_block():
    """The program had freed it before: the allocator gives it back at the thread's end."""
    events = [of_cache(1), of_cache(2), of_cache(3, rule="other")]
    summary = summarise(FakeTrace(events, exit=LEFT, **ATTACHED))
    assert summary["attached"]["unknown_blocks"] == 1
    assert [run_view.is_unknown(event) for event in events] == [False, False, True]


@pytest.mark.parametrize(
    "data, words",
    [
        (b"sleep\x0030\0", [b"sleep", b"30"]),
        (b"sh\0-c\0\0x\0", [b"sh", b"-c", b"", b"x"]),
        (b"nginx: worker process" + b"\0" * 9, [b"nginx: worker process"]),
        (b"its title, without an end", [b"its title, without an end"]),
        (b"\0\0", []),
        (b"", []),
    ],
)
def test_a_title_is_not_padded(data, words):
    """Who writes over its words (setproctitle) fills the rest with NULs."""
    assert attach.words_of(data) == words


def test_it_is_said_also_where_nothing_of_it_was_freed():
    summary = summarise(FakeTrace(exit=LEFT, **{**ATTACHED, "unknown_ends": 0}))
    assert [row["count"] for row in before(summary)] == [None]


def test_of_a_program_from_its_start_nothing_is_said():
    summary = summarise(FakeTrace(exit={"kind": "exited", "status": 0}, pid=4711, unknown_ends=3))
    assert summary["attached"] is None and before(summary) == []
    assert endings.what_live_means(summary) == "bytes asked for; left: live at the end"


def test_what_is_live_when_it_is_left_is_no_leak():
    events = [call(1, size=31, block=1)]
    summary = summarise(FakeTrace(events, exit=LEFT, **ATTACHED))
    head = next(iter(sections.memory(summary, Ink(120))))
    assert "since the attach" in head and "live: when it was left" in head and "leak" not in head


def test_without_hooks_an_attached_program_is_no_program_without_libc():
    borders = [border for border in usual_borders() if border.phase == "main"]
    how = {"borders": borders, "calls_hooked": False}
    assert not summarise(FakeTrace(exit=LEFT, **how, **ATTACHED))["calls_hooked"]
    assert summarise(FakeTrace(**how))["calls_hooked"]


class Recorded:
    """A history as far as `missing` looks at it."""

    cut_off, lost, unfollowed = False, 0, ()

    def __init__(self, kind, mode):
        self.end, self.run = {"kind": kind}, {"mode": mode} if mode else {}


@pytest.mark.parametrize(
    "kind, mode, complete",
    [
        ("detached", "attached", True),
        ("exited", "attached", True),
        ("detached", None, False),
        ("killed", "attached", False),
    ],
)
def test_leaving_is_an_end_only_of_an_attached_program(kind, mode, complete):
    assert (run_facts.missing(Recorded(kind, mode)) == []) is complete
