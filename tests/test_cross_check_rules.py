"""The rules that explain a difference between witnesses, one by one, on made events."""

import pytest

from fake_tools import tool  # noqa: F401  (fake_tools.py knows where brkpoint_trace is)

from brkpoint_trace import compare, strace_events, strace_log  # isort: skip
from brkpoint_trace.events import Seen, in_order  # isort: skip


def calls(*sizes, task=1, image=0):
    return [Seen("call", "malloc", task, size, image=image) for size in sizes]


def codes(first, second, cut_off=()):
    _, found = compare.calls(first, second, cut_off=cut_off)
    return [difference.code for difference in found]


def test_what_has_another_name_is_not_expected_of_ltrace():
    named, plain = calls(7), calls(7)
    named[0].impl, plain[0].impl = "_rjem_malloc", "malloc"
    assert codes(named, []) == ["other name"]
    assert codes(plain, []) == [None]


# ---- cut off -------------------------------------------------------------------------------------

OTHER = calls(7, task=0)
HERE = {(0, 1)}


@pytest.mark.parametrize(
    "ours, theirs, code",
    [
        ((1, 2), (1, 2, 3, 4), "cut off"),
        ((1, 2, 3, 4), (1, 2), "cut off"),
        ((), (1,), "cut off"),
    ],
)
def test_what_follows_the_last_common_event_of_a_thread_that_was_ended(ours, theirs, code):
    first, second = OTHER + calls(*ours), OTHER + calls(*theirs)
    assert set(codes(first, second, HERE)) == {code}
    assert "cut off" not in codes(first, second)  # twin: nothing has ended it
    assert "cut off" not in codes(first, second, {(1, 1)})  # twin: not in this program


def test_twin_a_difference_before_the_end_is_none_of_its():
    assert codes(OTHER + calls(1, 2, 3), OTHER + calls(1, 3), HERE) == ["threads"]
    assert codes(OTHER + calls(1, 3), OTHER + calls(1, 2, 3), HERE) == [None]
    # at the end, but each has something that the other lacks: they did not do the same
    assert codes(OTHER + calls(1, 2), OTHER + calls(1, 9), HERE) == [None, None]


EXEC = """\
7 execve("./a", ["./a"], 0x1 /* 3 vars */) = 0
7 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x1}, 88) = 8
7 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x2} <unfinished ...>
9 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x5
8 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x6
9 execve("./a", ["./a", "again"], 0x1 /* 3 vars */ <unfinished ...>
8 +++ exited with 0 +++
7 +++ superseded by execve in pid 9 +++
7 <... execve resumed>) = 0
7 brk(NULL) = 0x9
7 exit_group(0) = ?
7 +++ exited with 0 +++
"""


def parsed(text):
    return strace_log.parse(text.splitlines())


def test_a_thread_whose_maker_never_came_back_is_known():
    """An exec of the new thread cuts off the clone that has made it."""
    assert strace_events.tasks(parsed(EXEC)) == ((7, 8, 9), set())
    child = EXEC.replace("CLONE_THREAD, stack=0x2", "SIGCHLD, stack=0x2")
    assert strace_events.tasks(parsed(child)) == ((7, 8), {9})


def test_who_was_cut_off():
    assert strace_events.cut_off(parsed(EXEC)) == {(0, 0), (0, 1)}
    events = strace_events.memory(parsed(EXEC))
    assert [(e.image, e.task, e.name) for e in events] == [
        (0, 2, "mmap"),
        (0, 1, "mmap"),
        (1, 0, "brk"),
    ]


def test_twin_who_goes_by_itself_was_not_cut_off():
    gone = EXEC.replace("8 +++ exited", "8 exit(0) = ?\n8 +++ exited")
    assert strace_events.cut_off(parsed(gone)) == {(0, 0)}
    alone = '7 execve("./a", ["./a"], 0x1 /* 3 vars */) = 0\n7 +++ killed by SIGSEGV +++\n'
    assert strace_events.cut_off(parsed(alone)) == set()


# ---- which thread is which -----------------------------------------------------------------------


def test_threads_are_ordered_as_they_were_made():
    assert in_order([7, 9, 8]) == [7, 8, 9]
    assert in_order([7, 8, 7]) == [7, 8]  # gdb tells the first anew when another has called execve
    assert in_order([32767, 300, 32766 + 2]) == [32767, 32768, 300]  # the kernel began anew
    assert in_order([]) == []
