"""The strip of a run: calls above, syscalls below, and no call reaches the kernel that did not."""

import html
from types import SimpleNamespace

from alloctrace.summary.summary import summarise
from course import strip
from course.page import parts
from reports.ink import Ink
from summary_fake import FakeTrace, call, syscall


def drawn(events, most=70):
    return strip.lines(strip.columns(events, most), Ink(80, False, True))


def test_a_syscall_hangs_beneath_the_call_that_made_it():
    events = [call(0, size=24), syscall(1, "brk", cause=0), call(2, size=24), syscall(3, "mmap")]
    columns = strip.columns(events, 70)
    assert [(c.calls, c.reached, c.syscalls) for c in columns] == [
        (1, 1, ["brk"]),
        (1, 0, []),
        (0, 0, ["mmap"]),
    ]


def test_folded_a_syscall_that_no_call_made_stays_nobodys():
    events = []
    for number in range(0, 200, 2):
        events += [call(number, size=24), syscall(number + 1, "mmap")]
    columns = strip.columns(events, 20)
    assert len(columns) <= 20 and sum(c.calls for c in columns) == 100
    assert sum(len(c.syscalls) for c in columns) == 100
    assert not any(c.reached for c in columns)
    assert "reached the kernel" not in "\n".join(drawn(events, 20))


class Kept(FakeTrace):
    """A trace that nobody renames."""

    path = property(lambda _: "/its/own/place.brkpoint")


def test_the_report_of_a_page_names_the_trace_as_the_reader_has_it():
    run = SimpleNamespace(trace=Kept([call(0, size=24)]))
    run.summary = summarise(run.trace)
    shown = html.unescape(parts._report(SimpleNamespace(), run, "a b.brkpoint"))
    assert "brkpoint report 'a b.brkpoint' --json" in shown and "/its/own" not in shown


def test_nothing_is_said_to_be_nothing():
    assert "nothing to draw" in drawn([])[0]


def test_on_a_page_a_syscall_stands_beneath_its_own_call(monkeypatch):
    """Two threads at once: the first one's syscall begins after the second one's call."""
    events = [call(0, size=24), call(1, size=25), syscall(2, "mmap", cause=0)]
    trace = SimpleNamespace(events_within=lambda ranges: events[: len(ranges)])
    run = SimpleNamespace(trace=trace, rows=lambda text: [(event.seq,) for event in events])
    item = SimpleNamespace(what="events", argument="", line=1)
    shown = parts._events(item, run)
    assert shown.index("malloc(24)") < shown.index("└ mmap") < shown.index("malloc(25)")
    assert "and more" not in shown
    monkeypatch.setattr(parts.showing, "MOST_EVENTS", 2)
    assert "and more of the same kind" in parts._events(item, run)
